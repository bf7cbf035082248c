"""Landing a session: merging it into the branch the user is on, or another one, and closing it.

A merge that stops half-way is the user's to finish, with git's own commands; the next look at it closes the session.
"""

from __future__ import annotations

from typing import NamedTuple

from git_vibe.errors import MergeConflict, SafetyCheckFailed, SessionConflict, VibeError
from git_vibe.git.command import run_git_status
from git_vibe.git.refs import is_ancestor, read_ref
from git_vibe.session.audit import audit
from git_vibe.session.changes import is_dirty
from git_vibe.session.close import Closed, close, refuse_inside
from git_vibe.session.landed import landed
from git_vibe.session.landing import GIVEN_UP, LANDED, forget_landing, outcome, read_landing
from git_vibe.session.merge_here import SQUASH, Manner, merge_here
from git_vibe.session.merge_into import branch_to_merge_into, merge_into
from git_vibe.session.promote import promote
from git_vibe.session.rebase_state import refuse_during_rebase
from git_vibe.session.removal import finish_removals
from git_vibe.session.upstream import checked_out, line, look, pending
from git_vibe.session.workspace import Workspace
from git_vibe.store.record import SessionRecord, session_names
from git_vibe.types import Oid, SessionName

_PLAINLY = Manner()


class Committed(NamedTuple):
    """What a commit did. `commit` is the promote that was merged (None: the session had nothing), `head` where the
    branch is now that it was merged into; `output` is what git said, `behind` has a line for each session that the
    branch has left behind.
    """

    commit: Oid | None
    head: Oid | None
    merged: bool
    closed: bool
    archived: str | None = None
    output: str = ""
    warnings: tuple[str, ...] = ()
    behind: tuple[str, ...] = ()


class Finished(NamedTuple):
    """A session whose merge the user finished. Where it is not `closed`, `why` says what keeps it open."""

    session: SessionName
    closed: bool
    why: tuple[str, ...] = ()


def commit(ws: Workspace, name: SessionName, manner: Manner = _PLAINLY) -> Committed:
    """Promote what is dirty, merge the last promote and, unless it is to be kept, close the session.

    Raises SessionConflict, DirtyWorktree, MergeConflict, NotFastForward, SafetyCheckFailed, and what promote and close
    raise. Called again after a conflict was resolved, it closes.
    """
    ws.require_initialised()
    finish_removals(ws)
    refuse_inside(ws, name)
    refuse_during_rebase(ws.paths(name))
    ref = branch_to_merge_into(ws, name, manner.into)
    if ref is None:
        _refuse_merge_in_progress(ws, name)
    warnings = _promote(ws, name, promote_first=manner.promote_first)
    record = ws.record(name)
    if record.promoted is None:
        return Committed(None, _tip(ws, ref), merged=False, closed=False, warnings=warnings)
    output, merged, more = _land(ws, record, record.promoted, ref, manner)
    head, behind = _tip(ws, ref), _left_behind(ws, name, ref) if merged else ()
    if merged:
        _audit(ws, record, head, into=ref or checked_out(ws.repo.git_dir), style=manner.style, force=manner.force)
    forget_landing(ws, name)
    closed, why = (None, ()) if manner.keep else _close(ws, name)
    return Committed(
        record.promoted, head, merged, closed is not None, closed.archived if closed else None, output,
        (*warnings, *more, *why), behind,
    )  # fmt: skip


def _audit(ws: Workspace, record: SessionRecord, head: Oid | None, **how: object) -> None:
    audit(ws, "commit", session=record.name, agent=record.agent, commit=record.promoted, head=head, **how)


def finish_landed(ws: Workspace) -> list[Finished]:
    """Close sessions whose half-way merges were finished with git's own commands; forget those that were given up."""
    found = []
    for name in session_names(ws.layout):
        landing = read_landing(ws, name)
        if landing is None:
            continue
        state = outcome(ws, landing)
        if state in (LANDED, GIVEN_UP):
            forget_landing(ws, name)
        if state == LANDED:
            _audit(ws, ws.record(name), _tip(ws, None), finished=True, style=SQUASH if landing.squash else None)
        if state == LANDED and not landing.keep:
            found.append(_finished(ws, name))
    return found


def _finished(ws: Workspace, name: SessionName) -> Finished:
    """Close a session that has landed; whatever hinders that must not hinder a look at the others."""
    try:
        closed, why = _close(ws, name)
    except VibeError as error:
        return Finished(name, closed=False, why=(f"the session stays open: {error.message}",))
    return Finished(name, closed is not None, why)


