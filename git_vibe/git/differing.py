"""What two trees have otherwise: whole entries, and the lines of a file."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from git_vibe.git.command import run_git
from git_vibe.git.write import Entry
from git_vibe.types import Oid

_HUNK = re.compile(rb"^@@ -(\d+)(?:,(\d+))? \+", re.MULTILINE)

Lines = tuple[int, int]
"""The first and the last of some lines, counted from 1."""


def changed_entries(old: Oid, new: Oid, *, cwd: Path, env: Mapping[str, str] | None = None) -> dict[bytes, Entry]:
    """What the tree or commit `new` has where it differs from `old`, by path; an entry of mode 0 is gone."""
    command = ["diff-tree", "-r", "-z", "--raw", "--no-renames", "--no-abbrev", old, new]
    fields = run_git(command, cwd=cwd, env=env).split(b"\0")
    return {path: _new_entry(record) for record, path in zip(fields[:-1:2], fields[1::2], strict=True)}


def _new_entry(record: bytes) -> Entry:
    _, mode, _, oid, _ = record[1:].split(b" ")
    return Entry(int(mode, 8), Oid(oid.decode()))


def entry_at(tree: Oid, path: bytes, *, cwd: Path, env: Mapping[str, str] | None = None) -> Entry | None:
    """What a tree or commit has at a path."""
    command: list[str | bytes] = ["--literal-pathspecs", "ls-tree", "-z", "--full-tree", tree, "--", path]
    record = run_git(command, cwd=cwd, env=env).partition(b"\t")[0]
    if not record:
        return None
    mode, _, oid = record.split(b" ")
    return Entry(int(mode, 8), Oid(oid.decode()))


def changed_lines(old: Oid, new: Oid, *, cwd: Path, env: Mapping[str, str]) -> list[Lines]:
    """Lines of the blob `old` that `new` has otherwise; around what was inserted they are the lines beside it."""
    command = ["diff", "--no-color", "--no-ext-diff", "--no-textconv", "-U0", old, new]
    return [_touched(*found) for found in _HUNK.findall(run_git(command, cwd=cwd, env=env))]


def _touched(start: bytes, count: bytes) -> Lines:
    first, length = int(start), int(count or 1)
    return (first, first + length - 1) if length else (max(1, first), first + 1)


def common_lines(ours: list[Lines], theirs: list[Lines]) -> list[Lines]:
    """Where two ordered lists of lines overlap or touch: there a merge cannot take both."""
    found = []
    here = there = 0
    while here < len(ours) and there < len(theirs):
        (first, last), (other_first, other_last) = ours[here], theirs[there]
        if first <= other_last + 1 and other_first <= last + 1:
            edges = sorted((max(first, other_first), min(last, other_last)))
            found.append((edges[0], edges[1]))
        if last < other_last:
            here += 1
        else:
            there += 1
    return found
