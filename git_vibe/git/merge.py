"""Merging trees in memory, by git's own rules: renames, modes, attributes and merge drivers."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from git_vibe.errors import GitError
from git_vibe.git.command import run_git_status
from git_vibe.git.write import ObjectSink
from git_vibe.types import Oid


class Unmerged(NamedTuple):
    """What one side has at a path where git cannot merge."""

    path: bytes
    oid: Oid


def unmerged(
    sink: ObjectSink, base: Oid, ours: Oid, theirs: Oid, *, cwd: Path, env: Mapping[str, str]
) -> list[Unmerged]:
    """What git cannot merge of two trees that both come from the tree `base`.

    Objects go to `sink`. `env` makes git see all trees; attributes are those of the work tree `cwd`. Raises GitError.
    """
    bottom = sink.write_commit(base, [])
    sides = [sink.write_commit(tree, [bottom]) for tree in (ours, theirs)]
    done = run_git_status(["merge-tree", "--write-tree", "--no-messages", "-z", *sides], cwd=cwd, env=env)
    if done.returncode not in (0, 1):
        raise GitError(f"git merge-tree failed: {done.stderr.decode(errors='replace').strip()}")
    return [_unmerged(record) for record in done.stdout.split(b"\0")[1:] if record]


def _unmerged(record: bytes) -> Unmerged:
    head, _, path = record.partition(b"\t")
    return Unmerged(path, Oid(head.split(b" ")[1].decode()))
