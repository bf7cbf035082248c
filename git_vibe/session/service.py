"""The daemon of a repository as a use-case: started, stopped, asked."""

from __future__ import annotations

from typing import NamedTuple

from git_vibe.daemon import client
from git_vibe.errors import VibeError
from git_vibe.session.spawn import DEFAULT_LINGER, ensure_mounted
from git_vibe.session.workspace import Workspace
from git_vibe.store.record import SessionRecord, session_names
from git_vibe.types import SessionName


class Started(NamedTuple):
    """A running daemon, the sessions it mounted again and those it could not."""

    pid: int
    recovered: list[SessionName]
    failed: list[tuple[SessionName, str]]


def start(ws: Workspace) -> Started:
    """Start the daemon where none runs, and mount every session again whose mount was lost."""
    pid = client.start_daemon(ws.layout, ws.repo.config.seconds("vibe.daemonlinger", DEFAULT_LINGER))
    started = Started(pid, [], [])
    for record in ws.records():
        if _is_lost(ws, record):
            _recover(ws, record, started)
    return started


def stop(ws: Workspace, *, unmount_all: bool) -> bool:
    """Stop the daemon; False when none ran. Workers live on unless `unmount_all`."""
    stopped = client.stop_daemon(ws.layout)
    for name in session_names(ws.layout) if unmount_all else ():
        client.unmount_session(ws.layout, name)
    return stopped


def running_pid(ws: Workspace) -> int | None:
    """Process id of the running daemon."""
    return client.daemon_pid(ws.layout)


def _is_lost(ws: Workspace, record: SessionRecord) -> bool:
    """Whether the session was mounted and no longer is: `worker.json` goes away when a mount ends in order."""
    state = client.session_state(ws.layout, record.name, record.mount).state
    return state == "stale" or (state == "exported" and ws.paths(record.name).worker.exists())


def _recover(ws: Workspace, record: SessionRecord, started: Started) -> None:
    try:
        ensure_mounted(ws, record)
        started.recovered.append(record.name)
    except VibeError as error:
        started.failed.append((record.name, error.message))
