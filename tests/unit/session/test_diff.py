"""`git diff` of a session."""

from __future__ import annotations

import os
from collections.abc import Sequence

import pytest

from git_vibe.git.repository import Repository
from git_vibe.session.diff import diff
from git_vibe.session.workspace import Workspace
from tests.unit.session.handmade import HandMade, git, write


def shown(session: HandMade, capfd: pytest.CaptureFixture[str], args: Sequence[str], prefix: str = "") -> str:
    ws = Workspace(Repository(session.repo / ".git", session.repo / ".git", session.repo, prefix))
    assert diff(ws, session.name, args, color=None, pager=False) == 0
    return capfd.readouterr().out


@pytest.fixture
def edited(session: HandMade) -> HandMade:
    write(session.mount, "a.txt", "changed\n")
    write(session.mount, "new.bin", b"\0new")
    write(session.mount, "docs/new.md", "new\n")
    (session.mount / "run.sh").chmod(0o644)
    (session.mount / "src/main.py").unlink()
    (session.mount / "link").unlink()
    (session.mount / "link").symlink_to("docs")
    session.sync()
    return session


def test_applies_to_the_base(edited: HandMade, capfd: pytest.CaptureFixture[str]) -> None:
    patch = shown(edited, capfd, ["--binary"])
    write(edited.repo.parent, "patch", patch)
    git("apply", "--index", os.fspath(edited.repo.parent / "patch"), cwd=edited.repo)
    assert git("write-tree", cwd=edited.repo).decode() == edited.native_tree()


def test_options_and_paths_are_gits(edited: HandMade, capfd: pytest.CaptureFixture[str]) -> None:
    assert shown(edited, capfd, ["--name-status", "--", "docs", "a.txt"]) == "M\ta.txt\nA\tdocs/new.md\n"


def test_paths_are_relative_to_the_caller(edited: HandMade, capfd: pytest.CaptureFixture[str]) -> None:
    assert shown(edited, capfd, ["--name-only", "--relative", "--", "new.md"], prefix="docs/") == "new.md\n"


def test_colour(edited: HandMade, capfd: pytest.CaptureFixture[str]) -> None:
    assert diff(edited.ws, edited.name, [], color="always", pager=True) == 0
    assert "\x1b[" in capfd.readouterr().out


def test_exit_status(edited: HandMade, capfd: pytest.CaptureFixture[str]) -> None:
    assert diff(edited.ws, edited.name, ["--quiet"], color=None, pager=False) == 1


def test_nothing_is_written_to_the_repository(edited: HandMade, capfd: pytest.CaptureFixture[str]) -> None:
    before = git("count-objects", cwd=edited.repo)
    shown(edited, capfd, [])
    assert git("count-objects", cwd=edited.repo) == before
