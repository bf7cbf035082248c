"""Merging into a branch that is checked out nowhere: in memory, without a work tree."""

from __future__ import annotations

import os
from pathlib import Path

from git_vibe.errors import GitError, MergeConflict, SafetyCheckFailed, UsageError
from git_vibe.git.command import WRITTEN_OUT, run_git, run_git_status
from git_vibe.git.refs import is_ancestor, read_ref, update_ref
from git_vibe.session.authoring import trailers
from git_vibe.session.merge_here import FF_ONLY, NO_FF, SQUASH, Manner, merge_message, refuse_diverged
from git_vibe.session.workspace import Workspace
from git_vibe.store.record import SessionRecord
from git_vibe.types import Oid, SessionName

_CONFLICTS = 1


def branch_to_merge_into(ws: Workspace, name: SessionName, branch: str | None) -> str | None:
    """Full name of a branch, or None for what is checked out here.

    Raises UsageError where there is no such branch, SafetyCheckFailed where it is checked out elsewhere.
    """
    if branch is None:
        return None
    ref = branch if branch.startswith("refs/heads/") else f"refs/heads/{branch}"
    if read_ref(ref, cwd=ws.repo.common_dir) is None:
        raise UsageError(f"there is no branch '{branch}'", f"`git branch {branch}` makes it")
    place = _checked_out(ws).get(ref)
    if place is None:
        return ref
    if os.path.realpath(place) == os.path.realpath(ws.repo.worktree):
        return None
    raise SafetyCheckFailed(
        f"branch '{branch}' is checked out in '{place}', whose files would not follow",
        f"run `git -C '{place}' vibe commit {name}` there",
    )


def _checked_out(ws: Workspace) -> dict[str, Path]:
    """Work trees by the branch that is checked out in them."""
    fields = os.fsdecode(run_git(["worktree", "list", "--porcelain", "-z"], cwd=ws.repo.worktree)).split("\0")
    found, place = {}, ""
    for field in fields:
        word, _, value = field.partition(" ")
        if word == "worktree":
            place = value
        elif word == "branch":
            found[value] = Path(place)
    return found


def merge_into(ws: Workspace, record: SessionRecord, promoted: Oid, ref: str, manner: Manner) -> Oid:
    """Merge into a branch that is checked out nowhere and return where it is now.

    Hooks are for work trees and do not run. Raises MergeConflict, NotFastForward, RefMoved or GitError.
    """
    tip = read_ref(ref, cwd=ws.repo.common_dir)
    if tip is None:
        raise UsageError(f"{ref} is gone", "`git branch` lists the branches that exist")
    if manner.style == FF_ONLY:
        refuse_diverged(record, promoted, tip, ws)
    if manner.style not in (NO_FF, SQUASH) and is_ancestor(tip, promoted, cwd=ws.repo.common_dir):
        new = promoted
    else:
        new = _commit(ws, record, _merged_tree(ws, record.name, tip, promoted, ref), tip, promoted, manner)
    update_ref(ref, new, old=tip, message=f"vibe commit: session '{record.name}'", cwd=ws.repo.common_dir)
    return new


def _merged_tree(ws: Workspace, name: SessionName, tip: Oid, promoted: Oid, ref: str) -> Oid:
    command = ["merge-tree", "--write-tree", "-z", "--name-only", "--no-messages", tip, promoted]
    done = run_git_status([*WRITTEN_OUT, *command], cwd=ws.repo.worktree)
    tree, *paths = os.fsdecode(done.stdout).split("\0")
    if done.returncode == _CONFLICTS:
        branch = ref.removeprefix("refs/heads/")
        listing = "\n".join(f"  {path}" for path in dict.fromkeys(paths) if path)
        raise MergeConflict(
            f"session '{name}' does not merge cleanly into '{branch}', which was left as it is:\n{listing}",
            f"run `git vibe rebase {name} --onto {branch}`, or `git switch {branch}` and `git vibe commit {name}`",
        )
    if done.returncode != 0:
        raise GitError(f"git merge-tree failed: {done.stderr.decode(errors='replace').strip()}")
    return Oid(tree)


def _commit(ws: Workspace, record: SessionRecord, tree: Oid, tip: Oid, promoted: Oid, manner: Manner) -> Oid:
    signing = ["-S"] if ws.repo.config.boolean("commit.gpgsign", default=False) else []
    parents = [tip] if manner.style == SQUASH else [tip, promoted]
    command = [*WRITTEN_OUT, "commit-tree", *signing, tree]
    for parent in parents:
        command += ["-p", parent]
    text = merge_message(record, manner) + "\n"
    if manner.style == SQUASH:
        text += "\n" + "\n".join(trailers(record)) + "\n"
    made = run_git([*command, "-F", "-"], cwd=ws.repo.worktree, stdin=os.fsencode(text))
    return Oid(made.decode().strip())
