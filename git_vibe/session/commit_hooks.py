"""The commit hooks of the user's repository, as far as they are about a promote: what may be in it and how it reads.

Hooks that act on a commit that was made (post-commit) are for what the user commits.
"""

from __future__ import annotations

import os
import shlex
from pathlib import Path

from git_vibe.session.shims import IDENTITY
from git_vibe.session.workspace import Workspace
from git_vibe.store.record import SessionRecord

_VERIFYING = ("pre-commit", "commit-msg")
_PREPARING = ("prepare-commit-msg",)


def runs_hooks(ws: Workspace, record: SessionRecord, *, verify: bool) -> bool:
    """Whether a hook of the user's is to run; the session is mounted then, since hooks work on its files."""
    if not (_found(ws, record, verify=verify) or _is_configured(ws)):
        return False
    ensure_work_tree(ws, record)
    return True


def ensure_work_tree(ws: Workspace, record: SessionRecord) -> None:
    """Have the session mounted. Raises MountFailed and what mounting raises."""
    from git_vibe.session.spawn import ensure_mounted

    ensure_mounted(ws, record)


def put_hooks(ws: Workspace, record: SessionRecord, directory: Path, *, verify: bool) -> Path:
    """Make a hooks directory that has nothing but the hooks that are to run, and return it.

    Each is started by its own path: many look at what lies beside them.
    """
    directory.mkdir()
    for name, path in _found(ws, record, verify=verify).items():
        hook = directory / name
        hook.write_text(f'#!/bin/sh\nexec {shlex.quote(os.fspath(path))} "$@"\n')
        hook.chmod(0o755)
    return directory


def _found(ws: Workspace, record: SessionRecord, *, verify: bool) -> dict[str, Path]:
    directory = _directory(ws, record)
    names = (*_VERIFYING, *_PREPARING) if verify else _PREPARING
    paths = {name: _users_own(ws, directory / name) for name in names}
    return {name: path for name, path in paths.items() if path is not None}


def _directory(ws: Workspace, record: SessionRecord) -> Path:
    """Where the hooks are; a relative core.hooksPath is relative to the work tree that is committed."""
    configured = ws.repo.config.text("core.hookspath")
    if configured is None:
        return ws.layout.hooks
    path = Path(configured).expanduser()
    if not path.is_absolute():
        ensure_work_tree(ws, record)
    return Path(record.mount) / path


def _users_own(ws: Workspace, slot: Path) -> Path | None:
    """The hook that git runs from a slot; git-vibe's shim has nothing to say to a promote, what it stands before has.

    Shims that stand before hooks of another directory find those themselves.
    """
    if slot.parent == ws.layout.hooks_redirected:
        return slot if os.access(slot, os.X_OK) else None
    for path in (slot, ws.layout.hooks_before / slot.name):
        if not _is_shim(path):
            return path if os.access(path, os.X_OK) else None
    return None


def _is_shim(path: Path) -> bool:
    try:
        with open(path, "rb") as file:
            return IDENTITY in file.read(200)
    except OSError:
        return False


def _is_configured(ws: Workspace) -> bool:
    """Whether git runs hooks that are in its configuration (git 2.54)."""
    return any(key.endswith(".event") and not key.startswith("hook.git-vibe") for key in ws.repo.config.below("hook."))
