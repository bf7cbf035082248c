"""What an index tracks, read once through git and searched without building a table of it."""

from __future__ import annotations

import os
from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from git_vibe.git.command import run_git
from git_vibe.git.write import Entry
from git_vibe.types import Oid

_BLOCK = 1 << 20
_CHECKSUM = 20


class IndexEntry(NamedTuple):
    """One entry of an index. `frozen` tells that git is told not to look at the work tree for it (skip-worktree,
    assume-unchanged)."""

    mode: int
    oid: Oid
    path: bytes
    frozen: bool


class Tracked:
    """The entries of one index in git's order."""

    def __init__(self, listing: bytes) -> None:
        """`listing` is what `git ls-files -s -v -z` prints."""
        self._lines = listing.split(b"\0")[:-1]

    def entry(self, path: bytes) -> IndexEntry | None:
        """The entry at exactly `path`."""
        place = self._place(path)
        if place < len(self._lines) and _path(self._lines[place]) == path:
            return _entry(self._lines[place])
        return None

    def has_below(self, directory: bytes) -> bool:
        """Whether anything below `directory` is tracked."""
        place = self._place(directory + b"/")
        return place < len(self._lines) and _path(self._lines[place]).startswith(directory + b"/")

    def frozen(self) -> Iterator[IndexEntry]:
        """Entries that `git add -A` leaves alone."""
        return (_entry(line) for line in self._lines if line[:1] not in b"HM")

    def _place(self, path: bytes) -> int:
        return bisect_left(self._lines, path, key=_path)


class Untouched(Tracked):
    """The entries of an index that has just the files of a commit, with the tree `root`, as a checkout leaves it."""

    def __init__(self, root: Oid, read_tree: Callable[[Oid], dict[bytes, Entry]]) -> None:
        self._root = root
        self._read_tree = lru_cache(maxsize=None)(read_tree)

    def entry(self, path: bytes) -> IndexEntry | None:
        """The entry at exactly `path`."""
        directory, _, name = path.rpartition(b"/")
        entry = self._entries(directory).get(name)
        return None if entry is None or entry.is_tree else IndexEntry(entry.mode, entry.oid, path, frozen=False)

    def has_below(self, directory: bytes) -> bool:
        """Whether anything below `directory` is tracked."""
        return bool(self._entries(directory))

    def frozen(self) -> Iterator[IndexEntry]:
        """None: the index says nothing but what is tracked."""
        return iter(())

    def _entries(self, directory: bytes) -> dict[bytes, Entry]:
        entries = self._read_tree(self._root)
        for name in directory.split(b"/") if directory else ():
            found = entries.get(name)
            if found is None or not found.is_tree:
                return {}
            entries = self._read_tree(found.oid)
        return entries


def has_entries_of(index: Path, other: Path) -> bool:
    """Whether an index has just the entries, with flags and stat data, of another one, which has nothing else."""
    try:
        with open(index, "rb", buffering=0) as one, open(other, "rb", buffering=0) as two:
            left = os.fstat(two.fileno()).st_size - _CHECKSUM
            while left > 0:
                block = two.read(min(left, _BLOCK))
                if not block or one.read(len(block)) != block:
                    return False
                left -= len(block)
        return True
    except FileNotFoundError:
        return False


def read_tracked(*, cwd: Path, env: Mapping[str, str]) -> Tracked:
    """Read the index that `env` names. Raises GitError."""
    return Tracked(run_git(["ls-files", "-s", "-v", "-z"], cwd=cwd, env=env))


class Difference(NamedTuple):
    """A path of a commit that an index has otherwise; `mode` is what the index has, or 0 when it does not track it."""

    path: bytes
    mode: int


def differences(commit: Oid, *, cwd: Path, env: Mapping[str, str]) -> list[Difference]:
    """Paths of `commit` that the index does not track any more, or has other content or another mode for."""
    command = ["diff-index", "--cached", "--no-renames", "--diff-filter=DM", "--raw", "-z", commit]
    fields = run_git(command, cwd=cwd, env=env).split(b"\0")
    return [
        Difference(path, int(record.split(b" ")[1], 8))
        for record, path in zip(fields[:-1:2], fields[1::2], strict=True)
    ]


def _path(line: bytes) -> bytes:
    return line[line.index(b"\t") + 1 :]


def _entry(line: bytes) -> IndexEntry:
    tag, mode, oid, _ = line[: line.index(b"\t")].split(b" ")
    return IndexEntry(int(mode, 8), Oid(oid.decode()), _path(line), tag not in (b"H", b"M"))
