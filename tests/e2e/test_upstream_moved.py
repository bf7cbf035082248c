"""Upstream moves while sessions live: each is told of once, and nobody is kept from work."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.support.gitrepo import GitRepo
from tests.support.runner import Vibe
from tests.support.waiting import wait_until

pytestmark = pytest.mark.fuse

LINES = "".join(f"{number}\n" for number in range(1, 21))


@pytest.fixture
def patient(repo: GitRepo) -> None:
    """Hooks wait however slow the machine is."""
    repo.git("config", "vibe.hooks.wait", "60000")


@pytest.fixture
def alpha(vibe: Vibe, repo: GitRepo, patient: None) -> Path:
    """A session that changed the first line of `a` and `b`, and has `new`."""
    repo.commit({"a": LINES, "b": f"{LINES}b\n", "c": LINES})
    path = Path(vibe("spawn", "alpha"))
    for name in ("a", "b"):
        (path / name).write_text((path / name).read_text().replace("1\n", "mine\n", 1))
    (path / "new").write_text("new\n")
    return path


def said(repo: GitRepo, *args: str, cwd: Path | None = None, ok: bool = True, **env: str) -> str:
    """What hooks of git-vibe say on standard error while git runs."""
    done = subprocess.run(
        ["git", *args], cwd=cwd or repo.path, env={**os.environ, **env}, capture_output=True, check=False, text=True
    )
    assert (done.returncode == 0) == ok, done.stderr
    return "".join(line + "\n" for line in done.stderr.splitlines() if line.startswith("git vibe: "))


def behind(commits: int, files: str, *, branch: str = "main", onto: str = "") -> str:
    """The line about session alpha."""
    plural = "" if commits == 1 else "s"
    how = f"{commits} commit{plural} behind {branch}; {files}"
    return f"git vibe: session 'alpha' is {how}: `git vibe rebase alpha{onto}`\n"


NONE = "none of its files changed there"


def side_branch(repo: GitRepo, files: dict[str, str]) -> str:
    """A branch 'side' one commit ahead of main, made without a word."""
    os.environ["GIT_VIBE_HOOK"] = "0"
    try:
        repo.git("switch", "--quiet", "--create", "side")
        commit = repo.commit(dict(files))
        repo.git("switch", "--quiet", "main")
    finally:
        del os.environ["GIT_VIBE_HOOK"]
    return commit


MOVES: dict[str, Sequence[str]] = {
    "merge": ("merge", "--quiet", "side"),
    "merge commit": ("merge", "--quiet", "--no-ff", "--no-edit", "side"),
    "reset": ("reset", "--quiet", "--hard", "side"),
    "update-ref": ("update-ref", "refs/heads/main", "side"),
    "rebase": ("rebase", "--quiet", "side"),
    "pull": ("pull", "--quiet", "--ff-only", ".", "side"),
    "pull --rebase": ("pull", "--quiet", "--rebase", ".", "side"),
    "push": ("push", "--quiet", ".", "side:main"),
    "cherry-pick": ("cherry-pick", "side"),
    "branch": ("branch", "--quiet", "--force", "main", "side"),
}
SAME_AGAIN = ("merge", "update-ref", "pull", "cherry-pick", "branch")
"""Moves that differ little from others."""


@pytest.mark.parametrize("how", [pytest.param(how, marks=[pytest.mark.slow] * (how in SAME_AGAIN)) for how in MOVES])
def test_every_move_of_the_target_is_told_once(how: str, repo: GitRepo, alpha: Path) -> None:
    side_branch(repo, {"c": "changed\n"})
    if how in ("push", "branch"):
        said(repo, "switch", "--quiet", "--detach")
    commits = 2 if how == "merge commit" else 1
    assert said(repo, *MOVES[how]) == behind(commits, NONE)
    assert said(repo, "update-ref", "refs/heads/main", repo.git("rev-parse", "main"), "main") == ""
    assert said(repo, "checkout", "--quiet", "-B", "main", "main") == ""


def test_a_commit_tells_which_files_meet_and_how(repo: GitRepo, alpha: Path, vibe: Vibe) -> None:
    repo.write({"a": LINES.replace("20\n", "upstream\n")})
    assert behind(1, "1 of its files changed there, too (a), without conflicts") in said(repo, "commit", "-qam", "one")
    repo.write({"b": LINES.replace("1\n", "upstream\n", 1) + "b\n", "new": "other\n"})
    repo.git("add", "new")
    files = "3 of its files changed there, too (a, b, new), with conflicts in 2 (b, new)"
    assert behind(2, files) in said(repo, "commit", "-qam", "two")
    assert behind(2, files).removeprefix("git vibe: ") in vibe("status") + "\n"
    (lag,) = vibe.data("status")["behind"]
    assert (lag["behind"], lag["paths"], lag["conflicts"]) == (2, ["a", "b", "new"], ["b", "new"])


def test_a_fetch_of_the_branch_that_is_followed_counts(
    repo: GitRepo, vibe: Vibe, patient: None, tmp_path: Path
) -> None:
    repo.git("clone", "--quiet", "--bare", ".", str(tmp_path / "remote.git"))
    repo.git("remote", "add", "origin", str(tmp_path / "remote.git"))
    repo.git("fetch", "--quiet", "origin")
    repo.git("branch", "--quiet", "--set-upstream-to=origin/main")
    repo.git("clone", "--quiet", str(tmp_path / "remote.git"), str(tmp_path / "colleague"))
    colleague = GitRepo(tmp_path / "colleague")
    vibe("spawn", "alpha")
    for number in range(3):
        colleague.commit({"there": f"{number}\n"})
        colleague.git("push", "--quiet", "origin", "HEAD:main", "HEAD:other")
        if number == 0:
            line = behind(1, NONE, branch="origin/main", onto=" --onto origin/main")
            assert said(repo, "fetch", "--quiet", "origin") == line
            assert said(repo, "merge", "--quiet", "--ff-only", "origin/main") == ""
        else:
            assert said(repo, "pull", "--quiet", *(["--rebase"] if number == 2 else [])) == behind(number + 1, NONE)


def test_other_branches_are_nobodys_upstream(repo: GitRepo, alpha: Path) -> None:
    side_branch(repo, {"a": "changed\n"})
    assert said(repo, "branch", "another", "side") == ""
    assert said(repo, "switch", "--quiet", "side") == ""
    repo.write({"c": "changed again\n"})
    assert said(repo, "commit", "-qam", "side") == ""
    assert said(repo, "tag", "v1", "side") == ""
    assert said(repo, "update-ref", "refs/vibes/other", "side") == ""


def test_a_session_without_a_target_follows_what_is_checked_out(repo: GitRepo, vibe: Vibe, patient: None) -> None:
    vibe("spawn", "alpha")
    meta = repo.vibe_dir / "sessions" / "alpha" / "meta.json"
    meta.write_text(json.dumps({**json.loads(meta.read_text()), "target": None}))
    side_branch(repo, {"c": "changed\n"})
    assert said(repo, "switch", "--quiet", "side") == behind(1, NONE, branch="side")
    assert said(repo, "switch", "--quiet", "main") == ""


def test_a_move_back_is_no_news(repo: GitRepo, alpha: Path) -> None:
    base = repo.git("rev-parse", "HEAD")
    assert said(repo, "commit", "-q", "--allow-empty", "-m", "x") == behind(1, NONE)
    assert said(repo, "reset", "--quiet", "--hard", base) == ""


@pytest.mark.parametrize("how", ["setting", "environment"])
def test_hooks_can_be_silenced(how: str, repo: GitRepo, alpha: Path) -> None:
    if how == "setting":
        repo.git("config", "vibe.quiet", "true")
    assert said(repo, "commit", "-q", "--allow-empty", "-m", "x", GIT_VIBE_HOOK="01"[how == "setting"]) == ""


def test_work_in_sessions_and_linked_work_trees_counts(repo: GitRepo, alpha: Path, native: Path) -> None:
    (native / "c").write_text("changed\n")
    assert said(repo, "commit", "-qam", "detached", cwd=native) == ""
    commit = repo.git("-C", str(native), "rev-parse", "HEAD")
    assert said(repo, "commit", "-q", "--allow-empty", "-m", "inside", cwd=alpha) == ""
    assert said(repo, "update-ref", "refs/heads/main", commit, cwd=alpha) == behind(1, NONE)
    commit = repo.git("commit-tree", "-p", commit, "-m", "x", f"{commit}^{{tree}}")
    assert said(repo, "update-ref", "refs/heads/main", commit, cwd=native) == behind(2, NONE)


def test_what_takes_too_long_goes_on_in_the_background(repo: GitRepo, alpha: Path, vibe: Vibe) -> None:
    repo.git("config", "vibe.hooks.wait", "0")
    assert behind(1, NONE) not in said(repo, "commit", "-q", "--allow-empty", "-m", "x")
    wait_until(lambda: vibe.data("status")["behind"], what="the result in the status")
    assert behind(1, NONE).removeprefix("git vibe: ") in vibe("status") + "\n"


def test_what_was_found_is_forgotten_when_upstream_moved_on_unseen(repo: GitRepo, alpha: Path, vibe: Vibe) -> None:
    said(repo, "commit", "-q", "--allow-empty", "-m", "x")
    assert len(vibe.data("status")["behind"]) == 1
    said(repo, "commit", "-q", "--allow-empty", "-m", "y", GIT_VIBE_HOOK="0")
    assert vibe.data("status")["behind"] == []


# Commits and pushes that meet sessions

WARNING = "session 'alpha' also changed a file that you staged (a): `git vibe status --conflicts` shows where they meet"


def test_pre_commit_warns_and_lets_pass(repo: GitRepo, alpha: Path) -> None:
    repo.write({"a": "upstream\n", "c": "upstream\n"})
    assert f"git vibe: {WARNING}\n" in said(repo, "commit", "-qam", "x")
    repo.write({"c": "again\n"})
    assert WARNING not in said(repo, "commit", "-qam", "x")


def test_what_the_session_has_as_well_is_no_cause(repo: GitRepo, alpha: Path) -> None:
    repo.write({"a": (alpha / "a").read_bytes()})
    assert "also changed" not in said(repo, "commit", "-qam", "x")


def test_pre_commit_looks_at_what_is_committed(repo: GitRepo, alpha: Path) -> None:
    repo.write({"a": "upstream\n", "c": "upstream\n"})
    assert "also changed" not in said(repo, "commit", "-q", "-m", "x", "c")
    assert WARNING in said(repo, "commit", "-q", "-m", "x", "a")


def test_a_session_is_not_warned_of_itself(repo: GitRepo, alpha: Path, vibe: Vibe) -> None:
    beta = Path(vibe("spawn", "beta"))
    (beta / "a").write_text("beta's\n")
    text = said(repo, "commit", "-qam", "x", cwd=alpha)
    assert text == f"git vibe: {WARNING}\n".replace("alpha", "beta")


def test_vibe_hooks_block_makes_a_commit_fail(repo: GitRepo, alpha: Path) -> None:
    repo.git("config", "vibe.hooks.block", "true")
    repo.git("config", "vibe.hooks.wait", "0")
    head = repo.git("rev-parse", "HEAD")
    repo.write({"a": "upstream\n"})
    text = said(repo, "commit", "-qam", "x", ok=False)
    refusal = "git vibe: nothing was committed, for vibe.hooks.block is set; `--no-verify` goes on regardless\n"
    assert text == f"git vibe: {WARNING}\n{refusal}"
    assert repo.git("rev-parse", "HEAD") == head
    said(repo, "commit", "-q", "--allow-empty", "--only", "-m", "x")
    said(repo, "commit", "-qam", "x", "--no-verify")


@pytest.mark.parametrize("known", [True, False])
def test_pre_push_warns_or_blocks(known: bool, repo: GitRepo, alpha: Path, tmp_path: Path) -> None:  # noqa: FBT001
    repo.git("init", "--quiet", "--bare", str(tmp_path / "remote.git"))
    repo.git("-C", str(tmp_path / "remote.git"), "config", "receive.denyDeleteCurrent", "ignore")
    repo.git("remote", "add", "origin", str(tmp_path / "remote.git"))
    said(repo, "push", "--quiet", "origin", "main")
    repo.write({"a": "upstream\n"})
    said(repo, "commit", "-qam", "x", "--no-verify")
    refspec = "main" if known else "main:refs/heads/new"
    warning = WARNING.replace("staged", "push")
    assert said(repo, "push", "--quiet", "--dry-run", "origin", refspec) == f"git vibe: {warning}\n"
    repo.git("config", "vibe.hooks.block", "true")
    assert "nothing was pushed" in said(repo, "push", "--quiet", "origin", refspec, ok=False)
    assert said(repo, "push", "--quiet", "--no-verify", "origin", refspec) == ""
    assert said(repo, "push", "--quiet", "origin", ":main") == ""
