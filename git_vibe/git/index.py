"""The pre-filled Git index of a base, with the stat data the view reports: a fresh `git status` reads no blob."""

from __future__ import annotations

import hashlib
import io
import os

from git_vibe.git.table import Table, shown_size

_SIZE_MASK = 0xFFFF_FFFF
_OID = 20
_STAT_DATA = 36
_SHOW_OTHER_HIDE_EMPTY = 6
"""The dir_flags of `git status`: DIR_SHOW_OTHER_DIRECTORIES and DIR_HIDE_EMPTY_DIRECTORIES."""


def build_index(table: Table, *, uid: int, gid: int) -> bytes:
    """Bytes of an index (version 2, written by dulwich) whose entries are clean against a view of `table`."""
    from dulwich.index import SerializedIndexEntry, write_index
    from dulwich.objects import ObjectID
    from dulwich.pack import SHA1Writer

    when = divmod(table.mtime_ns, 1_000_000_000)
    entries = [
        SerializedIndexEntry(
            name=path, ctime=when, mtime=when, dev=0, ino=(row + 1) & _SIZE_MASK, mode=table.mode[row],
            uid=uid, gid=gid, size=shown_size(table, row) & _SIZE_MASK,
            sha=ObjectID(table.oid(row).hex().encode()), flags=0, extended_flags=0,
        )
        for row, path in table.files()
    ]  # fmt: skip
    buffer = io.BytesIO()
    writer = SHA1Writer(buffer)
    write_index(writer, entries)
    writer.write_sha()
    return buffer.getvalue()


def with_untracked_cache(index: bytes, worktree: str) -> bytes:
    """The index with an empty untracked cache for a work tree at the real path `worktree`.

    git fills it at the first `git status` and from then on looks only into directories that changed. An index that
    has one keeps it unless core.untrackedCache says no; see UNTR in gitformat-index(5).
    """
    environment = b"Location %s, system %s\0" % (os.fsencode(worktree), os.fsencode(os.uname().sysname))
    no_excludes = bytes(2 * _STAT_DATA) + _SHOW_OTHER_HIDE_EMPTY.to_bytes(4) + bytes(2 * _OID) + b".gitignore\0"
    extension = _varint(len(environment)) + environment + no_excludes + _varint(0)
    content = index[:-_OID] + b"UNTR" + len(extension).to_bytes(4) + extension
    return content + hashlib.sha1(content).digest()


def _varint(number: int) -> bytes:
    """git's offset encoding of a number, see varint.c in git."""
    encoded = bytes([number & 0x7F])
    while number := number >> 7:
        number -= 1
        encoded = bytes([0x80 | number & 0x7F]) + encoded
    return encoded
