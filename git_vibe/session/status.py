"""All sessions at a glance, and git's own status of one."""

from __future__ import annotations

import os
import time
from typing import NamedTuple

from git_vibe.daemon import client
from git_vibe.errors import SessionNotFound, StateCorrupt
from git_vibe.git.command import run_git
from git_vibe.session.changes import dirty_count
from git_vibe.session.workspace import Workspace
from git_vibe.store.record import SessionRecord, session_names
from git_vibe.types import Oid, SessionName


class Row(NamedTuple):
    """One session. `dirty` counts files; `uptime` is seconds since the mount; `base` is None where it is damaged."""

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


class Overview(NamedTuple):
    """The daemon's process id (None: not running), every session by name, how many there may be."""

    daemon: int | None
    sessions: list[Row]
    limit: int


def overview(ws: Workspace) -> Overview:
    """Look at all sessions without starting or mounting anything. Raises NotInitialised or StateCorrupt."""
    ws.require_initialised()
    rows = [row for name in session_names(ws.layout) if (row := _row(ws, name)) is not None]
    return Overview(client.daemon_pid(ws.layout), rows, ws.session_limit())


def _row(ws: Workspace, name: SessionName) -> Row | None:
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
        name, state.state, dirty_count(ws, record), uptime, state.pid, record.mount,
        record.base, record.promoted, record.branch, record.agent,
    )  # fmt: skip


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
