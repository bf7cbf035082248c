"""git in a session does what it does in a native work tree: same output, same objects, same files afterwards."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.support.gitrepo import GitRepo
from tests.support.gitscripts import EVERYDAY, RARE
from tests.support.runner import Vibe
from tests.support.trees import tree

pytestmark = pytest.mark.fuse

SCRIPTS = [*EVERYDAY, *(pytest.param(what, marks=pytest.mark.slow) for what in RARE)]


def run_script(script: str, directory: Path) -> str:
    """What a shell prints that runs the script in `directory`, with the paths of work tree and git directory masked."""
    git_dir = (directory / ".git").read_text().removeprefix("gitdir: ").strip()
    quiet = {**os.environ, "GIT_VIBE_HOOK": "0"}  # hooks of git-vibe tell of other sessions than the one they run in
    done = subprocess.run(
        ["sh", "-c", script], cwd=directory, env=quiet, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False
    )
    return os.fsdecode(done.stdout).replace(git_dir, "GITDIR").replace(str(directory), "TOP")


@pytest.mark.parametrize("what", SCRIPTS)
def test_as_in_a_native_work_tree(what: str, alpha: Path, native: Path, repo: GitRepo) -> None:
    script = (EVERYDAY | RARE)[what]
    expected = run_script(script, native)
    assert run_script(script, alpha) == expected
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


@pytest.mark.parametrize("command", [["remove", "--force"], ["move"]])
def test_git_worktree_leaves_sessions_alone(command: list[str], alpha: Path, repo: GitRepo) -> None:
    target = [str(alpha.with_name("elsewhere"))] if command == ["move"] else []
    done = subprocess.run(
        ["git", "worktree", *command, str(alpha), *target], cwd=repo.path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 128
    assert "git-vibe session" in done.stderr
    assert (alpha / "README").read_text() == "hello\n"
