"""The base table: every path of one commit in one file that all workers map into memory.

Rows are the entries of `git ls-tree -r -t` in its own order (a directory before its content, siblings sorted as Git
sorts trees); row 0 is the root. So a directory's content is the contiguous run of rows behind it, a row never moves
while the commit is the base, and `row + 1` serves as the inode number.

Behind these rows come those of submodules whose content is shown: a root with an empty name, whose parent is the
gitlink, and its rows in the same order. What is directly below that root has the gitlink for a parent, too.

The file is a cache in the byte order of the machine: a header, then one array per column, then all names.

    magic     8 bytes, also tells byte order and version
    count     u64, number of rows
    mtime     u64, nanoseconds, the time every clean file reports
    size      u64[count]   bytes of a file as the view shows it; of a gitlink its root, or 0; else 0
    parent    u32[count]   row of the directory
    span      u32[count]   rows of the subtree including itself
    mode      u32[count]   Git's mode, or MODE_LINK_AS_FILE
    name_end  u32[count]   where the name ends in the names; it starts where the one before ends
    oid       20 bytes each
    converted u8[count]    1 where the view shows other bytes than the blob has
    names     as many bytes as the last name_end says
    checksum  u32, CRC-32 of all before; only looked at by `is_sound`, because opening must not read everything
"""

from __future__ import annotations

import mmap
import stat
import struct
import zlib
from array import array
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from git_vibe.git.command import run_git
from git_vibe.git.modes import MODE_FILE, MODE_GITLINK, MODE_SYMLINK, MODE_TREE

MODE_LINK_AS_FILE = MODE_FILE | 1 << 16
"""A symbolic link where core.symlinks says that there are none: a plain file with the target as its content."""
_TYPE_AND_PERMISSIONS = 0o177777

_HEADER = struct.Struct("=8sQQ")
_CHECKSUM = struct.Struct("=I")
_ROW_BYTES = 45
_MAGIC = struct.pack("=Q", 0x0002_7461_626C_6576)


class Row(NamedTuple):
    """One entry of a tree: name as bytes, Git's mode, object name as 20 bytes, size in bytes."""

    name: bytes
    mode: int
    oid: bytes
    size: int


