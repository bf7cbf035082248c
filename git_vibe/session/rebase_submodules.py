"""Submodules of a session that is rebased: their work trees follow, as `git submodule update` would let them."""

from __future__ import annotations

import os
from collections.abc import Iterable

from git_vibe.errors import SafetyCheckFailed
from git_vibe.git.command import run_git_status
from git_vibe.git.modes import MODE_GITLINK
from git_vibe.session.changes import Change
from git_vibe.session.rebase_layer import entries_at
from git_vibe.session.rebase_state import Moved
from git_vibe.session.scratch import Scratch
from git_vibe.store.record import SessionRecord
from git_vibe.types import Oid


def moved_submodules(scratch: Scratch, changes: Iterable[Change], old: Oid, new: Oid) -> tuple[Moved, ...]:
    """Submodules with files in the session that get another commit. Raises SafetyCheckFailed where one goes that
    holds work."""
    mount = os.fsencode(scratch.record.mount)
    shown = [change for change in changes if change.old_mode == MODE_GITLINK and _is_shown(mount, change.path)]
    for change in shown:
        if change.new_mode != MODE_GITLINK:
            _refuse_work(mount, change.path)
    kept = [change.path for change in shown if change.new_mode == MODE_GITLINK]
    before, after = entries_at(scratch, old, kept), entries_at(scratch, new, kept)
    return tuple(Moved(path, before[path].oid, after[path].oid) for path in kept)


def _is_shown(mount: bytes, path: bytes) -> bool:
    return os.path.lexists(os.path.join(mount, path, b".git"))


def _refuse_work(mount: bytes, path: bytes) -> None:
    place = os.fsdecode(os.path.join(mount, path))
    listing = run_git_status(["status", "--porcelain", "--ignored"], cwd=place)
    if listing.returncode != 0 or listing.stdout:
        raise SafetyCheckFailed(
            f"upstream removed the submodule '{os.fsdecode(path)}', which holds work in the session",
            "commit and push that work, or move it elsewhere; then try again",
        )


def follow(record: SessionRecord, moves: Iterable[Moved]) -> tuple[str, ...]:
    """Check out the commits the session stands on now; returns what to tell the user where that failed."""
    failed = [each for each in moves if not _check_out(record, each.path, each.new)]
    return tuple(
        f"submodule '{os.fsdecode(each.path)}' is not at {each.new[:12]} yet, and a promote would take it back to"
        f" {each.old[:12]}; run `git submodule update --init {os.fsdecode(each.path)}` in the session"
        for each in failed
    )


def go_back(record: SessionRecord, moves: Iterable[Moved]) -> None:
    """Check out the commits from before, as far as nobody has worked there since."""
    for each in moves:
        _check_out(record, each.path, each.old)


def _check_out(record: SessionRecord, path: bytes, commit: Oid) -> bool:
    place = os.path.join(os.fsencode(record.mount), path)
    return run_git_status(["checkout", "--quiet", "--detach", commit], cwd=os.fsdecode(place)).returncode == 0
