"""The log of events."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from git_vibe.session import events
from git_vibe.session.events import log_events
from git_vibe.store.layout import Layout


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    made = Layout(tmp_path)
    made.root.mkdir()
    return made


def test_one_object_a_line_with_the_time(layout: Layout) -> None:
    log_events(layout, [{"event": "one", "path": "a\nb"}, {"event": "two"}])
    log_events(layout, [])
    log_events(layout, [{"event": "three"}])
    lines = [json.loads(line) for line in layout.events.read_text().splitlines()]
    assert [line["event"] for line in lines] == ["one", "two", "three"]
    assert all(line["time"].endswith("Z") for line in lines)


def test_large_log_becomes_the_older_one(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "SIZE_MAX", 10)
    log_events(layout, [{"event": "old"}])
    log_events(layout, [{"event": "new"}])
    assert "old" in (layout.logs / "events.jsonl.1").read_text()
    assert "old" not in layout.events.read_text()


def test_purged_state_is_not_made_again(tmp_path: Path) -> None:
    log_events(Layout(tmp_path), [{"event": "late"}])
    assert not (tmp_path / "vibe").exists()