class Table:
    """A base table in memory. Columns are indexed by row number."""

    def __init__(self, data: memoryview) -> None:
        """Raises ValueError for data of another version or that is cut short."""
        if len(data) < _HEADER.size or data[:8] != _MAGIC:
            raise ValueError("not a base table of this version")
        _, count, self.mtime_ns = _HEADER.unpack_from(data)
        if not 0 < count <= (len(data) - _HEADER.size) // _ROW_BYTES:
            raise ValueError("a base table that is cut short")
        self.count: int = count
        self._data = data
        offset = _HEADER.size
        self.size = data[offset : offset + 8 * count].cast("Q")
        offset += 8 * count
        columns = [data[offset + 4 * count * i : offset + 4 * count * (i + 1)].cast("I") for i in range(4)]
        self.parent, self.span, self.mode, self._name_end = columns
        self._oids = offset + 16 * count
        self.converted = data[self._oids + 20 * count : self._oids + 21 * count]
        self._names = self._oids + 21 * count
        if len(data) < self._names + self._name_end[-1]:
            raise ValueError("a base table that is cut short")

    @classmethod
    def open(cls, path: Path) -> Table:
        """Map the table at `path`. Raises FileNotFoundError or ValueError."""
        with open(path, "rb") as file:
            return cls(memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)))

    def name(self, row: int) -> bytes:
        """Last component of the row's path; empty for the root."""
        start = self._name_end[row - 1] if row else 0
        return bytes(self._data[self._names + start : self._names + self._name_end[row]])

    def oid(self, row: int) -> bytes:
        """Object name as 20 bytes."""
        start = self._oids + 20 * row
        return bytes(self._data[start : start + 20])

    def oids(self, start: int, end: int) -> bytes:
        """Object names of consecutive rows."""
        return bytes(self._data[self._oids + 20 * start : self._oids + 20 * end])

    def name_ends(self, start: int, end: int) -> tuple[bytes, list[int]]:
        """Names of consecutive rows, without anything between them, and where each ends in these bytes."""
        first = self._name_end[start - 1] if start else 0
        ends = [stop - first for stop in self._name_end[start:end]]
        return bytes(self._data[self._names + first : self._names + first + (ends[-1] if ends else 0)]), ends

    def children(self, row: int) -> Iterator[int]:
        """Rows directly below a directory row, in tree order."""
        row = self._top(row)
        child, end, span = row + 1, row + self.span[row], self.span
        while child < end:
            yield child
            child += span[child]

    def _top(self, row: int) -> int:
        """The row whose content is shown below a directory row."""
        return self.size[row] if self.is_submodule(row) else row

    def is_submodule(self, row: int) -> bool:
        """Whether a row is a gitlink that has content."""
        return self.mode[row] == MODE_GITLINK and self.size[row] != 0

    def tree(self, row: int) -> bytes | None:
        """Object name of the tree below a directory row; None for a gitlink that is shown empty."""
        top = self._top(row)
        return self.oid(top) if self.mode[top] == MODE_TREE else None

    def gitlinks(self) -> dict[bytes, int]:
        """Rows of the submodules by path, without those of submodules."""
        if MODE_GITLINK not in self.mode:
            return {}
        return {path: row for row, path in self.files() if self.mode[row] == MODE_GITLINK}

    def row_at(self, path: bytes) -> int | None:
        """Row of a path from the root, or None."""
        row: int | None = 0
        for name in path.split(b"/"):
            row = self.find(row, name) if row is not None else None
        return row

    def find(self, row: int, name: bytes) -> int | None:
        """Row of `name` directly below the directory `row`, or None."""
        for child in self.children(row):
            if self.name(child) == name:
                return child
        return None

    def path(self, row: int) -> bytes:
        """Path of a row from the root, without a leading slash."""
        names: list[bytes] = []
        while row:
            names.append(self.name(row))
            row = self.parent[row]
        return b"/".join(reversed(names))

    def mentions(self, name: bytes) -> bool:
        """Whether an entry may have this name; False is certain. As fast as a search in all names."""
        return name in bytes(self._data[self._names :])

    def find_tree(self, oid: bytes) -> int | None:
        """A directory row whose tree is `oid`, or None."""
        for row in range(self.count):
            if self.mode[row] == MODE_TREE and self.oid(row) == oid:
                return row
        return None

    def files(self, below: int = 0) -> Iterator[tuple[int, bytes]]:
        """Row and path of everything below a root or a submodule that is not a directory, in index order."""
        top = self._top(below)
        end = top + self.span[top]
        trail: list[tuple[int, bytes]] = [(end, b"")]
        for row in range(top + 1, end):
            while row >= trail[-1][0]:
                trail.pop()
            path = trail[-1][1] + self.name(row)
            if self.mode[row] == MODE_TREE:
                trail.append((row + self.span[row], path + b"/"))
            else:
                yield row, path


def build_table(common_dir: Path, treeish: str, mtime_ns: int) -> bytes:
    """The bytes of a table for `treeish`. Raises GitError when objects are missing."""
    listing = run_git(["ls-tree", "-r", "-t", "-l", "-z", "--full-tree", treeish], cwd=common_dir)
    root = run_git(["rev-parse", f"{treeish}^{{tree}}"], cwd=common_dir).strip()
    size, parent, mode, name_end = array("Q", [0]), array("I", [0]), array("I", [MODE_TREE]), array("I", [0])
    oids, names, length = [root], [b""], 0
    directories: dict[bytes, int] = {b"": 0}
    for row, line in enumerate(listing.split(b"\0")[:-1], 1):
        meta, _, path = line.partition(b"\t")
        mode_text, _, oid, size_text = meta.split()
        folder, _, name = path.rpartition(b"/")
        length += len(name)
        size.append(0 if size_text == b"-" else int(size_text))
        parent.append(directories[folder])
        mode.append(int(mode_text, 8))
        name_end.append(length)
        oids.append(oid)
        names.append(name)
        if mode[-1] == MODE_TREE:
            directories[path] = row
    oid_bytes = bytes.fromhex(b"".join(oids).decode())
    return pack_table((size, parent, _spans(parent), mode, name_end), oid_bytes, b"".join(names), mtime_ns)


