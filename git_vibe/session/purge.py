"""Removing everything git-vibe made in a repository, without losing any work.

Order: close every session, which archives its work, stop the daemon, then remove files and refs. A session that
cannot be closed is moved aside as it is. Killed in between, running it again finishes the work.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from git_vibe.daemon import client
from git_vibe.daemon.client import clear_mount
from git_vibe.errors import SessionBusy, VibeError
from git_vibe.git.command import run_git
from git_vibe.git.submodule import all_stores
from git_vibe.session.archive import pin_archive, session_head
from git_vibe.session.audit import audit, hand_over
from git_vibe.session.close import close, refuse_inside
from git_vibe.session.doctor_state import orphaned_mounts
from git_vibe.session.spawn import mount_root
from git_vibe.session.submodules import keep_commits
from git_vibe.session.workspace import Workspace
from git_vibe.store.atomic import remove_dir_atomically, remove_tree
from git_vibe.store.layout import NOTES_REF, PINS
from git_vibe.store.record import session_names
from git_vibe.types import SessionName


class Purged(NamedTuple):
    """What became of the state: archives made, sessions moved aside because they could not be archived."""

    path: str
    sessions: int
    archives: list[str]
    rescued: list[str]
    deleted_refs: list[str]


def purge(
    ws: Workspace,
    *,
    refs: bool = False,
    force: bool = False,
    unhook: Callable[[Workspace], object] | None = None,
) -> Purged:
    """Remove all state; promotes and notes only with `refs`, archives never. `unhook` removes the hooks.

    The audit log is kept for the user; `force` tells it that nobody was asked.
    """
    names = session_names(ws.layout)
    for name in names:
        refuse_inside(ws, name)
    roots = _mount_roots(ws, names)
    archives, rescued = _end_sessions(ws, names)
    if unhook is not None:
        unhook(ws)
    orphans = orphaned_mounts(ws)
    client.stop_daemon(ws.layout)
    for path in orphans:
        clear_mount(path)
    _remove_worktrees(ws)
    deleted = _delete_refs(ws, "refs/vibes/", NOTES_REF) if refs else []
    _delete_refs(ws, *PINS)
    _remove_sockets(ws)
    audit(ws, "purge", force=force, sessions=names, archives=archives, rescued=rescued, deleted_refs=deleted)
    rescued += hand_over(ws)
    remove_dir_atomically(ws.layout.root)
    _remove_leftovers(ws, roots)
    return Purged(str(ws.layout.root), len(names), archives, rescued, deleted)


def _end_sessions(ws: Workspace, names: list[SessionName]) -> tuple[list[str], list[str]]:
    """Archive and close every session: (archive refs, directories of those that had to be moved aside)."""
    archives, rescued = [], []
    for name in names:
        try:
            closed = close(ws, name, force=True)
        except SessionBusy:
            raise
        except (VibeError, OSError):
            client.unmount_session(ws.layout, name)
            rescued.append(_move_aside(ws, name))
        else:
            archives += [closed.archived] if closed.archived else []
    return archives, rescued


def _move_aside(ws: Workspace, name: SessionName) -> str:
    """Keep a session's files as they are, and the commits made in it."""
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    target = ws.layout.common_dir / "vibe-rescued" / f"{name}-{stamp}"
    target.parent.mkdir(exist_ok=True)
    paths = ws.paths(name)
    with contextlib.suppress(VibeError, OSError):
        head = session_head(paths)
        if head is not None:
            pin_archive(ws, name, head)
        keep_commits(ws, name)
    os.rename(paths.root, target)
    return str(target)


def _mount_roots(ws: Workspace, names: list[SessionName]) -> set[Path]:
    roots = {mount_root(ws)}
    for name in names:
        with contextlib.suppress(VibeError):
            roots.add(Path(ws.record(name).mount).parent)
    return roots


def _remove_worktrees(ws: Workspace) -> None:
    for repository in (ws.layout.common_dir, *all_stores(ws.layout.common_dir)):
        parent = repository / "worktrees"
        for path in parent.glob("vibe-*"):
            remove_tree(path)
        with contextlib.suppress(OSError):
            parent.rmdir()


def _delete_refs(ws: Workspace, *patterns: str) -> list[str]:
    """Delete the refs that `git for-each-ref` gives for the patterns; their full names."""
    listing = run_git(["for-each-ref", "--format=%(refname)", *patterns], cwd=ws.repo.common_dir)
    names = listing.decode().splitlines()
    if names:
        commands = "".join(f"delete {name}\n" for name in names)
        run_git(["update-ref", "--stdin"], cwd=ws.repo.common_dir, stdin=commands.encode())
    return names


def _remove_sockets(ws: Workspace) -> None:
    """Sockets lie outside of the state where its path is too long for them."""
    directory = ws.layout.daemon_socket.parent
    if directory != ws.layout.root and directory.is_dir():
        remove_tree(directory)


def _remove_leftovers(ws: Workspace, roots: set[Path]) -> None:
    """What earlier removals that were killed left behind, and mount roots that are empty by now."""
    for doomed in ws.layout.common_dir.glob(".old-vibe-*"):
        remove_tree(doomed)
    for root in roots:
        for mount in root.glob("*"):
            with contextlib.suppress(OSError):
                mount.rmdir()
        with contextlib.suppress(OSError):
            root.rmdir()
