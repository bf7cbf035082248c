"""What a hook says when it has to stop waiting."""

from __future__ import annotations

import select
from collections.abc import Iterator

import pytest

from git_vibe.git.repository import discover
from git_vibe.githooks import events
from git_vibe.githooks.events import Call, Heard, hear
from git_vibe.session.workspace import Workspace
from tests.support.gitrepo import GitRepo

STILL = "git vibe: sessions are still compared with what changed; `git vibe status` tells"


@pytest.mark.parametrize(
    ("lines", "expected"),
    [([], []), ([""], [STILL]), (["", "one"], ["git vibe: one", STILL])],
)
def test_there_is_more_only_where_something_is_compared(
    lines: list[str], expected: list[str], repo: GitRepo, monkeypatch: pytest.MonkeyPatch
) -> None:
    def slow(ws: Workspace, call: Call) -> Iterator[str]:
        yield from lines
        select.select([], [], [], 20)

    monkeypatch.chdir(repo.path)
    monkeypatch.setitem(events._EVENTS, "post-merge", slow)
    monkeypatch.setattr("time.process_time", float)  # that of a hook, not of a long test run
    repo.git("config", "vibe.hooks.wait", "2500")
    assert hear(Workspace(discover(repo.path)), Call("post-merge", [], [], {})) == Heard(expected)
