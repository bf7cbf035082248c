"""Slow work shows on a terminal that it goes on, and preparing a new commit costs what has changed, not the whole."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.gitrepo import GitRepo
from tests.support.runner import Vibe
from tests.support.terminal import on_terminal
from tests.support.waiting import wait_until

pytestmark = pytest.mark.fuse

ERASED = "\r\x1b[K"


@pytest.fixture
def hold(repo: GitRepo, tmp_path: Path) -> Iterator[Path]:
    """A file; while it is there, nothing can be prepared."""
    held = tmp_path / "hold"
    held.touch()
    repo.git("config", "filter.slow.smudge", f"while [ -e '{held}' ]; do sleep 0.05; done; cat")
    repo.commit({".gitattributes": "README filter=slow\n"})
    yield held
    held.unlink(missing_ok=True)


@pytest.mark.parametrize(
    ("command", "title"),
    [(["init"], "Indexing the files of HEAD"), (["spawn", "alpha"], "Spawning a session")],
    ids=["init", "spawn"],
)
def test_slow_work_shows_progress_on_a_terminal(command: list[str], title: str, vibe: Vibe, hold: Path) -> None:
    with on_terminal(vibe, *command) as terminal:
        wait_until(lambda: f"\r{title} ... 3s" in terminal.shown(), what="progress")
        hold.unlink()
        assert terminal.command.wait() == 0
        progress, _, rest = terminal.shown().rpartition(ERASED)
    assert (progress.count(title) >= 2, title in rest) == (True, False)


def test_quick_work_shows_none(vibe: Vibe) -> None:
    with on_terminal(vibe, "init") as terminal:
        assert terminal.command.wait() == 0
        assert terminal.shown() == ""


def git_commands(vibe: Vibe, trace: Path, *args: str) -> set[str]:
    """The git commands that a command of ours starts."""
    vibe(*args, env={"GIT_TRACE": str(trace)})
    lines = [line.split("built-in: git ")[1] for line in trace.read_text().splitlines() if "built-in: git " in line]
    trace.unlink()
    return {line.split()[0] for line in lines}


@pytest.mark.parametrize("command", [["init"], ["spawn", "beta"]], ids=["init", "spawn"])
def test_a_new_commit_is_prepared_from_the_one_before(
    command: list[str], vibe: Vibe, repo: GitRepo, tmp_path: Path
) -> None:
    whole, incremental = {"ls-tree"}, {"diff-tree"}
    trace = tmp_path / "trace"
    assert git_commands(vibe, trace, "init") & (whole | incremental) == whole
    assert git_commands(vibe, trace, "init") & (whole | incremental) == set()
    repo.commit({"README": "changed\n"})
    assert git_commands(vibe, trace, *command) & (whole | incremental) == incremental
    assert vibe.data("init")["files"] == len(repo.git("ls-files").splitlines())
