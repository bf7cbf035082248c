"""The pre-filled Git index of a base, with the stat data the view reports: a fresh `git status` reads no blob."""

from __future__ import annotations

import hashlib
import os
import struct

from git_vibe.git.table import Table, recorded_mode, shown_size

_HEADER = struct.Struct(">4sLL")
_ENTRY = struct.Struct(">10L20sH")
_PADDING = [bytes(8 - used) for used in range(8)]
_NAME_MASK = 0xFFF
_SIZE_MASK = 0xFFFF_FFFF
_OID = 20
_STAT_DATA = 36
_SHOW_OTHER_HIDE_EMPTY = 6
"""The dir_flags of `git status`: DIR_SHOW_OTHER_DIRECTORIES and DIR_HIDE_EMPTY_DIRECTORIES."""


def build_index(table: Table, *, uid: int, gid: int, below: int = 0) -> bytes:
    """Bytes of an index (version 2) whose entries are clean against a view of `table`; see gitformat-index(5).

    `below` is the row of the submodule that it is for.
    """
    seconds, nanoseconds = divmod(table.mtime_ns, 1_000_000_000)
    when = (seconds, nanoseconds, seconds, nanoseconds, 0)
    parts, count, mode, pack = [b""], 0, table.mode, _ENTRY.pack
    for row, path in table.files(below):
        length, kind = len(path), recorded_mode(mode[row])
        size = shown_size(table, row) & _SIZE_MASK
        parts.append(pack(*when, (row + 1) & _SIZE_MASK, kind, uid, gid, size, table.oid(row), min(length, _NAME_MASK)))
        parts.append(path + _PADDING[(_ENTRY.size + length) % 8])
        count += 1
    parts[0] = _HEADER.pack(b"DIRC", 2, count)
    content = b"".join(parts)
    return content + hashlib.sha1(content).digest()


def with_untracked_cache(index: bytes, worktree: str) -> bytes:
    """The index, if whole, with an empty untracked cache for a work tree at the real path `worktree`.

    git fills it at the first `git status` and from then on looks only into directories that changed. An index that
    has one keeps it unless core.untrackedCache says no; see UNTR in gitformat-index(5). Raises ValueError for a damaged
    index.
    """
    environment = b"Location %s, system %s\0" % (os.fsencode(worktree), os.fsencode(os.uname().sysname))
    no_excludes = bytes(2 * _STAT_DATA) + _SHOW_OTHER_HIDE_EMPTY.to_bytes(4) + bytes(2 * _OID) + b".gitignore\0"
    extension = _varint(len(environment)) + environment + no_excludes + _varint(0)
    body, added = memoryview(index)[:-_OID], b"UNTR" + len(extension).to_bytes(4) + extension
    checksum = hashlib.sha1(body)
    if checksum.digest() != index[-_OID:]:
        raise ValueError("the checksum of the index is wrong")
    checksum.update(added)
    return b"".join((body, added, checksum.digest()))


def _varint(number: int) -> bytes:
    """git's offset encoding of a number, see varint.c in git."""
    encoded = bytes([number & 0x7F])
    while number := number >> 7:
        number -= 1
        encoded = bytes([0x80 | number & 0x7F]) + encoded
    return encoded
