"""Merging trees in memory, by git's own rules: renames, modes, attributes and merge drivers."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from git_vibe.errors import GitError
from git_vibe.git.command import run_git_status
from git_vibe.git.write import Entry, ObjectSink
from git_vibe.types import Oid

_CONFLICTS = 1


class Conflict(NamedTuple):
    """A path git could not merge: what the base (stage 1), ours (2) and theirs (3) have there, as far as they do."""

    path: bytes
    stages: dict[int, Entry]


class Merge(NamedTuple):
    """The merged tree, with conflict markers in files where there are conflicts, and what is in conflict.

    `sides` are the commits that the markers name, ours and theirs.
    """

    tree: Oid
    conflicts: tuple[Conflict, ...] = ()
    sides: tuple[Oid, ...] = ()


def merge_trees(sink: ObjectSink, *, base: Oid, ours: Oid, theirs: Oid, cwd: Path, env: Mapping[str, str]) -> Merge:
    """Merge two trees that both come from the tree `base`.

    Objects go to `sink`. `env` makes git see all trees; attributes are those of the work tree `cwd`. Raises GitError.
    """
    if theirs in (base, ours):
        return Merge(ours)
    if ours == base:
        return Merge(theirs)
    bottom = sink.write_commit(base, [])  # git 2.39 merges no trees, only commits
    sides = tuple(sink.write_commit(tree, [bottom]) for tree in (ours, theirs))
    done = run_git_status(["merge-tree", "--write-tree", "--no-messages", "-z", *sides], cwd=cwd, env=env)
    if done.returncode not in (0, _CONFLICTS):
        raise GitError(f"git merge-tree failed: {done.stderr.decode(errors='replace').strip()}")
    return _parse(done.stdout)._replace(sides=sides)


def _parse(output: bytes) -> Merge:
    """Understand what git prints: the tree, then an entry for each stage of each path in conflict."""
    tree, *records = output.split(b"\0")
    conflicts: dict[bytes, dict[int, Entry]] = {}
    for record in filter(None, records):
        meta, _, path = record.partition(b"\t")
        mode, oid, stage = meta.split()
        conflicts.setdefault(path, {})[int(stage)] = Entry(int(mode, 8), Oid(oid.decode()))
    return Merge(Oid(tree.decode()), tuple(Conflict(path, stages) for path, stages in conflicts.items()))
