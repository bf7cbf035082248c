"""Moving a session to another base while it is mounted and in use.

What upstream changed is merged into the session in memory, by git. The outcome becomes a layer that is prepared aside
and put on top by one rename; the session goes on reading its clean files from the commit it always did. Until the
rebase has ended nothing is merged into the layers below, so that going back is taking layers away.

Order: state, layer, refs, index, record, state. After a crash `resume` and `abort` (see `rebase_end`) work from
whatever is there.
"""

from __future__ import annotations

import contextlib
import json
import os
from pathlib import Path
from typing import NamedTuple

from git_vibe.daemon import client
from git_vibe.errors import DaemonUnavailable, SafetyCheckFailed, SessionBusy, UsageError, VibeError
from git_vibe.session.archive import commit_tree, session_head, staged_content
from git_vibe.session.audit import audit
from git_vibe.session.changes import Change, tree_changes
from git_vibe.session.layers import layer_trees
from git_vibe.session.merging import Sides, unmerged_paths
from git_vibe.session.overrides import hide_overridden
from git_vibe.session.promote import settle
from git_vibe.session.rebase_index import build_index, drop_stale_lock, index_lock, moved_index, same_index
from git_vibe.session.rebase_layer import Plan, make_plan, stage_layer
from git_vibe.session.rebase_merge import Outcome, outcome
from git_vibe.session.rebase_place import (
    adopted,
    conclude,
    discard_staged,
    forget,
    head_branch,
    merge_leftover,
    place,
    save,
    staging,
)
from git_vibe.session.rebase_state import Moved, RebaseState, refuse_during_rebase
from git_vibe.session.rebase_submodules import follow, moved_submodules
from git_vibe.session.scratch import Scratch, scratch_for
from git_vibe.session.targets import target_commit
from git_vibe.session.tree import session_tree
from git_vibe.session.workspace import Workspace
from git_vibe.store.faults import reached
from git_vibe.store.record import SessionRecord, session_names
from git_vibe.types import LayerId, Oid, SessionName

_ATTEMPTS = 5
_UNFINISHED = ("MERGE_HEAD", "CHERRY_PICK_HEAD", "REVERT_HEAD", "rebase-merge", "rebase-apply", "BISECT_LOG")
_STAGED = "what was staged does not fit the new base and is not staged any more"


class Rebased(NamedTuple):
    """Where the session was and where it is now. `files` counts what the rebase wrote or removed in it."""

    session: SessionName
    old: Oid
    new: Oid
    files: int = 0
    conflicts: tuple[str, ...] = ()
    archived: str | None = None
    warnings: tuple[str, ...] = ()


def rebase(ws: Workspace, name: SessionName, *, onto: str | None = None) -> Rebased:
    """Move a session to the commit `onto` (a revision or another session; by default its target).

    Conflicts are left in the session's files. Raises SessionNotFound, SessionBusy, SafetyCheckFailed and UsageError
    with nothing changed, and RebaseInProgress.
    """
    with ws.session_lock(name) as record:
        refuse_during_rebase(ws.paths(name))
        _refuse_unfinished(ws, name)
        label = onto or record.target or "upstream"
        label = label.removeprefix("refs/heads/").removeprefix("refs/remotes/")
        return rebase_locked(ws, record, _resolve(ws, record, onto), label)


def rebase_all(ws: Workspace, *, onto: str | None = None) -> list[tuple[SessionName, Rebased | VibeError]]:
    """Move every session; what hinders one is told and hinders no other."""
    ws.require_initialised()
    results: list[tuple[SessionName, Rebased | VibeError]] = []
    for name in session_names(ws.layout):
        try:
            results.append((name, rebase(ws, name, onto=onto)))
        except VibeError as error:
            results.append((name, error))
    return results


def rebase_locked(ws: Workspace, record: SessionRecord, commit: Oid, label: str) -> Rebased:
    """`rebase` of a session whose lock is held, onto a commit that is called `label`."""
    from git_vibe.session.spawn import ensure_mounted

    if commit == record.base:
        return Rebased(record.name, record.base, commit)
    drop_stale_lock(ws.paths(record.name))
    record, _ = settle(ws, record)
    for _ in range(_ATTEMPTS):
        ensure_mounted(ws, record)
        merge_leftover(ws, record.name)
        done = _try(ws, record, commit, label)
        if done is not None:
            return done
    raise SessionBusy(
        f"session '{record.name}' keeps writing to what upstream has changed too", "try again when its agent pauses"
    )


def _resolve(ws: Workspace, record: SessionRecord, onto: str | None) -> Oid:
    if onto is None:
        return target_commit(ws, record)
    if onto not in session_names(ws.layout):
        return ws.repo.resolve_commit(onto)
    other = ws.record(SessionName(onto))
    if other.promoted is None:
        raise UsageError(f"session '{onto}' has promoted nothing", f"run `git vibe promote {onto}` first")
    return other.promoted


def _refuse_unfinished(ws: Workspace, name: SessionName) -> None:
    """Raises SafetyCheckFailed while git is in the middle of something in the session."""
    git_dir = ws.paths(name).git_dir
    found = [entry for entry in _UNFINISHED if (git_dir / entry).exists()]
    if found or unmerged_paths(os.fspath(git_dir), cwd=os.fspath(ws.repo.common_dir)):
        raise SafetyCheckFailed(
            f"git is in the middle of something in session '{name}' ({', '.join(found) or 'unmerged files'})",
            "finish it there or give it up, `git status` in the session tells how; then try again",
        )


