"""git in a session does what it does in a native work tree: same output, same objects, same files afterwards."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.support.gitrepo import GitRepo
from tests.support.runner import Vibe
from tests.support.trees import tree

pytestmark = pytest.mark.fuse

SCRIPTS = {
    "status": """
        git status; git status --porcelain --ignored --untracked-files=all
        echo new >new; echo log >x.log; echo more >>README; rm empty; chmod -x run.sh; mkdir d && touch d/f
        git status; git status --porcelain --ignored --untracked-files=all; git diff-files; git update-index --refresh
    """,
    "log": "git log --stat --format=fuller; git log -p --follow README; git log --oneline --graph --all; git show",
    "diff": """
        echo more >>README; printf 'a\\0b' >src/deep/er/data.bin; ln -sfn empty link; rm empty; mv run.sh ran.sh
        git diff; git diff --binary; git add -A; git diff --cached -M --stat; git diff HEAD --name-status
    """,
    "add and commit": """
        echo more >>README; echo new >src/new.py; rm -r src/deep
        git add -A; git write-tree; git commit -m second; git log --format=%H%n%T -1; git status
        echo again >>README; git commit -a --amend -m third; git rev-parse HEAD HEAD@{1}; git show --stat
    """,
    "add -p": """
        seq 30 >lines; git add lines; git commit -qm lines; sed -i 's/^3$/three/; s/^28$/twenty-eight/' lines
        printf 'y\\nn\\n' | git add -p; git diff; git diff --cached
    """,
    "stash": """
        echo more >>README; echo staged >staged; git add staged; echo new >new; ln -sfn new link
        git stash push --include-untracked -m work; git status; ls -A src; git stash list; git stash show -p
        git stash pop; git status; cat README staged new; readlink link
    """,
    "switch": """
        git branch -q side HEAD; git switch -c here; echo one >one; rm -r src; git add -A; git commit -qm one
        git switch --detach side; ls -AR . | sort; git switch -; ls -A | sort; git branch -v; git switch --detach -q
        git branch -D here side
    """,
    "checkout and reset": """
        echo more >>README; rm -r src; git checkout -- src; git restore README; git status
        echo x >x; git add x; git reset --hard; git status; echo y >y; git clean -fdn; git clean -fd; ls -A | sort
        git rm -rq src; git status --short; git checkout HEAD -- .; git status --short
    """,
    "rebase": """
        for i in 1 2 3; do echo $i >>list; git add list; git commit -qm "step $i"; done; git branch -q base HEAD~3
        git checkout -q --detach base; echo other >other; git add .; git commit -qm other; git branch -qf base HEAD
        git checkout -q --detach HEAD@{2}; git rebase base; git log --format='%T %s'; git branch -D base
    """,
    "a rebase that conflicts": """
        base=$(git rev-parse HEAD); echo a >file; git add .; git commit -qm a; first=$(git rev-parse HEAD)
        git checkout -q $base; echo b >file; git add .; git commit -qm b
        git rebase $first; git status; cat file; git ls-files -u; echo ab >file; git add file
        GIT_EDITOR=true git rebase --continue; git log --format='%T %s'; cat file
    """,
    "merge": """
        base=$(git rev-parse HEAD); mkdir a; echo 1 >a/x; git add .; git commit -qm a; first=$(git rev-parse HEAD)
        git checkout -q $base; git mv src source; git commit -qm b; git merge --no-edit $first
        git log --graph --format=%T%n%s
        git cherry-pick $base..$first; git revert --no-edit HEAD^2; ls -AR . | sort
    """,
    "bisect": """
        for i in 1 2 3 4 5 6 7 8; do echo $i >n; git add n; git commit -qm "n $i"; done
        git bisect start HEAD HEAD~8; git bisect run sh -c 'test $(cat n 2>/dev/null || echo 0) -lt 5'; cat n
        git bisect log; git bisect reset; cat n; git status
    """,
    "grep": "git grep -n hello; git grep -c print -- '*.py'; git grep --untracked -l hello; git grep --no-index -l ran",
    "blame": "echo more >>README; git commit -qam more; git blame README; git blame -l --porcelain src/main.py",
    "files": "git ls-files -s; git ls-tree -r -l HEAD; git check-ignore -v x.log build; git check-attr -a README",
    "apply": """
        echo more >>README; echo x >x; rm empty; git add -A; git diff --cached --binary >../patch.$$
        git reset -q --hard
        git apply --index ../patch.$$; git status --short; git am --show-current-patch; git format-patch -1 --stdout
        rm ../patch.$$
    """,
    "archive": """
        git archive HEAD | tar -t; git ls-files -z | xargs -0 git hash-object --no-filters; git describe --always
    """,
    "subdirectory": """
        git config core.bare; git rev-parse --is-inside-work-tree --show-prefix --show-cdup; cd src
        git rev-parse --show-prefix --show-cdup; echo x >>main.py; git status -s; git add .; git commit -qm sub
        git show --stat --format=%T
    """,
    "submodule": "git submodule status; git submodule summary",
    "index flags": """
        git update-index --assume-unchanged README; echo x >>README; git status -s
        git update-index --no-assume-unchanged README; git status -s; git update-index --really-refresh
    """,
}


def run_script(script: str, directory: Path) -> str:
    """What a shell prints that runs the script in `directory`, whose path becomes TOP and whose name NAME."""
    done = subprocess.run(
        ["sh", "-c", script], cwd=directory, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False
    )
    return os.fsdecode(done.stdout).replace(str(directory), "TOP")


@pytest.mark.parametrize("what", SCRIPTS)
def test_as_in_a_native_work_tree(what: str, alpha: Path, native: Path, repo: GitRepo) -> None:
    expected = run_script(SCRIPTS[what], native)
    assert run_script(SCRIPTS[what], alpha) == expected
    assert tree(alpha) == tree(native)
    assert run_script(
        "git status --porcelain -uall --ignored; git write-tree; git rev-parse HEAD", alpha
    ) == run_script("git status --porcelain -uall --ignored; git write-tree; git rev-parse HEAD", native)
    repo.git("fsck", "--strict", "--no-dangling")


def test_a_fresh_session_is_clean(alpha: Path, repo: GitRepo) -> None:
    assert run_script("git status --porcelain --ignored; git diff HEAD; git diff-files; git stash list", alpha) == ""
    assert run_script("git rev-parse HEAD", alpha).strip() == repo.git("rev-parse", "HEAD")
    assert run_script("git symbolic-ref -q HEAD || echo detached", alpha) == "detached\n"


def test_the_work_trees_are_listed(alpha: Path, native: Path, repo: GitRepo) -> None:
    head = repo.git("rev-parse", "HEAD")
    listing = repo.git("worktree", "list", "--porcelain")
    entry = f"worktree {alpha}\nHEAD {head}\ndetached\nlocked git-vibe session; end it with `git vibe close`"
    assert entry in listing
    assert run_script("git worktree list --porcelain", alpha) == f"{listing}\n".replace(str(alpha), "TOP")
    repo.git("worktree", "prune", "--expire=now")
    assert entry in repo.git("worktree", "list", "--porcelain")


def test_a_branch_of_the_user_cannot_be_taken(alpha: Path, native: Path) -> None:
    expected = run_script("git switch main; echo $?", native)
    assert run_script("git switch main; echo $?", alpha) == expected
    assert "128" in expected


def test_what_is_committed_inside_is_the_users_to_see(vibe: Vibe, repo: GitRepo, alpha: Path) -> None:
    before = repo.own_state()
    run_script("echo x >x; git add x; git commit -qm inside", alpha)
    commit = run_script("git rev-parse HEAD", alpha).strip()
    assert repo.git("show", f"{commit}:x") == "x"
    assert repo.own_state() == before
    assert "inside" in vibe("sh", "alpha", "-c", "git log --oneline")


def test_the_users_git_vibe_works_inside(vibe: Vibe, repo: GitRepo, alpha: Path) -> None:
    (alpha / "new").write_text("x\n")
    assert "new" in vibe("status", "alpha", cwd=alpha / "src")
    vibe("promote", "alpha", cwd=alpha)
    assert Path(vibe("spawn", "beta", cwd=alpha)) == alpha.with_name("beta")
    assert "you are inside session 'alpha'" in vibe.fails("close", "alpha", cwd=alpha)
