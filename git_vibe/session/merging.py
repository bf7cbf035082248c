"""Merging trees in memory with git's own merge: renames, attributes and merge drivers count as in `git merge`."""

from __future__ import annotations

import os
from typing import NamedTuple

from git_vibe.errors import ObjectMissing
from git_vibe.git import merge as git_merge
from git_vibe.git.command import run_git
from git_vibe.git.grafting import graft
from git_vibe.git.merge import Conflict, Merge
from git_vibe.git.write import Entry
from git_vibe.session.scratch import Scratch
from git_vibe.types import Oid

_STAGES = (1, 2, 3)
_MARKERS = (b"<<<<<<< ", b">>>>>>> ", b"||||||| ")


class Sides(NamedTuple):
    """How the sides of a merge are called where it left conflicts: a branch or revision, and a session."""

    ours: str
    session: str


def merge_trees(scratch: Scratch, *, base: Oid, ours: Oid, theirs: Oid, sides: Sides | None = None) -> Merge:
    """Merge two trees that came from a third. Objects go to the scratch's sink. Raises GitError.

    Conflicts name the sides; without `sides` whoever wants nothing but a clean merge gets names of git's.
    """
    merged = git_merge.merge_trees(
        scratch.sink, base=base, ours=ours, theirs=theirs, cwd=scratch.worktree, env=scratch.environment
    )
    if sides is None or not merged.conflicts:
        return merged
    return _Naming(scratch, sides, *merged.sides).named(merged)


class _Naming:
    """Calls sides what people call them; git only knows names of commits."""

    def __init__(self, scratch: Scratch, sides: Sides, left: Oid, right: Oid) -> None:
        self._scratch = scratch
        ours, session = os.fsencode(sides.ours), os.fsencode(sides.session)
        self._in_text = {left.encode(): ours, right.encode(): b"session '%s'" % session}
        self._in_paths = {left.encode(): ours.replace(b"/", b"_"), right.encode(): session}

    def named(self, merge: Merge) -> Merge:
        """The merge with the sides named in conflict markers and in paths that git gave to what had no place."""
        changed: dict[bytes, Entry | None] = {}
        for conflict in merge.conflicts:
            entry = self._entry(merge.tree, conflict.path)
            if entry is None or entry.is_tree:
                continue
            path, content = self._path(merge.tree, conflict.path), self._content(entry)
            if path != conflict.path:
                changed[conflict.path] = None
            changed[path] = content
        conflicts = tuple(each._replace(path=self._path(merge.tree, each.path)) for each in merge.conflicts)
        return merge._replace(tree=graft(self._scratch.sink, merge.tree, changed), conflicts=conflicts)

    def _entry(self, tree: Oid, path: bytes) -> Entry | None:
        """What the merged tree has at a path."""
        entry: Entry | None = None
        for name in path.split(b"/"):
            if entry is not None and not entry.is_tree:
                return None
            entry = self._scratch.sink.read_tree(entry.oid if entry is not None else tree).get(name)
            if entry is None:
                return None
        return entry

    def _path(self, tree: Oid, path: bytes) -> bytes:
        for oid, name in self._in_paths.items():
            better = path.replace(b"~" + oid, b"~" + name)
            if better != path and self._entry(tree, better) is None:
                return better
        return path

    def _content(self, entry: Entry) -> Entry:
        """An entry whose conflict markers have the names of the sides; what is no text stays."""
        if not entry.is_file:
            return entry
        try:
            content = self._scratch.sink.read_blob(entry.oid)
        except ObjectMissing:
            return entry
        named = b"".join(self._line(line) for line in content.splitlines(keepends=True))
        return entry if named == content else entry._replace(oid=self._scratch.sink.write_blob(named))

    def _line(self, line: bytes) -> bytes:
        if line.startswith(_MARKERS):
            for oid, name in self._in_text.items():
                line = line.replace(oid, name)
        return line


def index_lines(conflict: Conflict) -> bytes:
    """Input of `git update-index -z --index-info` that makes a path unmerged."""
    lines = [b"0 %s\t%s\0" % (b"0" * 40, conflict.path)]
    lines += [
        b"%06o %s %d\t%s\0" % (conflict.stages[stage].mode, conflict.stages[stage].oid.encode(), stage, conflict.path)
        for stage in _STAGES
        if stage in conflict.stages
    ]
    return b"".join(lines)


def unmerged_paths(git_dir: str, *, cwd: str) -> list[bytes]:
    """Paths with conflicts in the index of a git directory."""
    listing = run_git(["ls-files", "-u", "-z"], cwd=cwd, env={"GIT_DIR": git_dir})
    return sorted({line.partition(b"\t")[2] for line in listing.split(b"\0")[:-1]})