class _Attempt(NamedTuple):
    """A rebase that is prepared: the layer at `staged`, valid as long as nothing later than `since` contradicts it."""

    scratch: Scratch
    state: RebaseState
    plan: Plan
    pin: Oid
    staged: Path
    new_index: Path
    since: LayerId


def _try(ws: Workspace, record: SessionRecord, onto: Oid, label: str) -> Rebased | None:
    """Rebase unless the session changes the same files meanwhile; None then, with nothing changed."""
    with contextlib.ExitStack() as undo:
        undo.callback(discard_staged, ws, record.name)
        scratch = undo.enter_context(scratch_for(ws, record, throwaway=False))
        layers = undo.enter_context(client.sealed_layers(ws.layout, record.name))
        attempt = _prepare(scratch, layers, onto, label)
        undo.enter_context(index_lock(scratch.paths))
        if session_head(scratch.paths) != attempt.state.before.head or not same_index(scratch):
            return None
        if not _push(attempt):
            return None
        warnings = place(scratch, attempt.state, attempt.new_index)
    return finish(ws, record, attempt.state, warnings)


def _prepare(scratch: Scratch, layers: list[LayerId], onto: Oid, label: str) -> _Attempt:
    """Merge, and write the layer and the index aside."""
    staged = staging(scratch.ws, scratch.record.name)
    tree = session_tree(scratch, layer_trees(scratch.paths, layers)).oid
    found = outcome(scratch, tree, onto, Sides(label, scratch.record.name))
    changes = tree_changes(scratch, tree, found.merge.tree)
    moves = _submodules(scratch, found, changes, tree)
    plan = make_plan(scratch, changes, found.merge.tree)
    stage_layer(scratch, plan, found.merge.tree, staged)
    state = _state(scratch, found, tree, label)._replace(files=plan.files, skipped=plan.skipped, submodules=moves)
    index = build_index(scratch, scratch.paths.git_dir / "index", state)
    return _Attempt(scratch, state, plan, _pin(scratch, state), staged, index, layers[-1])


def _submodules(scratch: Scratch, found: Outcome, changes: list[Change], tree: Oid) -> tuple[Moved, ...]:
    """Submodules that are to follow; one in conflict stays until that is resolved."""
    conflicts = {conflict.path for conflict in found.merge.conflicts}
    fine = [change for change in changes if change.path not in conflicts]
    return moved_submodules(scratch, fine, tree, found.merge.tree)


def _state(scratch: Scratch, found: Outcome, tree: Oid, label: str) -> RebaseState:
    before, after, conflicts = found.before, found.after, found.merge.conflicts
    wanted, is_whole = moved_index(scratch, before.head, after.head)
    staged = () if is_whole and not conflicts else tuple(staged_content(scratch, tree, []))
    parents = [before.promoted or before.base, before.head, *([before.published] if before.published else []), *staged]
    kept = commit_tree(scratch, tree, parents, f"Vibe session '{scratch.record.name}' before a rebase\n")
    return RebaseState(
        before, after, found.merge.tree, wanted, kept, conflicts, head_branch(scratch.ws, scratch.record.name), label,
        rewritten=found.rewritten, lost=(*found.lost, *((commit, _STAGED) for commit in staged)),
    )  # fmt: skip


def _pin(scratch: Scratch, state: RebaseState) -> Oid:
    """A commit that keeps everything from being collected that going on or back may need."""
    staged = commit_tree(scratch, state.staged, [state.before.base], "index\n")
    parents = [state.kept, staged, *(commit for commit in (state.after.head, state.after.promoted) if commit)]
    return commit_tree(scratch, state.tree, parents, f"Rebase of vibe session '{scratch.record.name}'\n")


def _push(attempt: _Attempt) -> bool:
    """Have the layer put on top; False when the session has changed the same files meanwhile."""
    scratch, ws, name = attempt.scratch, attempt.scratch.ws, attempt.scratch.record.name
    paths = scratch.root / "paths.json"
    paths.write_text(json.dumps([os.fsdecode(path) for path in attempt.plan.paths]))
    save(scratch, attempt.state, attempt.pin)
    try:
        touched = bool(client.push_layer(ws.layout, name, attempt.staged, paths, attempt.since))
    except (OSError, DaemonUnavailable):  # the worker died, before it placed the layer or after that
        touched = adopted(ws, name) is None
    except BaseException:
        if adopted(ws, name) is None:
            forget(ws, name)
        raise
    if touched:
        forget(ws, name)
        return False
    reached("rebase.pushed")
    return True


def finish(ws: Workspace, record: SessionRecord, state: RebaseState, warnings: tuple[str, ...]) -> Rebased:
    """What follows when everything is placed: submodules, marks of the context, and the end if nothing is in
    conflict."""
    from git_vibe.session.spawn import ensure_mounted

    ensure_mounted(ws, record)
    warnings += follow(record, state.submodules)
    hide_overridden(ws, record, afresh=True)
    if not state.conflicts:
        conclude(ws, record.name)
    done = Rebased(record.name, state.before.base, state.after.base, state.files, state.paths, warnings=warnings)
    return audited(ws, "begin", done)


def audited(ws: Workspace, step: str, done: Rebased) -> Rebased:
    """Write what was done into the audit log."""
    details = {"step": step, "old": done.old, "new": done.new, "conflicts": list(done.conflicts)}
    audit(ws, "rebase", session=done.session, archived=done.archived, **details)
    return done
