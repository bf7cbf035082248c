"""All sessions at a glance."""

from __future__ import annotations

from pathlib import Path

import pytest

from git_vibe.daemon import client
from git_vibe.errors import NotInitialised
from git_vibe.git.repository import Repository
from git_vibe.session.status import Row, overview
from git_vibe.session.workspace import Workspace
from tests.unit.session.handmade import HandMade, git, write


def test_rows(repo: Path, session: HandMade) -> None:
    other = HandMade(repo.parent, "beta")
    write(other.layer(1), "a.txt", "changed\n")
    git("config", "vibe.maxSessions", "7", cwd=repo)
    seen = overview(session.ws)
    base = session.record.base
    assert (seen.daemon, seen.limit) == (None, 7)
    assert seen.sessions == [
        Row(session.name, "exported", 0, None, None, str(session.mount), base),
        Row(other.name, "exported", 1, None, None, str(other.mount), base),
    ]


def test_uptime_and_pid(session: HandMade, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "session_state", lambda *args: client.MountState("active", 42, 0))
    (row,) = overview(session.ws).sessions
    assert (row.state, row.pid) == ("active", 42)
    assert row.uptime is not None and row.uptime > 1e9


def test_damaged_record_does_not_hide_the_others(repo: Path, session: HandMade) -> None:
    other = HandMade(repo.parent, "beta")
    other.paths.meta.write_text("{")
    assert [(row.name, row.state) for row in overview(session.ws).sessions] == [
        ("alpha", "exported"),
        ("beta", "damaged"),
    ]


def test_not_initialised(repo: Path) -> None:
    with pytest.raises(NotInitialised):
        overview(Workspace(Repository(repo / ".git", repo / ".git", repo)))
