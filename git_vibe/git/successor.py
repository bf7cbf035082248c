"""A base table made from that of an earlier commit: what did not change is copied in runs of rows.

Git compares the two commits by object name and names the trees that differ; only those are read. So the work grows
with the change, apart from moving bytes.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from pathlib import Path

from git_vibe.git.command import run_git
from git_vibe.git.modes import MODE_GITLINK, MODE_TREE
from git_vibe.git.table import Table, build_table, pack_table

_WORTHWHILE = 4
"""A change of more than one in so many rows is not cheaper to apply than to read everything."""

_ROW_MASK = 0xFFFF_FFFF

_Entry = tuple[int, bytes, bytes]
"""Mode, name and object name of an entry of a tree."""


def build_successor(common_dir: Path, commit: str, mtime_ns: int, old: Table, old_commit: str) -> bytes:
    """What `build_table` gives for `commit`, made from the table of `old_commit`. Raises GitError."""
    listing = run_git(["diff-tree", "-r", "-t", "-z", "--no-renames", old_commit, commit], cwd=common_dir)
    changed = [fields.split() for fields in listing.split(b"\0")[:-1:2]]
    if len(changed) * _WORTHWHILE > old.count:
        return build_table(common_dir, commit, mtime_ns)
    root = run_git(["rev-parse", f"{commit}^{{tree}}"], cwd=common_dir).strip()
    trees = _read_trees(common_dir, {root, *(new for _, mode, _, new, _ in changed if mode == b"040000")})
    rows = _Rows(old, trees)
    rows.add_root(bytes.fromhex(root.decode()))
    rows.fill_in_sizes(common_dir)
    return rows.packed(mtime_ns)


def _read_trees(common_dir: Path, oids: set[bytes]) -> dict[bytes, list[_Entry]]:
    """Entries of trees by their object names as 20 bytes."""
    wanted = b"".join(oid + b"\n" for oid in oids)
    answer, start = run_git(["cat-file", "--batch"], cwd=common_dir, stdin=wanted), 0
    found = {}
    while start < len(answer):
        end = answer.index(b"\n", start)
        oid, _, size = answer[start:end].split()
        start = end + 2 + int(size)
        found[bytes.fromhex(oid.decode())] = list(_entries(answer[end + 1 : start - 1]))
    return found


def _entries(tree: bytes) -> Iterator[_Entry]:
    start = 0
    while start < len(tree):
        end = tree.index(b"\0", start)
        mode, _, name = tree[start:end].partition(b" ")
        start = end + 21
        yield int(mode, 8), name, tree[end + 1 : start]


class _Rows:
    """The rows of a new table, added in their order; `trees` has every tree that `old` does not have at its path."""

    def __init__(self, old: Table, trees: dict[bytes, list[_Entry]]) -> None:
        self._old = old
        self._trees = trees
        self._size, self._parent, self._span = array("Q"), array("I"), array("I")
        self._mode, self._name_end = array("I"), array("I")
        self._oids, self._names = bytearray(), bytearray()
        self._unknown: list[int] = []
        """Rows of blobs whose sizes are still to be found out."""

    def add_root(self, tree: bytes) -> None:
        """Add all rows."""
        self._add_row((MODE_TREE, b"", tree), 0)
        self._add_content(tree, 0, 0)

    def _add_content(self, tree: bytes, row: int, old_row: int | None) -> None:
        """Add what is in a tree below the directory `row`; `old_row` is the directory it had the place of."""
        before = {} if old_row is None else {self._old.name(child): child for child in self._old.children(old_row)}
        run: list[int] = []
        for entry in self._trees[tree]:
            old = before.get(entry[1])
            is_same = old is not None and self._is_same(old, entry)
            if run and (not is_same or old != run[-1] + self._old.span[run[-1]]):
                self._copy(run, row)
                run = []
            if is_same and old is not None:
                run.append(old)
            else:
                self._add_changed(entry, row, old)
        if run:
            self._copy(run, row)
        self._span[row] = len(self._span) - row

    def _is_same(self, old: int, entry: _Entry) -> bool:
        return self._old.mode[old] == entry[0] and self._old.oid(old) == entry[2]

    def _add_changed(self, entry: _Entry, parent: int, old: int | None) -> None:
        row = self._add_row(entry, parent)
        if entry[0] == MODE_TREE:
            was_tree = old is not None and self._old.mode[old] == MODE_TREE
            self._add_content(entry[2], row, old if was_tree else None)
        elif entry[0] != MODE_GITLINK:
            self._unknown.append(row)

    def _add_row(self, entry: _Entry, parent: int) -> int:
        mode, name, oid = entry
        self._names += name
        self._oids += oid
        for column, value in (
            (self._size, 0), (self._parent, parent), (self._span, 1), (self._mode, mode),
            (self._name_end, len(self._names)),
        ):  # fmt: skip
            column.append(value)
        return len(self._size) - 1

    def _copy(self, run: list[int], parent: int) -> None:
        """Copy neighbouring old rows with all that is below them; they become children of the row `parent`."""
        old, first, here = self._old, run[0], len(self._size)
        end, shift = run[-1] + old.span[run[-1]], here - first
        self._size.frombytes(old.size[first:end].tobytes())
        self._span.frombytes(old.span[first:end].tobytes())
        self._mode.frombytes(old.mode[first:end].tobytes())
        self._parent.extend([(above + shift) & _ROW_MASK for above in old.parent[first:end]])
        for row in run:
            self._parent[row + shift] = parent
        names, ends = old.name_ends(first, end)
        self._name_end.extend([len(self._names) + stop for stop in ends])
        self._names += names
        self._oids += old.oids(first, end)
        if 1 in old.converted[first:end]:
            self._unknown += [row + shift for row in range(first, end) if old.converted[row]]

    def fill_in_sizes(self, common_dir: Path) -> None:
        """Find out the sizes of blobs that the old table does not tell."""
        wanted = b"".join(self._oids[20 * row : 20 * row + 20].hex().encode() + b"\n" for row in self._unknown)
        sizes = run_git(["cat-file", "--batch-check=%(objectsize)"], cwd=common_dir, stdin=wanted).split()
        for row, size in zip(self._unknown, sizes, strict=True):
            self._size[row] = int(size)

    def packed(self, mtime_ns: int) -> bytes:
        """The bytes of the table."""
        columns = (self._size, self._parent, self._span, self._mode, self._name_end)
        return pack_table(columns, bytes(self._oids), bytes(self._names), mtime_ns)
