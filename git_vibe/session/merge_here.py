"""Merging into what is checked out: git does it all, git-vibe only explains."""

from __future__ import annotations

import os
from typing import NamedTuple

from git_vibe.errors import DirtyWorktree, GitError, MergeConflict, NotFastForward
from git_vibe.git.command import run_git, run_git_status
from git_vibe.git.refs import is_ancestor, read_ref
from git_vibe.session.authoring import trailers
from git_vibe.session.landing import begin_landing
from git_vibe.session.workspace import Workspace
from git_vibe.store.record import SessionRecord
from git_vibe.types import Oid, SessionName

SQUASH, NO_FF, FF_ONLY = "squash", "no-ff", "ff-only"


class Manner(NamedTuple):
    """How a session is to land.

    `style` is SQUASH, NO_FF, FF_ONLY or None for what git does by itself. `into` names a branch instead of what is
    checked out; `force` merges in spite of conflicts with other sessions.
    """

    keep: bool = False
    message: str | None = None
    style: str | None = None
    into: str | None = None
    promote_first: bool = True
    force: bool = False


def merge_message(record: SessionRecord, manner: Manner) -> str:
    """The message of a merge commit, or of the one commit a squash makes."""
    return manner.message or f"Merge vibe session '{record.name}'"


def refuse_diverged(record: SessionRecord, promoted: Oid, tip: str, ws: Workspace) -> None:
    """Raises NotFastForward when the branch at `tip` has commits the session has not."""
    if not is_ancestor(tip, promoted, cwd=ws.repo.worktree):
        raise NotFastForward(
            f"the branch has commits that session '{record.name}' does not have, so this is no fast-forward",
            f"run `git vibe rebase {record.name}` first, or leave --ff-only away",
        )


def merge_here(ws: Workspace, record: SessionRecord, promoted: Oid, manner: Manner) -> str:
    """Merge into the HEAD of the work tree and return what git said.

    Raises MergeConflict, which leaves git's own conflict state, DirtyWorktree, NotFastForward or GitError.
    """
    if manner.style == FF_ONLY:
        refuse_diverged(record, promoted, "HEAD", ws)
    if manner.style == SQUASH:
        return _squash(ws, record, promoted, manner)
    command = ["merge", "--no-edit", *_options(ws, record, promoted, manner), promoted]
    done = run_git_status(command, cwd=ws.repo.worktree)
    words = (done.stdout + done.stderr).decode(errors="replace").strip()
    if done.returncode != 0:
        raise _merge_error(ws, record, manner, words)
    return words


def _options(ws: Workspace, record: SessionRecord, promoted: Oid, manner: Manner) -> list[str]:
    options = [f"--{manner.style}"] if manner.style else []
    # git tells everybody who gives a message for a fast-forward that it was ignored.
    if manner.message or manner.style == NO_FF or not _fast_forwards(ws, promoted):
        options += ["-m", merge_message(record, manner)]
    return options


def _fast_forwards(ws: Workspace, promoted: Oid) -> bool:
    allowed = ws.repo.config.text("merge.ff", "true") not in ("false", "no", "off", "0")
    return allowed and is_ancestor("HEAD", promoted, cwd=ws.repo.worktree)


def _merge_error(ws: Workspace, record: SessionRecord, manner: Manner, words: str) -> Exception:
    """What git's refusal means; told by the state it left, since its words are translated."""
    if read_ref("MERGE_HEAD", cwd=ws.repo.worktree) is not None:
        begin_landing(ws, record, squash=False, keep=manner.keep)
        return MergeConflict(
            "\n".join([f"merging session '{record.name}' stopped at conflicts:", *_unmerged(ws)]) + f"\n{words}",
            f"resolve them and run `git merge --continue`, or give up with `git merge --abort`;"
            f" then run `git vibe commit {record.name}` again to close the session",
        )
    return _other_error(ws, record.name, words)


def _other_error(ws: Workspace, name: SessionName, words: str) -> Exception:
    if run_git(["status", "--porcelain"], cwd=ws.repo.worktree):
        return DirtyWorktree(words, f"commit or stash your changes, then run `git vibe commit {name}` again")
    return GitError(f"git merge failed: {words}")


def _unmerged(ws: Workspace) -> list[str]:
    listing = run_git(["diff", "--name-only", "--diff-filter=U", "-z"], cwd=ws.repo.worktree)
    return [f"  {os.fsdecode(path)}" for path in listing.split(b"\0")[:-1]]


# Squashing: git prepares the index, and the commit is an ordinary one.


def _squash(ws: Workspace, record: SessionRecord, promoted: Oid, manner: Manner) -> str:
    _refuse_staged(ws, record.name)
    merged = run_git_status(["merge", "--squash", "--ff", promoted], cwd=ws.repo.worktree)
    words = (merged.stdout + merged.stderr).decode(errors="replace").strip()
    message = ws.repo.git_dir / "SQUASH_MSG"
    if not message.exists():
        raise _other_error(ws, record.name, words)
    ending = "\n".join(trailers(record))
    message.write_text(f"{merge_message(record, manner)}\n\n{ending}\n", errors="surrogateescape")
    if unmerged := _unmerged(ws):
        begin_landing(ws, record, squash=True, keep=manner.keep)
        what = [f"squashing session '{record.name}' stopped at conflicts:", *unmerged, words]
        raise MergeConflict("\n".join(what), _squash_hint(record.name, "resolve them"))
    if merged.returncode != 0:
        raise _other_error(ws, record.name, words)
    return _commit_squashed(ws, record, manner)


def _refuse_staged(ws: Workspace, name: SessionName) -> None:
    """What the user has staged must not get into the commit."""
    if run_git_status(["diff", "--cached", "--quiet"], cwd=ws.repo.worktree).returncode != 0:
        raise DirtyWorktree(
            "you have staged changes, which would get into the commit",
            f"commit or stash them, then run `git vibe commit {name}` again",
        )


def _commit_squashed(ws: Workspace, record: SessionRecord, manner: Manner) -> str:
    message = os.fspath(ws.repo.git_dir / "SQUASH_MSG")
    done = run_git_status(["commit", "--no-edit", "--file", message], cwd=ws.repo.worktree)
    words = (done.stdout + done.stderr).decode(errors="replace").strip()
    if done.returncode != 0:
        begin_landing(ws, record, squash=True, keep=manner.keep)
        raise GitError(f"git commit failed: {words}", _squash_hint(record.name, "mend it"))
    return words


def _squash_hint(name: SessionName, first: str) -> str:
    return (
        f"{first} and run `git commit`, or give up with `git reset --merge`;"
        f" then run `git vibe commit {name}` again to close the session"
    )
