"""The audit log: one entry for everything that was done to a session, by whom and when.

It is a record for people. Nothing that git-vibe does depends on it, and what it does is not refused because the log
cannot be written.
"""

from __future__ import annotations

import contextlib
import getpass
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from git_vibe.errors import VibeError
from git_vibe.session.identity import user_identity
from git_vibe.session.workspace import Workspace
from git_vibe.store.journal import append_entries, read_journal


def audit(ws: Workspace, kind: str, *, session: str | None = None, **details: Any) -> None:
    """Add an entry of a kind, which is a command's name. `details` are what JSON can hold."""
    with contextlib.suppress(OSError):
        append_entries(ws.layout.audit, [_entry(ws, kind, session, details)])


def _entry(ws: Workspace, kind: str, session: str | None, details: dict[str, Any]) -> dict[str, Any]:
    inside = os.environ.get("GIT_VIBE_SESSION")
    return {
        "time": utc(datetime.now(UTC)),
        "type": kind,
        "session": session,
        "actor": actor(ws),
        "user": login(),
        **({"inside": inside} if inside else {}),
        "details": details,
    }


def utc(moment: datetime) -> str:
    """A time as the log has it, so that texts sort as times do."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def actor(ws: Workspace) -> str:
    """Who runs the command, as git knows them."""
    try:
        return user_identity(ws)
    except (VibeError, ValueError):
        return login()


def login() -> str:
    """Who runs the command, as the machine knows them."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user without a name
        return str(os.getuid())


def kept_log() -> Path:
    """Where the logs of repositories are kept from which git-vibe was removed."""
    state = os.environ.get("XDG_STATE_HOME")
    return (Path(state) if state else Path.home() / ".local" / "state") / "git-vibe" / "audit.log"


def hand_over(ws: Workspace) -> list[str]:
    """Copy the log to `kept_log`, because it is about to be removed; where that cannot be, the path it has instead."""
    try:
        entries = read_journal(ws.layout.audit).entries
    except FileNotFoundError:
        return []
    kept, repository = kept_log(), os.fspath(ws.layout.common_dir)
    try:
        kept.parent.mkdir(parents=True, exist_ok=True)
        append_entries(kept, [{"repository": repository, **entry} for entry in entries], mode=0o600)
    except OSError:
        aside = ws.layout.common_dir / "vibe-rescued" / "audit.log"
        aside.parent.mkdir(exist_ok=True)
        append_entries(aside, entries)
        return [os.fspath(aside)]
    return []
