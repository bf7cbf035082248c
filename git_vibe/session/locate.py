"""From the current directory to a workspace, and the little that completion needs to know of it."""

from __future__ import annotations

import contextlib
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


def session_around(ws: Workspace) -> SessionName | None:
    """The session in whose work tree the command runs."""
    names = (name for name in session_names(ws) if ws.paths(name).git_dir == ws.repo.git_dir)
    return next(names, None)


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


def branch_names_around(cwd: Path) -> list[str]:
    """Names of the branches of the repository around `cwd`; an error gives none."""
    return _ref_names_around(cwd, "refs/heads/")


def past_session_names_around(cwd: Path) -> list[str]:
    """Names of the sessions of the repository around `cwd`, and of closed ones that promoted; an error gives none."""
    return sorted({*session_names_around(cwd), *_ref_names_around(cwd, "refs/vibes/")})


def _ref_names_around(cwd: Path, prefix: str) -> list[str]:
    """What follows a prefix in the names of refs, read from files."""
    try:
        common = open_workspace(cwd, None).layout.common_dir
    except (VibeError, OSError):
        return []
    loose = common / prefix
    found = {path.relative_to(loose).as_posix() for path in loose.rglob("*") if path.is_file()}
    with contextlib.suppress(OSError):
        lines = (common / "packed-refs").read_text(errors="surrogateescape").splitlines()
        found |= {line.partition(f" {prefix}")[2] for line in lines if f" {prefix}" in line}
    return sorted(found)
