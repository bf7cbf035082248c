"""From the current directory to a workspace, and the little that completion needs to know of it."""

from __future__ import annotations

from pathlib import Path

from git_vibe.errors import VibeError
from git_vibe.git.repository import discover
from git_vibe.session.workspace import Workspace
from git_vibe.store import record
from git_vibe.types import SessionName


def open_workspace(cwd: Path, runtime_dir: Path | None) -> Workspace:
    """The workspace around `cwd`. Raises what `discover` raises."""
    return Workspace(discover(cwd), runtime_dir)


def session_names(ws: Workspace) -> list[SessionName]:
    """Names of the sessions that exist."""
    return record.session_names(ws.layout)


def session_names_around(cwd: Path) -> list[str]:
    """Names of the sessions of the repository around `cwd`; an error gives none."""
    try:
        return [str(name) for name in session_names(open_workspace(cwd, None))]
    except (VibeError, OSError):
        return []


def context_names_around(cwd: Path) -> list[str]:
    """Names of the context files of the repository around `cwd`; an error gives none."""
    try:
        return sorted(entry.name for entry in open_workspace(cwd, None).layout.context.iterdir())
    except (VibeError, OSError):
        return []
