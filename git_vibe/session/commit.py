"""Merging a session into the branch the user is on: git does the merge, git-vibe only explains."""

from __future__ import annotations

import os
from typing import NamedTuple

from git_vibe.errors import DirtyWorktree, GitError, MergeConflict, SafetyCheckFailed
from git_vibe.git.command import run_git, run_git_status
from git_vibe.git.refs import is_ancestor, read_ref
from git_vibe.session.changes import is_dirty
from git_vibe.session.close import Closed, close, refuse_inside
from git_vibe.session.promote import promote
from git_vibe.session.removal import finish_removals
from git_vibe.session.workspace import Workspace
from git_vibe.store.record import SessionRecord
from git_vibe.types import Oid, SessionName


class Committed(NamedTuple):
    """What a commit did. `commit` is the promote that was merged (None: the session had nothing), `head` where the
    user's HEAD is now; `output` is what git said."""

    commit: Oid | None
    head: Oid | None
    merged: bool
    closed: bool
    archived: str | None = None
    output: str = ""
    warnings: tuple[str, ...] = ()


def commit(
    ws: Workspace,
    name: SessionName,
    *,
    keep: bool = False,
    message: str | None = None,
    no_ff: bool = False,
    promote_first: bool = True,
) -> Committed:
    """Promote what is dirty, merge the last promote into HEAD and, unless `keep`, close the session.

    Raises DirtyWorktree, MergeConflict, SafetyCheckFailed, and what promote and close raise. Called again after a
    conflict was resolved, it closes.
    """
    ws.require_initialised()
    finish_removals(ws)
    refuse_inside(ws, name)
    _refuse_merge_in_progress(ws, name)
    warnings = _promote(ws, name, promote_first=promote_first)
    record = ws.record(name)
    if record.promoted is None:
        return Committed(None, _head(ws), merged=False, closed=False, warnings=warnings)
    merged = not is_ancestor(record.promoted, "HEAD", cwd=ws.repo.worktree)
    output = _merge(ws, record, record.promoted, message, no_ff=no_ff) if merged else ""
    warnings += _detached_warning(ws) if merged else ()
    closed, more = (None, ()) if keep else _close(ws, name)
    return Committed(
        record.promoted, _head(ws), merged, closed is not None, closed.archived if closed else None, output,
        (*warnings, *more),
    )  # fmt: skip


def _promote(ws: Workspace, name: SessionName, *, promote_first: bool) -> tuple[str, ...]:
    if promote_first:
        done = promote(ws, name)
        return () if done is None else done.warnings
    if is_dirty(ws, ws.record(name)):
        raise SafetyCheckFailed(
            f"session '{name}' has work that was not promoted", f"run `git vibe promote {name}` first"
        )
    return ()


def _head(ws: Workspace) -> Oid | None:
    return read_ref("HEAD", cwd=ws.repo.worktree)


def _refuse_merge_in_progress(ws: Workspace, name: SessionName) -> None:
    if read_ref("MERGE_HEAD", cwd=ws.repo.worktree) is not None:
        raise MergeConflict(
            "a merge is in progress in your work tree",
            f"finish it with `git merge --continue` or give it up with `git merge --abort`,"
            f" then run `git vibe commit {name}` again",
        )


def _merge(ws: Workspace, record: SessionRecord, promoted: Oid, message: str | None, *, no_ff: bool) -> str:
    """Run `git merge` and return what it said. Raises MergeConflict, DirtyWorktree or GitError."""
    text = message or f"Merge vibe session '{record.name}'"
    options = ["--no-ff"] if no_ff else []
    # git tells everybody who gives a message for a fast-forward that it was ignored.
    if message or no_ff or not _fast_forwards(ws, promoted):
        options += ["-m", text]
    done = run_git_status(["merge", "--no-edit", *options, promoted], cwd=ws.repo.worktree)
    words = (done.stdout + done.stderr).decode(errors="replace").strip()
    if done.returncode != 0:
        raise _merge_error(ws, record.name, words)
    return words


def _fast_forwards(ws: Workspace, promoted: Oid) -> bool:
    allowed = ws.repo.config.text("merge.ff", "true") not in ("false", "no", "off", "0")
    return allowed and is_ancestor("HEAD", promoted, cwd=ws.repo.worktree)


def _merge_error(ws: Workspace, name: SessionName, words: str) -> Exception:
    """What git's refusal means; told by the state it left, since its words are translated."""
    if read_ref("MERGE_HEAD", cwd=ws.repo.worktree) is not None:
        return MergeConflict(
            "\n".join([f"merging session '{name}' stopped at conflicts:", *_unmerged(ws)]) + f"\n{words}",
            f"resolve them and run `git merge --continue`, or give up with `git merge --abort`;"
            f" then run `git vibe commit {name}` again to close the session",
        )
    if run_git(["status", "--porcelain"], cwd=ws.repo.worktree):
        return DirtyWorktree(words, f"commit or stash your changes, then run `git vibe commit {name}` again")
    return GitError(f"git merge failed: {words}")


def _unmerged(ws: Workspace) -> list[str]:
    listing = run_git(["diff", "--name-only", "--diff-filter=U", "-z"], cwd=ws.repo.worktree)
    return [f"  {os.fsdecode(path)}" for path in listing.split(b"\0")[:-1]]


def _detached_warning(ws: Workspace) -> tuple[str, ...]:
    attached = run_git_status(["symbolic-ref", "--quiet", "HEAD"], cwd=ws.repo.worktree).returncode == 0
    return () if attached else ("HEAD is detached: the merge is on no branch",)


def _close(ws: Workspace, name: SessionName) -> tuple[Closed | None, tuple[str, ...]]:
    """Close the session; what was written since the promote keeps it open."""
    try:
        return close(ws, name), ()
    except SafetyCheckFailed as error:
        return None, (f"the session stays open: {error.message}",)
