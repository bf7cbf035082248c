"""Ending a session without losing anything it held.

Order: refuse while the picture is sealed, unmount, archive what nobody can change any more, then remove. Killed in
between, the session is still there, or its directory is one that may be deleted at any time.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Sequence
from typing import NamedTuple

from git_vibe.daemon import client
from git_vibe.errors import SafetyCheckFailed, StateCorrupt
from git_vibe.git.command import run_git
from git_vibe.git.notes import read_note
from git_vibe.git.refs import unreachable_tips
from git_vibe.git.write import tree_of
from git_vibe.session import archive as archives
from git_vibe.session.archive import Archived, session_head
from git_vibe.session.audit import audit
from git_vibe.session.changes import Change, tree_changes
from git_vibe.session.comparison import upstream_of
from git_vibe.session.landed import commit_landed
from git_vibe.session.layers import layer_trees
from git_vibe.session.rebase_state import read_state, refuse_during_rebase
from git_vibe.session.removal import finish_removals, remove_session
from git_vibe.session.scratch import scratch_for
from git_vibe.session.submodules import keep_commits
from git_vibe.session.tree import session_tree
from git_vibe.session.workspace import Workspace
from git_vibe.store.faults import reached
from git_vibe.store.layout import NOTES_REF
from git_vibe.store.record import SessionRecord, layer_ids
from git_vibe.types import LayerId, Oid, SessionName

_SHOWN = 20


class Closed(NamedTuple):
    """What a close kept: the archive's ref, or None where there was nothing; `left_out` names what it does not hold."""

    archived: str | None
    left_out: tuple[str, ...] = ()


def close(
    ws: Workspace, name: SessionName, *, force: bool = False, discard: bool = False, archive: bool = True
) -> Closed:
    """End a session; `refs/vibes/<s>` stays.

    Refuses while work is unpromoted unless `force` or `discard`; also then everything that would be lost is archived,
    unless `archive` is false. Raises SafetyCheckFailed, RebaseInProgress, SessionNotFound, SessionBusy
    and what archiving raises.
    """
    finish_removals(ws)
    with ws.session_lock(name) as record:
        refuse_inside(ws, name)
        if not (force or discard):
            refuse_during_rebase(ws.paths(name))
            with client.sealed_layers(ws.layout, name) as layers:
                _refuse_unpromoted(ws, record, layers)
        client.unmount_session(ws.layout, name)
        client.clear_mount(record.mount)
        reached("close.unmounted")
        kept = _archive(ws, record) if archive else Archived(None, None)
        reached("close.archived")
        remove_session(ws, record)
    _audit(ws, record, kept, force=force, discard=discard)
    return Closed(kept.ref, kept.left_out)


def _audit(ws: Workspace, record: SessionRecord, kept: Archived, *, force: bool, discard: bool) -> None:
    audit(
        ws, "close", session=record.name, agent=record.agent, base=record.base, promoted=record.promoted,
        archived=kept.ref, left_out=len(kept.left_out), force=force, discard=discard,
    )  # fmt: skip


def _archive(ws: Workspace, record: SessionRecord) -> Archived:
    keep_commits(ws, record.name)
    _keep_from_before_rebase(ws, record.name)
    return archives.archive(ws, record, layer_ids(ws.paths(record.name)))


def _keep_from_before_rebase(ws: Workspace, name: SessionName) -> None:
    """A rebase that has not ended may hide what the session had before: of binary files in conflict, for example."""
    with contextlib.suppress(StateCorrupt):
        state = read_state(ws.paths(name))
        if state is not None:
            archives.pin_archive(ws, name, state.kept)


def refuse_inside(ws: Workspace, name: SessionName) -> None:
    """Raises SafetyCheckFailed when the command runs from inside the very session it is about to end."""
    if ws.repo.git_dir == ws.paths(name).git_dir:
        raise SafetyCheckFailed(f"you are inside session '{name}'", f"run it from '{ws.repo.main_worktree}'")


def _refuse_unpromoted(ws: Workspace, record: SessionRecord, layers: Sequence[LayerId]) -> None:
    work = [_shown(change) for change in _changes_to_lose(ws, record, layers)]
    work += [f"commit {line}" for line in unpromoted_commits(ws, record)]
    if not work:
        return
    rest = [f"... and {len(work) - _SHOWN} more"] if len(work) > _SHOWN else []
    listing = "\n".join(f"  {line}" for line in [*work[:_SHOWN], *rest])
    raise SafetyCheckFailed(
        f"session '{record.name}' has work that was not promoted:\n{listing}",
        f"`git vibe promote {record.name}` keeps it; `git vibe close --discard {record.name}` gives it up",
    )


def _changes_to_lose(ws: Workspace, record: SessionRecord, layers: Sequence[LayerId]) -> list[Change]:
    """What was not promoted, unless all of it has landed in another way."""
    target = upstream_of(ws, record)
    with scratch_for(ws, record) as scratch:
        tree = session_tree(scratch, layer_trees(scratch.paths, layers)).oid
        changes = tree_changes(scratch, record.reference, tree)
        if not changes or target is None:
            return changes
        commit = scratch.sink.write_commit(tree, [record.reference])
        return [] if commit_landed(ws, commit, target, scratch.sink.environment) else changes


def _shown(change: Change) -> str:
    return f"{change.status} {os.fsdecode(change.path)}"


def unpromoted_commits(ws: Workspace, record: SessionRecord) -> list[str]:
    """The commits of the session's HEAD, one line each, that no ref reaches and whose content is in no promote and
    has not landed."""
    cwd = ws.repo.common_dir
    head = session_head(ws.paths(record.name))
    if head is None or not unreachable_tips([head], cwd=cwd) or _is_promoted(ws, record, head):
        return []
    options = ["--oneline", "--no-decorate", "--no-color", "--no-show-signature"]
    target = upstream_of(ws, record)
    if target is not None and commit_landed(ws, head, target):
        return []
    listing = run_git(["log", *options, head, "--not", "--glob=refs/*"], cwd=cwd)
    return listing.decode(errors="replace").splitlines()


def _is_promoted(ws: Workspace, record: SessionRecord, head: Oid) -> bool:
    """Whether the last promote was made on top of `head`, or holds the very same files."""
    cwd = ws.repo.common_dir
    if record.promoted is not None and read_note(NOTES_REF, record.promoted, cwd=cwd).get("head") == head:
        return True
    return tree_of(head, cwd=cwd) == tree_of(record.reference, cwd=cwd)
