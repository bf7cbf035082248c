"""The number of dirty files is remembered, and never when it might be wrong."""

from __future__ import annotations

import os
import time

import pytest

from git_vibe.session.changes import dirty_count
from git_vibe.session.remembered import fingerprint, recall, remember
from tests.unit.session.handmade import HandMade, git, write


@pytest.fixture
def settled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything was written long ago."""
    now = time.time_ns
    monkeypatch.setattr(time, "time_ns", lambda: now() + 10_000_000_000)


def known(session: HandMade) -> int | None:
    return recall(session.ws, session.record, fingerprint(session.ws, session.record))


@pytest.mark.usefixtures("settled")
def test_remembered_until_something_changes(session: HandMade) -> None:
    write(session.layer(1), "a.txt", "changed\n")
    assert known(session) is None
    assert dirty_count(session.ws, session.record) == 1
    assert known(session) == 1
    write(session.layer(1), "a.txt", "CHANGED\n")
    assert known(session) is None


@pytest.mark.usefixtures("settled")
@pytest.mark.parametrize("change", ["index", "rules", "context", "layer", "mode"])
def test_everything_it_depends_on_counts(session: HandMade, change: str) -> None:
    write(session.layer(1), "src/new.py", "new\n")
    dirty_count(session.ws, session.record)
    assert known(session) == 1
    if change == "index":
        git("update-index", "--assume-unchanged", "a.txt", cwd=session.mount)
    elif change == "rules":
        write(session.repo, ".git/info/exclude", "src/new.py\n")
    elif change == "context":
        write(session.layout.context, "src/new.py", "context")
    elif change == "layer":
        write(session.layer(2), "b", "b")
    else:
        os.chmod(session.layer(1) / "src/new.py", 0o755)
    assert known(session) is None


def test_recent_changes_are_not_remembered(session: HandMade) -> None:
    write(session.layer(1), "a.txt", "changed\n")
    assert dirty_count(session.ws, session.record) == 1
    assert known(session) is None


@pytest.mark.usefixtures("settled")
def test_damaged_memory_is_no_memory(session: HandMade) -> None:
    write(session.layer(1), "a.txt", "changed\n")
    key = fingerprint(session.ws, session.record)
    remember(session.ws, session.record, key, 7)
    assert recall(session.ws, session.record, key) == 7
    (session.paths.root / "dirty.json").write_text("[")
    assert recall(session.ws, session.record, key) is None
