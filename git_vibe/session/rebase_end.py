"""Ending a rebase: going on when its conflicts are resolved, or when it was interrupted, and going back."""

from __future__ import annotations

import os
from collections.abc import Sequence

from git_vibe.daemon import client
from git_vibe.errors import RebaseConflict, SessionBusy, UsageError
from git_vibe.git.command import run_git
from git_vibe.session.archive import archive, pin_archive, session_head
from git_vibe.session.layers import layer_trees
from git_vibe.session.merging import unmerged_paths
from git_vibe.session.overrides import hide_overridden
from git_vibe.session.rebase import Rebased, audited, finish, rebase_locked
from git_vibe.session.rebase_index import drop_stale_lock, index_lock
from git_vibe.session.rebase_place import adopted, conclude, forget, place, restore
from git_vibe.session.rebase_state import RebaseState, read_state, write_state
from git_vibe.session.rebase_submodules import go_back
from git_vibe.session.scratch import Scratch, scratch_for
from git_vibe.session.tree import session_tree
from git_vibe.session.workspace import Workspace
from git_vibe.store.faults import reached
from git_vibe.store.record import SessionRecord
from git_vibe.types import LayerId, SessionName

_ATTEMPTS = 5
_MARKERS = (b"<<<<<<< ", b">>>>>>> ")


def resume(ws: Workspace, name: SessionName) -> Rebased:
    """End a rebase whose conflicts are resolved; one that was interrupted goes on.

    Raises RebaseConflict while there are conflicts, UsageError where no rebase is in progress.
    """
    from git_vibe.session.spawn import ensure_mounted

    with ws.session_lock(name) as record:
        state = _require_state(ws, name)
        if state.undoing:
            raise UsageError(
                f"going back from the rebase of session '{name}' was interrupted",
                f"`git vibe rebase --abort {name}` finishes that",
            )
        if not state.placed:
            return _go_on(ws, record, state)
        ensure_mounted(ws, record)
        left = _unresolved(ws, record, state)
        if left:
            raise conflict_error(name, left)
        conclude(ws, name)
        return audited(ws, "continue", Rebased(name, state.before.base, state.after.base))


def _require_state(ws: Workspace, name: SessionName) -> RebaseState:
    state = read_state(ws.paths(name))
    if state is None:
        raise UsageError(f"no rebase of session '{name}' is in progress", "`git vibe rebase <session>` begins one")
    return state


def _go_on(ws: Workspace, record: SessionRecord, state: RebaseState) -> Rebased:
    """Finish what was interrupted: place what the layer says, or begin again where there is no layer."""
    from git_vibe.session.spawn import ensure_mounted

    if adopted(ws, record.name) is None:
        forget(ws, record.name)
        return rebase_locked(ws, record, state.after.base, state.label)
    ensure_mounted(ws, record)
    with scratch_for(ws, record, throwaway=False) as scratch, index_lock(scratch.paths):
        warnings = place(scratch, state)
    return finish(ws, ws.record(record.name), state, warnings)


def conflict_error(name: SessionName, paths: Sequence[str]) -> RebaseConflict:
    """The error that these paths are in conflict."""
    return RebaseConflict(
        "\n".join([f"conflicts in session '{name}':", *(f"  {path}" for path in paths)]),
        f"resolve them in the session and `git add` the files, then run `git vibe rebase --continue {name}`;"
        f" `git vibe rebase --abort {name}` goes back",
    )


def _unresolved(ws: Workspace, record: SessionRecord, state: RebaseState) -> list[str]:
    """Unmerged paths; files that had conflict markers and have none any more are resolved, and get staged."""
    unmerged = unmerged_paths(os.fspath(ws.paths(record.name).git_dir), cwd=record.mount)
    resolved = [path for path in unmerged if _was_edited(record, state, path)]
    if resolved:
        listing = b"".join(path + b"\0" for path in resolved)
        command = ["--literal-pathspecs", "add", "--pathspec-from-file=-", "--pathspec-file-nul"]
        run_git(command, cwd=record.mount, stdin=listing)
    return [os.fsdecode(path) for path in unmerged if path not in resolved]


def _was_edited(record: SessionRecord, state: RebaseState, path: bytes) -> bool:
    """Whether a file lost its conflict markers; for one that had none only `git add` can tell."""
    file = os.path.join(os.fsencode(record.mount), path)
    if os.path.islink(file) or not os.path.isfile(file):
        return False
    with open(file, "rb") as content:
        if _has_markers(content.read()):
            return False
    command: list[str | bytes] = ["cat-file", "blob", state.tree.encode() + b":" + path]
    return _has_markers(run_git(command, cwd=record.mount, ok=(0, 128)))


def _has_markers(content: bytes) -> bool:
    return any(line.startswith(_MARKERS) for line in content.split(b"\n"))


# Back


def abort(ws: Workspace, name: SessionName) -> Rebased:
    """Go back to where the session stood; what was written since is archived first.

    Raises UsageError for no rebase, SessionBusy while the session keeps writing.
    """
    from git_vibe.session.spawn import ensure_mounted

    with ws.session_lock(name) as record:
        state = _require_state(ws, name)
        drop_stale_lock(ws.paths(name))
        ensure_mounted(ws, record)
        archived = None
        if state.placed or state.undoing or adopted(ws, name) is not None:
            archived = _go_back(ws, record, state)
        conclude(ws, name)
        hide_overridden(ws, ws.record(name), afresh=True)
        return audited(ws, "abort", Rebased(name, state.after.base, state.before.base, archived=archived))


def _go_back(ws: Workspace, record: SessionRecord, state: RebaseState) -> str | None:
    """Take the layers away and restore the rest; returns the archive of what was written since."""
    write_state(ws.paths(record.name), state._replace(undoing=True))
    go_back(record, state.submodules)
    archived = _pop(ws, record, state)
    reached("rebase.popped")
    with scratch_for(ws, record, throwaway=False) as scratch, index_lock(scratch.paths):
        head = session_head(scratch.paths)
        if archived is None and head is not None and head not in (state.before.head, state.after.head):
            archived = pin_archive(ws, record.name, head)
        restore(scratch, state)
    return archived


def _pop(ws: Workspace, record: SessionRecord, state: RebaseState) -> str | None:
    """Archive what was written since the rebase and take its layer away, before anything more is written."""
    name = record.name
    layer = adopted(ws, name)
    if layer is None:
        return None
    for _ in range(_ATTEMPTS):
        with client.sealed_layers(ws.layout, name) as layers:
            archived = _archive_since(ws, record, state, layers)
            if client.pop_layers(ws.layout, name, LayerId(layer - 1), layers[-1]):
                return archived
    raise SessionBusy(
        f"session '{name}' keeps writing to its files",
        f"run `git vibe rebase --abort {name}` again when its agent pauses",
    )


def _archive_since(ws: Workspace, record: SessionRecord, state: RebaseState, layers: list[LayerId]) -> str | None:
    """Archive the session if it is not what the rebase made of it."""
    with scratch_for(ws, record, throwaway=False) as scratch:
        if _is_as_rebased(scratch, state, layers):
            return None
    return archive(ws, record, layers).ref


def _is_as_rebased(scratch: Scratch, state: RebaseState, layers: list[LayerId]) -> bool:
    tree = session_tree(scratch, layer_trees(scratch.paths, layers)).oid
    return tree == state.tree and session_head(scratch.paths) in (state.before.head, state.after.head)
