#!/usr/bin/env bash
# `make demo`: the main job of git-vibe on a real repository. Needs git-vibe on PATH and PyPI for the repository.
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf '\n\033[1m# %s\033[0m\n' "$*"; }
run() { printf '\033[2m$ %s\033[0m\n' "$*"; "$@"; }
seconds() { local start end; start=$(date +%s%N); "$@" >/dev/null; end=$(date +%s%N); echo "$(((end - start) / 1000000)) ms"; }

work=$(mktemp -d "${TMPDIR:-/tmp}/git-vibe-demo.XXXXXX")
export GIT_AUTHOR_NAME=Demo GIT_AUTHOR_EMAIL=demo@example.com GIT_COMMITTER_NAME=Demo GIT_COMMITTER_EMAIL=demo@example.com
repo=$work/app
cleanup() {
    [ -d "$repo/.git/vibe" ] && git -C "$repo" vibe purge --force >/dev/null 2>&1
    rm -rf "$work"
}
trap cleanup EXIT

say "A real repository: four releases of Django, one commit each"
python -c 'import sys; from pathlib import Path; from bench.repos import repository; print(repository(Path(".bench").absolute(), "real"))' >"$work/source"
git clone --quiet "$(cat "$work/source")" "$repo"
cd "$repo"
run git log --oneline
echo "$(git ls-files | wc -l) files"

say "Prepare it once, then give three agents a view each"
run git vibe init
echo "git worktree add:   $(seconds git worktree add --quiet --detach "$work/native" HEAD)"
git vibe spawn warm-up >/dev/null
echo "git vibe spawn:     $(seconds git vibe spawn feature-auth)"
echo "git vibe spawn:     $(seconds git vibe spawn fix-typo)"
git vibe close warm-up
run git vibe status

say "An agent edits, adds, renames and runs tools; git works inside as in any checkout"
mount=$(git vibe spawn feature-auth)
run cd "$mount"
run git status --short --branch
run sed -i 's/^VERSION = .*/VERSION = (5, 0, 7, "final", 0)/' django/__init__.py
run mkdir -p django/contrib/vibe
printf 'def answer():\n    return 42\n' >django/contrib/vibe/__init__.py
run git mv AUTHORS AUTHORS.txt
run rm INSTALL
run python -m compileall -q django/contrib/vibe
run python -c 'import django; from django.contrib.vibe import answer; print(django.VERSION, answer())'
run git status --short
cd "$repo"

say "The user's own checkout and the other session have not changed"
run git status --short
run git vibe sh fix-typo -c 'ls AUTHORS INSTALL && git status --short'

say "Upstream moves while agents work: hooks tell it, rebase brings the session along under its agent's feet"
mount=$(git vibe spawn fix-typo)
sed -i '1s/^/Read this first.\n/' "$mount/README.rst"
printf '\nRead this last.\n' >>README.rst
run git commit --quiet --all --message "Add a last line"
run git vibe status --conflicts
run git vibe rebase fix-typo
run sed -n '1p;$p' "$mount/README.rst"
run git vibe sh fix-typo -c 'git status --short'

say "Look at the work, promote it, merge it"
run git vibe status feature-auth
run git vibe diff feature-auth --stat
run git vibe promote feature-auth
run git log --oneline -2 refs/vibes/feature-auth
run git vibe commit feature-auth
run git log --oneline -2

say "A real test suite gives the same result in a session and natively"
git worktree remove --force "$work/native"
git worktree add --quiet --detach "$work/native" HEAD
tests() { (cd "$1" && PYTHONPATH=. python -W ignore tests/runtests.py --parallel=1 files file_storage staticfiles_tests migrations 2>&1 | grep -E '^(Ran|OK|FAILED)'); }
mount=$(git vibe spawn run-tests)
echo "natively:     $(tests "$work/native" | tr '\n' ' ')"
echo "in a session: $(tests "$mount" | tr '\n' ' ')"

say "Close: nothing is lost, nothing is left"
echo "an idea" >"$(git vibe spawn fix-typo)/idea.txt"
git vibe close fix-typo || true
run git vibe close fix-typo --force
run git for-each-ref refs/vibe/archive
run git vibe purge --force
run git status --short
grep -F "$work" /proc/self/mountinfo || echo "no mount is left"