def pack_table(columns: Sequence[array[int]], oids: bytes, names: bytes, mtime_ns: int) -> bytes:
    """The bytes of a table with the columns size, parent, span, mode and name_end; no row is marked as converted."""
    count = len(columns[0])
    header = _HEADER.pack(_MAGIC, count, mtime_ns)
    return header + b"".join(column.tobytes() for column in columns) + oids + bytes(count) + names


def with_converted(data: bytes, sizes: Mapping[int, int]) -> bytes:
    """The table with these rows marked as converted, with the sizes they have then."""
    changed = bytearray(data)
    table = Table(memoryview(changed))
    for row, size in sizes.items():
        table.size[row] = size
        table.converted[row] = 1
    return bytes(changed)


def with_submodules(data: bytes, contents: Mapping[int, Table]) -> bytes:
    """The table with the content of other tables below gitlinks, given by their rows; other gitlinks are empty."""
    table = Table(memoryview(data))
    columns = (array("Q", table.size), array("I", table.parent), array("I", table.span), array("I", table.mode))
    (names, ends), oids = table.name_ends(0, table.count), table.oids(0, table.count)
    for row in table.gitlinks().values():
        columns[0][row] = 0
    for row, content in sorted(contents.items()):
        _append(columns, row, content)
        added, stops = content.name_ends(0, content.count)
        ends.extend(stop + len(names) for stop in stops)
        names, oids = names + added, oids + content.oids(0, content.count)
    return pack_table((*columns, array("I", ends)), oids, names, table.mtime_ns)


def _append(columns: tuple[array[int], ...], row: int, content: Table) -> None:
    """Append the rows of a table, whose numbers start behind the last one then, below the gitlink `row`."""
    size, parent, span, mode = columns
    start = size[row] = len(size)
    for here in range(content.count):
        size.append(content.size[here] + (start if content.is_submodule(here) else 0))
        parent.append(content.parent[here] + start if content.parent[here] else row)
    span.extend(content.span)
    mode.extend(content.mode)


def with_links_as_files(data: bytes) -> bytes:
    """The table with symbolic links shown as a checkout writes them without core.symlinks."""
    changed = bytearray(data)
    table = Table(memoryview(changed))
    for row in range(table.count):
        if table.mode[row] == MODE_SYMLINK:
            table.mode[row] = MODE_LINK_AS_FILE
    return bytes(changed)


def recorded_mode(mode: int) -> int:
    """The mode git records for a row of this mode."""
    return MODE_SYMLINK if mode == MODE_LINK_AS_FILE else mode


def with_checksum(data: bytes) -> bytes:
    """The table as it is stored."""
    return data + _CHECKSUM.pack(zlib.crc32(data))


def is_sound(path: Path) -> bool:
    """Whether the table at `path` is there and as it was written. Reads all of it."""
    try:
        data = path.read_bytes()
        Table(memoryview(data))
    except (OSError, ValueError):
        return False
    return data[-_CHECKSUM.size :] == _CHECKSUM.pack(zlib.crc32(memoryview(data)[: -_CHECKSUM.size]))


def _spans(parent: array[int]) -> array[int]:
    """Rows of each subtree, summed up from the last row to the first."""
    span = array("I", [1]) * len(parent)
    for row in range(len(parent) - 1, 0, -1):
        span[parent[row]] += span[row]
    return span


def shown_size(table: Table, row: int) -> int:
    """Size in bytes that the view reports for a row; a gitlink is an empty directory."""
    return 0 if table.mode[row] == MODE_GITLINK else table.size[row]


def shown_mode(git_mode: int) -> int:
    """File type and permissions a checkout gives an entry of Git's mode `git_mode` (umask 022)."""
    if git_mode == MODE_SYMLINK:
        return stat.S_IFLNK | 0o777
    if stat.S_ISREG(git_mode):
        return git_mode & _TYPE_AND_PERMISSIONS
    return stat.S_IFDIR | 0o755
