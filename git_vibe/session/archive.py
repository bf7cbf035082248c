"""Keeping what would be lost: one commit that holds everything of a session that exists nowhere else.

Its tree is the whole session, with ignored files up to a limit, private copies of context files and the repositories
inside it, whose `.git` is called `dot-git` there. Its parents are
what dirty is measured against, commits no ref reaches, and, as in a stash, a commit of what was only staged.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from typing import NamedTuple

from git_vibe.errors import GitError, RefMoved
from git_vibe.git.command import WRITTEN_OUT, run_git
from git_vibe.git.refs import read_loose_ref, read_ref, unreachable_tips, update_ref
from git_vibe.git.worktree import reflog_commits
from git_vibe.git.write import tree_of
from git_vibe.session.identity import commit_environment
from git_vibe.session.layers import layer_trees
from git_vibe.session.scratch import Scratch, scratch_for
from git_vibe.session.survey import Scope
from git_vibe.session.tree import session_tree
from git_vibe.session.workspace import Workspace
from git_vibe.store.layout import SessionPaths, archive_ref
from git_vibe.store.record import SessionRecord
from git_vibe.types import LayerId, Oid, SessionName

_IGNORED_FILES_MAX = 1000
_IGNORED_BYTES_MAX = 10 << 20
_PRIVATE_REFS = ("refs/bisect", "refs/worktree", "refs/rewritten")


class Archived(NamedTuple):
    """The archive, or None twice where there was nothing to keep; and what was left out of it."""

    ref: str | None
    commit: Oid | None
    left_out: tuple[str, ...] = ()


def archive(ws: Workspace, record: SessionRecord, layers: Sequence[LayerId]) -> Archived:
    """Archive a session whose layers do not change meanwhile. Raises GitError and what reading it raises."""
    limit = ws.repo.config.size("vibe.archiveIgnoredMax", _IGNORED_BYTES_MAX)
    scope = Scope(ignored_files=_IGNORED_FILES_MAX, ignored_bytes=limit, everything=True)
    with scratch_for(ws, record, throwaway=False) as scratch:
        tree = session_tree(scratch, layer_trees(scratch.paths, layers), scope=scope)
        left_out = [os.fsdecode(path) for path in tree.left_out]
        lost = [*lost_commits(ws, scratch.paths), *staged_content(scratch, tree.oid, left_out)]
        if not lost and tree.oid == tree_of(record.reference, cwd=ws.repo.common_dir):
            return Archived(None, None, tuple(left_out))
        commit = commit_tree(scratch, tree.oid, [record.reference, *lost], _message(record, left_out))
        return Archived(pin_archive(ws, record.name, commit), commit, tuple(left_out))


def pin_archive(ws: Workspace, name: SessionName, commit: Oid) -> str:
    """Put a commit under the archive refs of a session and return the new ref."""
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    for suffix in ("", *(f"-{number}" for number in range(2, 100))):
        ref = archive_ref(name, stamp + suffix)
        try:
            update_ref(ref, commit, old=None, message=f"archive: session '{name}'", cwd=ws.repo.common_dir)
            return ref
        except RefMoved:
            continue
    raise GitError(f"no free archive ref for session '{name}' at {stamp}", "try again in a second")


def pin_once(ws: Workspace, name: SessionName, commit: Oid) -> str:
    """The archive ref of a commit, made if there is none yet."""
    command = ["for-each-ref", "--format=%(refname)", f"--points-at={commit}", f"refs/vibe/archive/{name}/"]
    found = run_git(command, cwd=ws.repo.common_dir).decode().split()
    return found[0] if found else pin_archive(ws, name, commit)


def session_head(paths: SessionPaths) -> Oid | None:
    """The commit the session's HEAD names, or None where the linked work tree is damaged."""
    if not paths.git_dir.is_dir():
        return None
    detached = read_loose_ref(paths.git_dir / "HEAD")
    return detached or read_ref("HEAD", cwd=paths.git_dir, git_dir=os.fsencode(paths.git_dir))


def lost_commits(ws: Workspace, paths: SessionPaths) -> list[Oid]:
    """Commits made in the session that no ref of the repository reaches: of its HEAD, its reflog, its private refs."""
    head = session_head(paths)
    if head is None:
        return []
    return unreachable_tips([head, *reflog_commits(paths.git_dir), *_private_refs(paths)], cwd=ws.repo.common_dir)


def _private_refs(paths: SessionPaths) -> list[Oid]:
    environment = {"GIT_DIR": os.fspath(paths.git_dir)}
    command = ["for-each-ref", "--format=%(objectname)", *_PRIVATE_REFS]
    return [Oid(line) for line in run_git(command, cwd=paths.git_dir, env=environment).decode().split()]


def staged_content(scratch: Scratch, tree: Oid, left_out: list[str]) -> list[Oid]:
    """A commit of the index when it holds content that neither the session's files nor its commits do."""
    head = session_head(scratch.paths) or scratch.record.base
    try:
        staged = Oid(run_git(["write-tree"], cwd=scratch.worktree, env=scratch.environment).decode().strip())
    except GitError:
        left_out.append("the index, which has unresolved conflicts")
        return []
    kept = [tree, head, scratch.record.reference, scratch.record.base]
    if not set.intersection(*(_added(scratch, known, staged) for known in dict.fromkeys(kept))):
        return []
    return [commit_tree(scratch, staged, [head], f"Index of vibe session '{scratch.record.name}'\n")]


def _added(scratch: Scratch, known: Oid, staged: Oid) -> set[bytes]:
    """Paths at which the tree `staged` has content that the tree or commit `known` has not there."""
    command = ["diff-tree", "-r", "-z", "--name-only", "--no-renames", "--diff-filter=AMT", known, staged]
    return set(run_git(command, cwd=scratch.worktree, env=scratch.environment).split(b"\0")) - {b""}


def commit_tree(scratch: Scratch, tree: Oid, parents: Sequence[Oid], message: str) -> Oid:
    """Commit a tree in the name of the session; a parent that is named twice counts once."""
    command = [*WRITTEN_OUT, "commit-tree", tree, "-F", "-"]
    for parent in dict.fromkeys(parents):
        command += ["-p", parent]
    environment = commit_environment(scratch.ws, scratch.record.agent)
    cwd = scratch.ws.repo.common_dir
    return Oid(run_git(command, cwd=cwd, env=environment, stdin=os.fsencode(message)).decode().strip())


def _message(record: SessionRecord, left_out: list[str]) -> str:
    missing = ["Left out:", *(f"  {name!r}" for name in left_out), ""] if left_out else []
    trailers = [f"Vibe-Session: {record.name}", f"Vibe-Base: {record.base}"]
    return "\n".join([f"Archive of vibe session '{record.name}'", "", *missing, *trailers]) + "\n"
