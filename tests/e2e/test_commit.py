"""commit as a user types it: its styles, branches that are not checked out, other sessions, merges that stop."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.support.gitrepo import GitRepo
from tests.support.runner import Vibe

pytestmark = pytest.mark.fuse


def log(repo: GitRepo, form: str, revision: str = "HEAD") -> str:
    return repo.git("log", "-1", f"--format={form}", revision)


def sessions(vibe: Vibe) -> list[str]:
    return [row["name"] for row in vibe.data("status")["sessions"]]


@pytest.fixture
def diverged(repo: GitRepo, alpha: Path) -> Path:
    """Session 'alpha' with a new file, and a main that went on."""
    (alpha / "new").write_text("new\n")
    repo.commit({"other": "other\n"})
    return alpha


@pytest.fixture
def conflicting(repo: GitRepo, alpha: Path) -> Path:
    """Session 'alpha' and main, which changed the same line."""
    (alpha / "README").write_text("theirs\n")
    repo.commit({"README": "ours\n"})
    return alpha


# Styles


@pytest.mark.parametrize("others", [{}, {"other": "other\n"}])
def test_squash_makes_one_ordinary_commit(others: dict[str, str], vibe: Vibe, repo: GitRepo, alpha: Path) -> None:
    for number in (1, 2):
        (alpha / f"new{number}").write_text("new\n")
        vibe("promote", "alpha")
    before = repo.commit(others) if others else repo.git("rev-parse", "HEAD")
    assert "Closed session 'alpha'" in vibe("commit", "alpha", "--squash", "-m", "All of it")
    assert log(repo, "%P %s") == f"{before} All of it"
    assert repo.git("diff", "--name-only", "HEAD^", "HEAD").split() == ["new1", "new2"]
    assert "Vibe-Session: alpha" in log(repo, "%B")
    assert (repo.git("status", "--porcelain"), sessions(vibe)) == ("", [])


def test_squash_takes_nothing_that_the_user_staged(vibe: Vibe, repo: GitRepo, alpha: Path) -> None:
    (alpha / "new").write_text("new\n")
    repo.write({"mine": "mine\n"})
    repo.git("add", "mine")
    before = repo.own_state()
    assert vibe.run("commit", "alpha", "--squash", "--json").error["code"] == "DIRTY_WORKTREE"
    assert repo.own_state() == before


def test_no_ff_makes_a_merge(vibe: Vibe, repo: GitRepo, alpha: Path) -> None:
    (alpha / "new").write_text("new\n")
    vibe("commit", "alpha", "--no-ff")
    assert (len(log(repo, "%P").split()), log(repo, "%s")) == (2, "Merge vibe session 'alpha'")


def test_ff_only(vibe: Vibe, repo: GitRepo, diverged: Path) -> None:
    before = repo.refs("refs/heads/")
    done = vibe.run("commit", "alpha", "--ff-only", "--json")
    assert (done.code, done.error["code"]) == (1, "NOT_FAST_FORWARD")
    assert "git vibe rebase alpha" in done.error["suggestion"]
    assert (repo.refs("refs/heads/"), sessions(vibe)) == (before, ["alpha"])
    repo.git("reset", "--hard", "--quiet", "HEAD~")
    vibe("commit", "alpha", "--ff-only")
    assert repo.refs()["refs/heads/main"] == repo.refs()["refs/vibes/alpha"]


# Into a branch that is not checked out


@pytest.fixture
def release(repo: GitRepo) -> str:
    """A branch beside main, one commit further."""
    repo.git("switch", "--quiet", "--create", "release")
    commit = repo.commit({"released": "1\n", "README": "release\n"})
    repo.git("switch", "--quiet", "main")
    return commit


@pytest.mark.parametrize(("style", "parents"), [([], 2), (["--squash"], 1)])
def test_into_a_branch(style: list[str], parents: int, vibe: Vibe, repo: GitRepo, alpha: Path, release: str) -> None:
    (alpha / "new").write_text("new\n")
    repo.write({"mine": "untracked\n"})
    before = repo.own_state()
    assert "into release" in vibe("commit", "alpha", "--into", "release", *style)
    after = repo.own_state()
    assert before | {"refs/heads/release": ""} == after | {"refs/heads/release": ""}
    assert len(log(repo, "%P", "release").split()) == parents
    assert repo.git("ls-tree", "--name-only", "release", "new", "released").split() == ["new", "released"]
    assert log(repo, "%an|%ae", "release") == "Vera Vibe|vera@example.org"
    assert sessions(vibe) == []


def test_into_a_branch_that_can_be_fast_forwarded(vibe: Vibe, repo: GitRepo, alpha: Path) -> None:
    repo.git("branch", "old")
    (alpha / "new").write_text("new\n")
    vibe("commit", "alpha", "--into", "old", "--ff-only", "--keep")
    assert repo.refs()["refs/heads/old"] == repo.refs()["refs/vibes/alpha"]
    assert sessions(vibe) == ["alpha"]


def test_into_with_a_conflict_changes_nothing(vibe: Vibe, repo: GitRepo, alpha: Path, release: str) -> None:
    (alpha / "README").write_text("theirs\n")
    before = repo.own_state()
    done = vibe.run("commit", "alpha", "--into", "release", "--json")
    assert (done.code, done.error["code"]) == (1, "MERGE_CONFLICT")
    assert "\n  README" in done.error["message"] and "rebase alpha --onto release" in done.error["suggestion"]
    assert (repo.own_state(), sessions(vibe)) == (before, ["alpha"])


def test_into_what_is_checked_out(vibe: Vibe, repo: GitRepo, alpha: Path, release: str, tmp_path: Path) -> None:
    (alpha / "new").write_text("new\n")
    repo.git("worktree", "add", "--quiet", str(tmp_path / "elsewhere"), "release")
    assert str(tmp_path / "elsewhere") in vibe.fails("commit", "alpha", "--into", "release")
    assert "no branch 'nowhere'" in vibe.fails("commit", "alpha", "--into", "nowhere", code=2)
    vibe("commit", "alpha", "--into", "main")
    assert (repo.path / "new").exists()


def test_elsewhere_than_it_was_started_for(vibe: Vibe, repo: GitRepo, alpha: Path, release: str) -> None:
    (alpha / "new").write_text("new\n")
    repo.git("switch", "--quiet", "release")
    assert "was started for 'main' and was merged into 'release'" in vibe.run("commit", "alpha").err


# Other sessions


def test_sessions_that_fall_behind_are_told(vibe: Vibe, repo: GitRepo, alpha: Path) -> None:
    for name, path in (("beta", "README"), ("gamma", "gamma")):
        (Path(vibe("spawn", name)) / path).write_text("mine\n")
    (alpha / "new").write_text("new\n")
    told = vibe.run("commit", "alpha").err.splitlines()
    assert [line for line in told if "behind" in line] == [
        f"session '{name}' is 1 commit behind main; none of its files changed there: `git vibe rebase {name}`"
        for name in ("beta", "gamma")
    ]


def test_conflicts_with_other_sessions_stop_it(vibe: Vibe, repo: GitRepo, alpha: Path) -> None:
    beta = Path(vibe("spawn", "beta"))
    for place in (alpha, beta):
        (place / "README").write_text(f"{place.name}\n")
        (place / place.name).write_text("clean\n")
    before = repo.own_state()
    done = vibe.run("commit", "alpha", "--json")
    assert (done.code, done.error["code"]) == (1, "SESSION_CONFLICT")
    assert "README (beta)" in done.error["message"] and "--force" in done.error["suggestion"]
    assert repo.own_state() == before
    done = vibe.run("commit", "alpha", "--force")
    assert done.code == 0 and "with conflicts" in done.err
    assert (repo.path / "README").read_text() == "alpha\n"
    assert vibe.run("commit", "beta", "--json").error["code"] == "MERGE_CONFLICT"


def test_the_same_file_without_conflict_does_not_hinder(vibe: Vibe, repo: GitRepo, alpha: Path) -> None:
    (Path(vibe("spawn", "beta")) / "README").write_text("same\n")
    (alpha / "README").write_text("same\n")
    vibe("commit", "alpha")


# Half-way


def test_a_merge_finished_with_git_closes_at_the_next_look(
    vibe: Vibe, repo: GitRepo, conflicting: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_EDITOR", "true")
    vibe.fails("commit", "alpha")
    assert sessions(vibe) == ["alpha"]
    repo.write({"README": "both\n"})
    repo.git("add", "README")
    repo.git("merge", "--continue")
    assert "session 'alpha' has landed and was closed" in vibe("status")
    assert sessions(vibe) == []


def test_a_merge_finished_with_keep_stays(vibe: Vibe, repo: GitRepo, conflicting: Path) -> None:
    vibe.fails("commit", "alpha", "--keep")
    repo.write({"README": "both\n"})
    repo.git("commit", "--quiet", "--all", "--no-edit")
    assert sessions(vibe) == ["alpha"]
    assert vibe.data("status")["sessions"][0]["landed"] == "merged"


def test_work_since_keeps_a_finished_session_open(vibe: Vibe, repo: GitRepo, conflicting: Path) -> None:
    vibe.fails("commit", "alpha")
    (conflicting / "late").write_text("late\n")
    repo.write({"README": "both\n"})
    repo.git("commit", "--quiet", "--all", "--no-edit")
    assert "stays open" in vibe("status")
    assert (conflicting / "late").exists()


def test_a_squash_finished_with_git(
    vibe: Vibe, repo: GitRepo, conflicting: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_EDITOR", "true")
    head = repo.git("rev-parse", "HEAD")
    hint = vibe.fails("commit", "alpha", "--squash")
    assert "git commit" in hint and "git reset --merge" in hint
    assert "half-way squashed" in vibe.fails("commit", "alpha")
    repo.write({"README": "both\n"})
    repo.git("add", "README")
    repo.git("commit", "--quiet")
    assert log(repo, "%P %s") == f"{head} Merge vibe session 'alpha'"
    assert "Closed session 'alpha'" in vibe("commit", "alpha")
    assert repo.git("rev-parse", "HEAD^") == head


@pytest.mark.parametrize(("style", "abort"), [([], ["merge", "--abort"]), (["--squash"], ["reset", "--merge"])])
def test_given_up(style: list[str], abort: list[str], vibe: Vibe, repo: GitRepo, conflicting: Path) -> None:
    vibe.fails("commit", "alpha", *style)
    repo.git(*abort)
    assert (repo.git("status", "--porcelain"), sessions(vibe)) == ("", ["alpha"])
    assert (conflicting / "README").read_text() == "theirs\n"
    assert not (repo.vibe_dir / "sessions/alpha/landing.json").exists()


def test_a_hook_that_refuses_the_squash(vibe: Vibe, repo: GitRepo, alpha: Path) -> None:
    hook = repo.path / ".git/hooks/pre-merge-commit"
    (alpha / "new").write_text("new\n")
    vibe("promote", "alpha")
    hook = hook.with_name("pre-commit")
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\necho no; exit 1\n")
    hook.chmod(0o755)
    assert "git commit failed: no" in vibe.fails("commit", "alpha", "--squash")
    hook.unlink()
    repo.git("commit", "--quiet", "--no-edit")
    assert "has landed and was closed" in vibe("status")


# What has landed without git-vibe


@pytest.mark.parametrize(
    ("script", "how"),
    [
        ("git merge -q --squash refs/vibes/alpha; git commit -qm s", "squashed"),
        ("git cherry-pick refs/vibes/alpha", "squashed"),
    ],
)
def test_what_landed_in_another_way(script: str, how: str, vibe: Vibe, repo: GitRepo, diverged: Path) -> None:
    vibe("promote", "alpha")
    assert vibe.data("status")["sessions"][0]["landed"] is None
    subprocess.run(["sh", "-ec", script], cwd=repo.path, check=True, capture_output=True)
    head = repo.git("rev-parse", "HEAD")
    assert f"session 'alpha' has landed ({how}): `git vibe close alpha`" in vibe("status")
    assert "merged already" in vibe("commit", "alpha")
    assert (repo.git("rev-parse", "HEAD"), sessions(vibe)) == (head, [])


def test_work_that_landed_unpromoted_may_be_closed(vibe: Vibe, repo: GitRepo, alpha: Path) -> None:
    (alpha / "new").write_text("new\n")
    (alpha / "README").write_text("mine\n")
    repo.commit({"new": "new\n"})
    assert "M README" in vibe.fails("close", "alpha")
    repo.commit({"README": "mine\n", "other": "other\n"})
    vibe("close", "alpha")


def test_reverted_work_is_not_merged_again_unnoticed(vibe: Vibe, repo: GitRepo, alpha: Path) -> None:
    (alpha / "new").write_text("new\n")
    vibe("commit", "alpha", "--keep")
    repo.git("revert", "--no-edit", "HEAD")
    assert vibe.data("status")["sessions"][0]["landed"] is None
    assert "was merged and reverted" in vibe.run("commit", "alpha", "--keep").err
