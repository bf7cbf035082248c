"""promote as a user types it: all sessions, some files, own words, the repository's hooks, signatures."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from tests.support.gitrepo import GitRepo
from tests.support.runner import Vibe

pytestmark = pytest.mark.fuse


def changed(repo: GitRepo, commit: str = "refs/vibes/alpha") -> set[str]:
    return set(repo.git("diff", "--name-only", f"{commit}^1", commit).splitlines())


def dirty(vibe: Vibe) -> set[str]:
    return {file["path"] for file in vibe.data("status", "alpha")["files"]}


def hook(repo: GitRepo, name: str, script: str, directory: str = ".git/hooks") -> None:
    path = repo.path / directory / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def inside(alpha: Path, script: str) -> str:
    done = subprocess.run(["sh", "-ec", script], cwd=alpha, capture_output=True, check=True)
    return done.stdout.decode().strip()


# All sessions


def test_all_reports_on_each_session(vibe: Vibe, repo: GitRepo, alpha: Path) -> None:
    for name in ("beta", "clean", "moved"):
        (Path(vibe("spawn", name)) / "new").write_text(name)
    inside(alpha.parent / "clean", "rm new")
    (alpha / "new").write_text("alpha")
    vibe("promote", "moved")
    repo.git("update-ref", "refs/vibes/moved", "HEAD")
    done = vibe.run("promote", "--all")
    lines = done.out.splitlines()
    assert [line.partition(" to ")[0] for line in lines] == [
        "Promoted session 'alpha'", "Promoted session 'beta'", "Nothing", "Failed",
    ]  # fmt: skip
    assert (done.code, lines[2:]) == (1, ["Nothing to promote in 'clean'", "Failed to promote session 'moved'"])
    assert "git vibe: refs/vibes/moved is at" in done.err
    assert repo.git("show", "refs/vibes/beta:new") == "beta"


def test_all_as_json(vibe: Vibe, repo: GitRepo, alpha: Path) -> None:
    assert vibe.data("promote", "--all") == {"sessions": [{"session": "alpha", "commit": None}]}
    (alpha / "new").write_text("alpha")
    found = vibe.data("promote", "--all")["sessions"]
    assert [(each["session"], each["commit"], each["files"]) for each in found] == [
        ("alpha", repo.git("rev-parse", "refs/vibes/alpha"), 1)
    ]


@pytest.mark.parametrize("words", [[], ["alpha", "--all"], ["--all", "--only", "x"], ["--all", "--edit"]])
def test_one_session_or_all(words: list[str], vibe: Vibe) -> None:
    assert "name one session, or --all" in vibe.fails("promote", *words, code=2)


def test_promotes_at_once_end_right(vibe: Vibe, repo: GitRepo, alpha: Path) -> None:
    base = repo.git("rev-parse", "HEAD")
    (alpha / "one").write_text("1")
    done = vibe.together(*[("promote", "alpha")] * 3, ("promote", "--all"))
    assert [each.code for each in done] == [0] * 4
    assert sorted(each.out.partition(" ")[0] for each in done) == ["Nothing"] * 3 + ["Promoted"]
    assert repo.git("rev-list", f"{base}..refs/vibes/alpha").count("\n") == 0
    assert changed(repo) == {"one"}


# Some files


def test_only_what_is_asked_for(vibe: Vibe, repo: GitRepo, alpha: Path) -> None:
    inside(alpha, "echo x >README; echo x >src/main.py; echo x >src/new.py; echo x >src/deep/er/data.bin; rm empty")
    vibe("promote", "alpha", "--only", ":(glob)src/**/*.py", "empty", ":!src/main.py")
    assert changed(repo) == {"src/new.py", "empty"}
    assert dirty(vibe) == {"README", "src/main.py", "src/deep/er/data.bin"}
    vibe("promote", "alpha")
    assert changed(repo) == {"README", "src/main.py", "src/deep/er/data.bin"}
    assert dirty(vibe) == set()


def test_only_from_a_subdirectory(vibe: Vibe, repo: GitRepo, alpha: Path) -> None:
    inside(alpha, "echo x >README; echo x >src/main.py")
    vibe("promote", "alpha", "--only", "main.py", cwd=repo.path / "src")
    assert changed(repo) == {"src/main.py"}
    vibe("promote", "alpha", "--only", "../README", cwd=alpha / "src")
    assert changed(repo) == {"README"}


def test_only_something_that_did_not_change(vibe: Vibe, repo: GitRepo, alpha: Path) -> None:
    inside(alpha, "echo x >README")
    done = vibe.run("promote", "alpha", "--only", "README", "run.sh", "--json")
    assert (done.code, done.error["code"]) == (1, "PATHSPEC_UNMATCHED")
    assert "'run.sh'" in done.error["message"] and "README" not in done.error["message"]
    assert repo.refs("refs/vibes/") == {}


# Words


def test_edited_message(vibe: Vibe, repo: GitRepo, alpha: Path, tmp_path: Path) -> None:
    inside(alpha, "echo x >new")
    seen = tmp_path / "seen"
    editor = f'cp "$1" {seen}; sed -i \'1s/.*/My subject/; 2i # a comment\' "$1"; :'
    vibe(
        "promote",
        "alpha",
        "--edit",
        env={"GIT_EDITOR": f"sh -c '{editor.replace(chr(39), chr(39) + chr(92) + chr(39) + chr(39))}' -"},
    )
    assert seen.read_text().startswith("VibeFS: Promote session 'alpha'\n\nVibe-Session: alpha\nVibe-Base: ")
    assert "# Changes to be committed:\n#\tnew file:   new\n" in seen.read_text()
    body = repo.git("log", "-1", "--format=%B", "refs/vibes/alpha")
    assert body.startswith("My subject\n\nVibe-Session: alpha\nVibe-Base: ") and "#" not in body


def test_emptied_message_aborts(vibe: Vibe, repo: GitRepo, alpha: Path) -> None:
    inside(alpha, "echo x >new")
    before = repo.refs()
    done = vibe.run("promote", "alpha", "--edit", "--json", env={"GIT_EDITOR": "truncate -s 0"})
    assert (done.code, done.error["code"]) == (1, "PROMOTE_REFUSED")
    assert "message is empty" in done.error["message"]
    assert repo.refs() == before
    assert dirty(vibe) == {"new"}


def test_broken_editor_aborts(vibe: Vibe, repo: GitRepo, alpha: Path) -> None:
    inside(alpha, "echo x >new")
    assert "no commit" in vibe.fails("promote", "alpha", "--edit", env={"GIT_EDITOR": "false"})
    assert repo.refs("refs/vibes/") == {}


# Commits of the agent's own


def test_commits_of_the_agent_are_kept(vibe: Vibe, repo: GitRepo, alpha: Path) -> None:
    first = inside(alpha, "echo 1 >one; git add one; git commit -qm one; git rev-parse HEAD")
    second = inside(alpha, "echo 2 >two; git add two; git commit -qm two; echo 3 >three; git rev-parse HEAD")
    done = vibe.data("promote", "alpha", "--keep-commits")
    assert done["commits"] == 2
    assert repo.git("rev-list", "HEAD..refs/vibes/alpha").splitlines() == [done["commit"], second, first]
    assert changed(repo) == {"three"}
    assert [json.loads(repo.git("notes", "--ref=vibe", "show", each))["session"] for each in (first, second)] == [
        "alpha"
    ] * 2
    assert vibe.data("promote", "alpha", "--keep-commits")["commit"] is None
    third = inside(alpha, "git add three; git commit -qm three; git rev-parse HEAD")
    inside(alpha, "echo 4 >four")
    vibe("promote", "alpha", "--keep-commits")
    assert repo.git("log", "-1", "--format=%P", "refs/vibes/alpha") == f"{done['commit']} {third}"
    assert changed(repo) == {"four"}


def test_commits_that_hold_everything_need_no_other(vibe: Vibe, repo: GitRepo, alpha: Path) -> None:
    head = inside(alpha, "echo 1 >one; git add one; git commit -qm one; git rev-parse HEAD")
    assert vibe.data("promote", "alpha", "--keep-commits")["commit"] == head == repo.refs()["refs/vibes/alpha"]
    assert dirty(vibe) == set()
    inside(alpha, "echo 2 >two")
    assert repo.git("rev-parse", f"{vibe.data('promote', 'alpha')['commit']}^") == head
    vibe("close", "alpha")


# Ignored files


def test_ignored_files_on_demand(vibe: Vibe, repo: GitRepo, alpha: Path) -> None:
    inside(alpha, "mkdir build; echo x >build/out; echo x >x.log; echo x >new")
    vibe("promote", "alpha", "--include-ignored")
    assert changed(repo) == {"build/out", "x.log", "new"}
    assert dirty(vibe) == set()
    inside(alpha, "echo y >build/out; echo y >build/other")
    assert dirty(vibe) == {"build/out"}
    vibe("promote", "alpha")
    assert repo.git("show", "refs/vibes/alpha:build/out") == "y"
    assert vibe.data("status", "alpha")["ignored"]["count"] == 1
    inside(alpha, "rm -r build")
    assert dirty(vibe) == {"build/out"}


# Hooks of the repository


def test_hooks_see_what_is_promoted(vibe: Vibe, repo: GitRepo, alpha: Path, tmp_path: Path) -> None:
    log = tmp_path / "log"
    hook(repo, "pre-commit", f"{{ pwd; git diff --cached --name-status HEAD; git status --porcelain; }} >{log}")
    hook(repo, "prepare-commit-msg", 'echo "prepared $2" >>"$1"')
    hook(repo, "commit-msg", 'sed -i "s/prepared/checked/" "$1"; echo "all is well"')
    hook(repo, "post-commit", f"echo post >>{log}")
    state = repo.own_state()
    inside(alpha, "echo x >README; echo x >new; rm empty")
    done = vibe.run("promote", "alpha", "--only", "README", "empty")
    assert done.code == 0 and "all is well" in done.err
    assert log.read_text().split() == [
        str(alpha),
        "M",
        "README",
        "D",
        "empty",
        "M",
        "README",
        "D",
        "empty",
        "??",
        "new",
    ]
    assert "checked message" in repo.git("log", "-1", "--format=%B", "refs/vibes/alpha")
    assert changed(repo) == {"README", "empty"}
    assert repo.own_state() == state
    assert inside(alpha, "git status --porcelain") == "M README\n D empty\n?? new"


@pytest.mark.parametrize("name", ["pre-commit", "commit-msg", "prepare-commit-msg"])
def test_a_hook_that_fails_keeps_everything(name: str, vibe: Vibe, repo: GitRepo, alpha: Path) -> None:
    hook(repo, name, "echo 'not like this' >&2; exit 3")
    inside(alpha, "echo x >new")
    before = repo.refs()
    done = vibe.run("promote", "alpha", "--json")
    assert (done.code, done.error["code"]) == (1, "PROMOTE_REFUSED")
    assert "not like this" in done.error["message"] and "--no-verify" in done.error["suggestion"]
    assert (repo.refs(), dirty(vibe)) == (before, {"new"})
    if name != "prepare-commit-msg":  # git runs that one in any case
        vibe("promote", "alpha", "--no-verify")
        assert changed(repo) == {"new"}


def test_what_a_hook_mends_is_promoted(vibe: Vibe, repo: GitRepo, alpha: Path) -> None:
    hook(repo, "pre-commit", "sed -i s/x/y/ new; git add new")
    inside(alpha, "echo x >new")
    vibe("promote", "alpha")
    assert repo.git("show", "refs/vibes/alpha:new") == "y" == (alpha / "new").read_text().strip()
    assert dirty(vibe) == set()


def test_hooks_where_core_hookspath_says(vibe: Vibe, repo: GitRepo) -> None:
    hook(repo, "pre-commit", 'exec "$(dirname "$0")/shared" husky', ".husky")
    hook(repo, "shared", "echo $1 >told; git add told", ".husky")
    repo.commit(message="hooks")
    repo.git("config", "core.hooksPath", ".husky")
    alpha = Path(vibe("spawn", "alpha"))
    inside(alpha, "echo x >new")
    vibe("promote", "alpha")
    assert changed(repo) == {"new", "told"}


# Signatures


def verified(repo: GitRepo, public: str, commit: str, tmp_path: Path) -> int:
    signers = tmp_path / "signers"
    signers.write_text(f"* {public}\n")
    command = ["git", "-c", "gpg.format=ssh", "-c", f"gpg.ssh.allowedSignersFile={signers}", "verify-commit", commit]
    return subprocess.run(command, cwd=repo.path, check=False).returncode


@pytest.mark.parametrize("words", [[], ["--edit"]])
def test_signed_with_the_key_of_the_session(
    words: list[str], vibe: Vibe, repo: GitRepo, alpha: Path, tmp_path: Path
) -> None:
    inside(alpha, "echo x >new")
    vibe("promote", "alpha", "--sign", *words, env={"GIT_EDITOR": "true"})
    commit = repo.refs()["refs/vibes/alpha"]
    note = json.loads(repo.git("notes", "--ref=vibe", "show", commit))
    assert verified(repo, note["signing_key"], commit, tmp_path) == 0
    key = repo.vibe_dir / "sessions/alpha/key"
    assert key.stat().st_mode & 0o777 == 0o600
    repo.git("config", "vibe.sign", "true")
    inside(alpha, "echo y >new")
    vibe("promote", "alpha")
    assert verified(repo, note["signing_key"], "refs/vibes/alpha", tmp_path) == 0
    inside(alpha, "echo z >new")
    vibe("promote", "alpha", "--no-sign")
    assert verified(repo, note["signing_key"], "refs/vibes/alpha", tmp_path) != 0
    vibe("close", "alpha")
    assert not key.exists()


def test_signed_as_the_user_is_set_up(vibe: Vibe, repo: GitRepo, alpha: Path, tmp_path: Path) -> None:
    key = tmp_path / "own"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", os.fspath(key)], check=True)
    for name, value in (("gpg.format", "ssh"), ("user.signingKey", os.fspath(key)), ("commit.gpgSign", "true")):
        repo.git("config", name, value)
    inside(alpha, "echo x >new")
    vibe("promote", "alpha", "--sign")
    public = Path(f"{key}.pub").read_text()
    assert verified(repo, public, "refs/vibes/alpha", tmp_path) == 0
    assert not (repo.vibe_dir / "sessions/alpha/key").exists()
    inside(alpha, "echo y >new")
    vibe("promote", "alpha")  # commit.gpgSign is about commits of the user
    assert "gpgsig" not in repo.git("cat-file", "commit", "refs/vibes/alpha")


# Cost


def test_a_promote_asks_git_for_little(vibe: Vibe, alpha: Path, tmp_path: Path) -> None:
    inside(alpha, "git status; for name in README src/main.py src/deep/er/data.bin; do echo x >>$name; done")
    trace = tmp_path / "trace"
    vibe("promote", "alpha", env={"GIT_TRACE": os.fspath(trace)})
    started = [
        line.split("built-in: git ")[1].split()[0] for line in trace.read_text().splitlines() if "built-in" in line
    ]
    assert not {"ls-files", "diff-index", "read-tree", "check-ignore", "status"} & set(started)
    assert len(started) <= 12
