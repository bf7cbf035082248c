"""Making a session cease to exist: one rename decides, everything else is clearing up that any later command can do."""

from __future__ import annotations

import contextlib
import os
import re
from pathlib import Path

from git_vibe.daemon.client import clear_mount
from git_vibe.errors import SessionBusy
from git_vibe.git.refs import delete_ref
from git_vibe.session.shims import rest
from git_vibe.session.submodules import remove_worktrees
from git_vibe.session.workspace import Workspace
from git_vibe.store.atomic import remove_tree, temporary_name
from git_vibe.store.faults import reached
from git_vibe.store.layout import own_refs
from git_vibe.store.lock import locked_inside
from git_vibe.store.record import SessionRecord, session_names
from git_vibe.types import SessionName

_DOOMED = re.compile(r"\.old-(.+)-[0-9a-f]{12}\Z")


def remove_session(ws: Workspace, record: SessionRecord) -> None:
    """Remove an unmounted session whose lock is held, and its linked work tree, base pin and mount point."""
    root = ws.paths(record.name).root
    doomed = temporary_name(root, ".old")
    os.rename(root, doomed)
    reached("close.renamed")
    clear_mount(record.mount)  # a spawn that joined the session meanwhile may have mounted it again
    _remove_traces(ws, record.name)
    remove_mount_point(Path(record.mount))
    reached("close.cleared")
    remove_tree(doomed)


def remove_mount_point(mount: Path) -> None:
    """Remove an unmounted mount point and its parent when they are empty."""
    for path in (mount, mount.parent):
        with contextlib.suppress(OSError):
            path.rmdir()


def _remove_traces(ws: Workspace, name: SessionName) -> None:
    with contextlib.suppress(FileNotFoundError):
        remove_tree(ws.paths(name).git_dir)
    remove_worktrees(ws, name)
    reached("close.worktree")
    for ref in own_refs(name):
        delete_ref(ref, cwd=ws.repo.common_dir)
    rest(ws)


def finish_removals(ws: Workspace) -> None:
    """Finish what removals that were killed left to be cleared up.

    The directory of a removal that goes on is still locked. Call it before a session of the same name can be made.
    """
    for doomed in ws.layout.sessions.glob(".old-*"):
        found = _DOOMED.match(doomed.name)
        if found is not None and (doomed / "lock").exists():
            with contextlib.suppress(SessionBusy, FileNotFoundError):
                _finish(ws, doomed, SessionName(found[1]))


def _finish(ws: Workspace, doomed: Path, name: SessionName) -> None:
    with locked_inside(doomed / "lock", timeout=0, what=f"session '{name}'"):
        if name not in session_names(ws.layout):
            _remove_traces(ws, name)
        remove_tree(doomed)
