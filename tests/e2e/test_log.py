"""The history of a session's promotes, with git's own tools and `git vibe log` (US-5.6)."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.support.gitrepo import GitRepo
from tests.support.runner import Vibe

pytestmark = pytest.mark.fuse

SUBJECT = "VibeFS: Promote session 'alpha'"


@pytest.fixture
def promoted(vibe: Vibe, alpha: Path) -> list[str]:
    """Two promotes of alpha, the newest first."""
    commits: list[str] = []
    for number in (1, 2):
        (alpha / "src" / f"{number}.py").write_text(f"{number}\n")
        commits.insert(0, vibe.data("promote", "alpha")["commit"])
    return commits


def test_promotes_of_an_open_and_a_closed_session(vibe: Vibe, repo: GitRepo, promoted: list[str]) -> None:
    shown = vibe("log", "alpha")
    assert [line[:7] for line in shown.splitlines() if " via git-vibe" in line] == [commit[:7] for commit in promoted]
    assert repo.git("log", "-1", "--format=%ad", "--date=iso", promoted[0]) in shown
    assert " src/2.py | 1 +" in shown.splitlines()
    data = vibe.data("log", "alpha")
    assert [each["commit"] for each in data["promotes"]] == promoted
    vibe("commit", "alpha", "--no-ff")
    repo.commit({"later": "x"})
    assert vibe("log", "alpha") == shown
    assert vibe.data("log", "alpha") == data


@pytest.mark.parametrize("words", [["-1", "alpha"], ["alpha", "-1"], ["alpha", "-n", "1"]])
def test_options_where_people_put_them(words: list[str], vibe: Vibe, promoted: list[str]) -> None:
    assert vibe("log", *words, "--format=%H") == promoted[0]


def test_options_are_gits(vibe: Vibe, repo: GitRepo, promoted: list[str]) -> None:
    assert vibe("log", "alpha", "--oneline", "--", "src/1.py") == f"{promoted[1][:7]} {SUBJECT}"
    assert vibe("log", "alpha", "--format=%h", "1.py", cwd=repo.path / "src") == promoted[1][:7]
    assert "+2" in vibe("log", "alpha", "-1", "-p").splitlines()
    assert "\x1b[" in vibe("log", "alpha", "--color=always")
    assert vibe.run("log", "alpha", "--no-such-option").code == 128
    done = vibe.run("log", "alpha", "--no-such-option", "--json")
    assert (done.code, done.error["code"]) == (1, "GIT_ERROR")


def test_pager_is_gits(vibe: Vibe, promoted: list[str]) -> None:
    pager = {"GIT_PAGER": "sed 's/^/paged: /'"}
    for setting, paged in (("-c core.x=1", True), ("-c pager.vibe=false", False), ("-c pager.log=false", False)):
        command = f"script -qec 'git {setting} vibe log alpha -1 --oneline' /dev/null"
        done = subprocess.run(
            command, shell=True, cwd=vibe.cwd, env={**os.environ, **pager}, capture_output=True, check=True
        )
        assert (b"paged: " in done.stdout) == paged, setting
    assert "paged" not in vibe("log", "alpha", env=pager)


def test_all_sessions_with_gits_own_log(vibe: Vibe, repo: GitRepo, promoted: list[str]) -> None:
    beta = Path(vibe("spawn", "beta", "--agent", "claude"))
    (beta / "new").write_text("beta\n")
    vibe("promote", "beta", "-m", "Add login")
    form = "%s|%(trailers:key=Vibe-Agent,valueonly,separator=%x2C)|%S"
    shown = repo.git("log", "--glob=refs/vibes/*", f"--format={form}").splitlines()
    assert {f"{SUBJECT}||refs/vibes/alpha", "Add login|claude|refs/vibes/beta"} < set(shown)
    noted = repo.git("log", "-1", "--notes=vibe", "refs/vibes/beta")
    assert "Notes (vibe):" in noted and '"agent": "claude"' in noted


def test_nothing_promoted_and_nobody_known(vibe: Vibe, alpha: Path) -> None:
    done = vibe.run("log", "alpha")
    assert (done.code, done.out, done.err) == (0, "", "Session 'alpha' has promoted nothing yet\n")
    assert vibe.data("log", "alpha")["promotes"] == []
    assert "Instance 'beta' not found, and refs/vibes/beta does not exist" in vibe.fails("log", "beta")


def test_promotes_of_an_earlier_session_of_the_name(vibe: Vibe, promoted: list[str]) -> None:
    vibe("commit", "alpha")
    alpha = Path(vibe("spawn", "alpha"))
    done = vibe.run("log", "alpha", "--format=%H")
    assert done.out.split() == promoted
    assert "has promoted nothing yet; this is what an earlier one" in done.err
    (alpha / "third").write_text("3")
    third = vibe.data("promote", "alpha")["commit"]
    assert vibe("log", "alpha", "--format=%H").split() == [third]


def test_history_after_a_rebase(vibe: Vibe, repo: GitRepo, promoted: list[str]) -> None:
    upstream = repo.commit({"upstream": "x"})
    vibe("rebase", "alpha")
    data = vibe.data("log", "alpha")
    assert data["base"] == upstream
    assert [[file["path"] for file in each["files"]] for each in data["promotes"]] == [["src/2.py"], ["src/1.py"]]
    assert [each["note"]["commit"] for each in data["promotes"]] == promoted


def test_commits_of_the_agents_own(vibe: Vibe, repo: GitRepo, alpha: Path) -> None:
    for number in (1, 2):
        (alpha / str(number)).write_text("x")
        subprocess.run(f"git add . && git commit -qm 'own {number}'", shell=True, cwd=alpha, check=True)
    vibe("promote", "alpha", "--keep-commits")
    vibe("close", "alpha")
    found = vibe.data("log", "alpha")["promotes"]
    assert [each["subject"] for each in found] == ["own 2", "own 1"]
    assert {each["note"]["session"] for each in found} == {"alpha"}