def _promote(ws: Workspace, name: SessionName, *, promote_first: bool) -> tuple[str, ...]:
    if promote_first:
        done = promote(ws, name)
        return () if done is None else done.warnings
    if is_dirty(ws, ws.record(name)):
        raise SafetyCheckFailed(
            f"session '{name}' has work that was not promoted", f"run `git vibe promote {name}` first"
        )
    return ()


def _land(
    ws: Workspace, record: SessionRecord, promoted: Oid, ref: str | None, manner: Manner
) -> tuple[str, bool, tuple[str, ...]]:
    """Merge unless that was done. Returns what git said, whether it merged, and warnings."""
    tip = _tip(ws, ref)
    if _was_finished(ws, record) or (tip is not None and landed(ws, record, tip) is not None):
        return "", False, ()
    if tip is not None and is_ancestor(promoted, tip, cwd=ws.repo.common_dir):
        return "", False, (f"session '{record.name}' was merged and reverted: revert the revert to have it again",)
    if not manner.force:
        _refuse_conflicts(ws, record.name)
    if ref is not None:
        merge_into(ws, record, promoted, ref, manner)
        return "", True, ()
    return merge_here(ws, record, promoted, manner), True, (*_detached_warning(ws), *_elsewhere_warning(ws, record))


def _was_finished(ws: Workspace, record: SessionRecord) -> bool:
    """Whether the user has finished a merge of the very last promote."""
    landing = read_landing(ws, record.name)
    return landing is not None and landing.promoted == record.promoted and outcome(ws, landing) == LANDED


def _tip(ws: Workspace, ref: str | None) -> Oid | None:
    return read_ref("HEAD", cwd=ws.repo.worktree) if ref is None else read_ref(ref, cwd=ws.repo.common_dir)


def _refuse_merge_in_progress(ws: Workspace, name: SessionName) -> None:
    if read_ref("MERGE_HEAD", cwd=ws.repo.worktree) is not None:
        raise MergeConflict(
            "a merge is in progress in your work tree",
            f"finish it with `git merge --continue` or give it up with `git merge --abort`,"
            f" then run `git vibe commit {name}` again",
        )
    landing = read_landing(ws, name)
    if landing is not None and landing.squash and outcome(ws, landing) not in (LANDED, GIVEN_UP):
        raise MergeConflict(
            f"session '{name}' is half-way squashed in your work tree",
            f"finish it with `git commit` or give it up with `git reset --merge`,"
            f" then run `git vibe commit {name}` again",
        )


def _refuse_conflicts(ws: Workspace, name: SessionName) -> None:
    """Raises SessionConflict when another session changed what this one changed, and the changes do not merge."""
    from git_vibe.session.overlaps import session_overlaps

    lines = []
    for overlap in session_overlaps(ws, names=[name], upstream=False):
        others = sorted({side.name for side in overlap.sides} - {name})
        if not overlap.clean:
            lines.append(f"  {overlap.path.decode(errors='backslashreplace')} ({', '.join(others)})")
    if lines:
        what = f"session '{name}' and other sessions changed the same files, and that does not merge:"
        raise SessionConflict(
            "\n".join([what, *lines]),
            f"`git vibe status --conflicts --lines` shows where; land the other session first and run"
            f" `git vibe rebase {name}`, promote what is free of conflicts with `git vibe promote {name} --only`,"
            f" or run `git vibe commit {name} --force`: the other one then has to be rebased",
        )


def _detached_warning(ws: Workspace) -> tuple[str, ...]:
    attached = run_git_status(["symbolic-ref", "--quiet", "HEAD"], cwd=ws.repo.worktree).returncode == 0
    return () if attached else ("HEAD is detached: the merge is on no branch",)


def _elsewhere_warning(ws: Workspace, record: SessionRecord) -> tuple[str, ...]:
    """A session that was started for one branch may land in another, but not unnoticed."""
    here = checked_out(ws.repo.git_dir)
    if here is None or record.target in (None, here):
        return ()
    wanted, found = (str(ref).removeprefix("refs/heads/") for ref in (record.target, here))
    return (f"session '{record.name}' was started for '{wanted}' and was merged into '{found}'",)


def _left_behind(ws: Workspace, name: SessionName, ref: str | None) -> tuple[str, ...]:
    moved = ref or checked_out(ws.repo.git_dir)
    if moved is None:
        return ()
    waiting = [each for each in pending(ws, {moved}) if each.record.name != name]
    return tuple(line(lag) for lag in look(ws, waiting) if lag.behind)


def _close(ws: Workspace, name: SessionName) -> tuple[Closed | None, tuple[str, ...]]:
    """Close the session; what was written since the promote keeps it open."""
    try:
        return close(ws, name), ()
    except SafetyCheckFailed as error:
        return None, (f"the session stays open: {error.message}",)
