"""All sessions at a glance, and git's own status of one."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, NamedTuple

from git_vibe.daemon import client
from git_vibe.errors import SessionNotFound, StateCorrupt
from git_vibe.git.command import run_git
from git_vibe.session.comparison import Comparison
from git_vibe.session.landed import landed
from git_vibe.session.landing import read_landing
from git_vibe.session.overlaps import Overlap, compared
from git_vibe.session.rebase_state import read_state
from git_vibe.session.upstream import Lag, lags
from git_vibe.session.workspace import Workspace
from git_vibe.store.record import SessionRecord, session_names
from git_vibe.types import Oid, SessionName

if TYPE_CHECKING:
    from git_vibe.session.commit import Finished


class Row(NamedTuple):
    """One session. `dirty` counts files; `uptime` is seconds since the mount; `base` is None where it is damaged.

    `overlaps` are files that it and others changed, and `overlaps_with` says who: sessions, or "upstream".
    `rebase` are the files in conflict of a rebase that has not ended, or None. `landed` says how its last promote got
    to where it is to land, when it did.
    """

    name: SessionName
    state: str
    dirty: int
    uptime: float | None
    pid: int | None
    path: str
    base: Oid | None = None
    promoted: Oid | None = None
    branch: str | None = None
    agent: str | None = None
    overlaps: tuple[str, ...] = ()
    overlaps_with: tuple[str, ...] = ()
    rebase: tuple[str, ...] | None = None
    landed: str | None = None


class Overview(NamedTuple):
    """The daemon's process id (None: not running), every session by name, how many there may be.

    `lags` are what the hooks found out about sessions that upstream left behind, `finished` sessions that were closed
    just now, because their merge was finished with git's own commands.
    """

    daemon: int | None
    sessions: list[Row]
    limit: int
    lags: tuple[Lag, ...] = ()
    finished: tuple[Finished, ...] = ()


def overview(ws: Workspace) -> Overview:
    """Look at all sessions without starting or mounting anything. Raises NotInitialised or StateCorrupt."""
    ws.require_initialised()
    finished = _finish(ws)
    comparison = Comparison(ws)
    rows = [row for name in session_names(ws.layout) if (row := _row(ws, name, comparison)) is not None]
    records = ws.records()
    rows = [_with_overlaps(row, compared(comparison, records, [row.name])) for row in rows]
    return Overview(client.daemon_pid(ws.layout), rows, ws.session_limit(), tuple(lags(ws)), finished)


def _finish(ws: Workspace) -> tuple[Finished, ...]:
    if not any(read_landing(ws, name) for name in session_names(ws.layout)):
        return ()
    from git_vibe.session.commit import finish_landed

    return tuple(finish_landed(ws))


def _with_overlaps(row: Row, met: list[Overlap]) -> Row:
    others = sorted({side.name for each in met for side in each.sides} - {row.name})
    return row._replace(overlaps=tuple(os.fsdecode(each.path) for each in met), overlaps_with=tuple(others))


def _row(ws: Workspace, name: SessionName, comparison: Comparison) -> Row | None:
    """What there is to say of a session; None when it was closed just now."""
    try:
        record = ws.record(name)
    except SessionNotFound:
        return None
    except StateCorrupt:
        return Row(name, "damaged", 0, None, None, "")
    state = client.session_state(ws.layout, name, record.mount)
    uptime = None if state.since_ns is None else max(0.0, (time.time_ns() - state.since_ns) / 1e9)
    return Row(
        name, state.state, comparison.picture(record).dirty, uptime, state.pid, record.mount,
        record.base, record.promoted, record.branch, record.agent,
        rebase=_rebase(ws, name), landed=_landed(ws, record, comparison),
    )  # fmt: skip


def _rebase(ws: Workspace, name: SessionName) -> tuple[str, ...] | None:
    try:
        state = read_state(ws.paths(name))
    except StateCorrupt:
        return ()
    return None if state is None else state.paths


def _landed(ws: Workspace, record: SessionRecord, comparison: Comparison) -> str | None:
    target = comparison.target(record)
    return None if target is None else landed(ws, record, target)


def porcelain(ws: Workspace, name: SessionName) -> bytes:
    """What `git status --porcelain` prints inside the session, which is mounted for it."""
    from git_vibe.session.spawn import ensure_mounted

    record = ws.record(name)
    ensure_mounted(ws, record)
    return run_git(["status", "--porcelain"], cwd=record.mount, env=_environment(ws, record))


def _environment(ws: Workspace, record: SessionRecord) -> dict[str, str]:
    """What people have in a session: context files do not show."""
    from git_vibe.session.excludes import exclude_settings

    return exclude_settings(ws, record, os.environ)
