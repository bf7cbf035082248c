"""The FUSE protocol as bytes: the messages of `/dev/fuse` that a session takes part in.

Names, numbers and layouts are those of `include/uapi/linux/fuse.h`, version 7.38; everything is in the byte order of
the machine. A request is a header, a structure of its own and, for some, names that end with a zero byte.
"""

from __future__ import annotations

import errno
import logging
import os
from struct import Struct
from typing import NamedTuple

from git_vibe.types import Attrs

log = logging.getLogger(__name__)

MAJOR, OLDEST_MINOR, NEWEST_MINOR = 7, 31, 38
"""The versions of the protocol that are spoken: Linux 5.4 knows the oldest."""

LOOKUP, FORGET, GETATTR, SETATTR, READLINK, SYMLINK = 1, 2, 3, 4, 5, 6
MKNOD, MKDIR, UNLINK, RMDIR, RENAME, LINK = 8, 9, 10, 11, 12, 13
OPEN, READ, WRITE, STATFS, RELEASE, FSYNC = 14, 15, 16, 17, 18, 20
SETXATTR, GETXATTR, LISTXATTR, REMOVEXATTR, FLUSH, INIT = 21, 22, 23, 24, 25, 26
OPENDIR, READDIR, RELEASEDIR, FSYNCDIR, INTERRUPT = 27, 28, 29, 30, 36
DESTROY, BATCH_FORGET, FALLOCATE, READDIRPLUS, RENAME2 = 38, 42, 43, 44, 45
LSEEK, COPY_FILE_RANGE, TMPFILE = 46, 47, 51

NOTIFY_INVAL_INODE, NOTIFY_INVAL_ENTRY = 2, 3

ASYNC_READ, BIG_WRITES, DO_READDIRPLUS, ASYNC_DIO = 1 << 0, 1 << 5, 1 << 13, 1 << 15
PARALLEL_DIROPS, MAX_PAGES, CACHE_SYMLINKS, HANDLE_KILLPRIV_V2 = 1 << 18, 1 << 22, 1 << 23, 1 << 28

FATTR_MODE, FATTR_UID, FATTR_GID, FATTR_SIZE = 1 << 0, 1 << 1, 1 << 2, 1 << 3
FATTR_ATIME, FATTR_MTIME, FATTR_KILL_SUIDGID = 1 << 4, 1 << 5, 1 << 11
WRITE_KILL_SUIDGID = 1 << 2
FSYNC_DATA_ONLY = 1 << 0

NAME_MAX = 255
PAGE = 4096
MAX_WRITE = 1 << 20
MESSAGE_MAX = MAX_WRITE + PAGE

IN_HEADER = Struct("=IIQQIIIHxx")
OUT_HEADER = Struct("=IiQ")
INIT_IN = Struct("=IIII")
INIT_OUT = Struct("=IIIIHHIIHH32x")
SETATTR_IN = Struct("=I4x8xQ8xqqqIIII4xII4x")
MKNOD_IN = Struct("=II8x")
MKDIR_IN = Struct("=II")
CREATE_IN = Struct("=IIII")
RENAME_IN = Struct("=Q")
RENAME2_IN = Struct("=QI4x")
LINK_IN = Struct("=Q")
READ_IN = Struct("=8xQI20x")
WRITE_IN = Struct("=8xQII16x")
FSYNC_IN = Struct("=8xI4x")
SETXATTR_IN = Struct("=II")
GETXATTR_IN = Struct("=I4x")
FORGET_IN = Struct("=Q")
BATCH_FORGET_IN = Struct("=I4x")
FORGET_ONE = Struct("=QQ")
FALLOCATE_IN = Struct("=8xQQI4x")
LSEEK_IN = Struct("=8xQI4x")
COPY_FILE_RANGE_IN = Struct("=8xQQ8xQQ8x")

_ATTR = "QQQqqqIIIIIIIIII"
_ENTRY_OUT = Struct("=QQQQII" + _ATTR)
_ATTR_OUT = Struct("=QI4x" + _ATTR)
_DIRENT = Struct("=QQII")
KEEP_CACHE = 1 << 1
OPEN_OUT = Struct("=QI4x")
WRITE_OUT = Struct("=I4x")
GETXATTR_OUT = Struct("=I4x")
LSEEK_OUT = Struct("=Q")
STATFS_OUT = Struct("=QQQQQIII28x")
_INVAL_INODE_OUT = Struct("=Qqq")
_INVAL_ENTRY_OUT = Struct("=QI4x")

_NANOSECONDS = 10**9
_BLOCK_SIZE = 4096
_PADDING = [bytes(-used % 8) for used in range(8)]

Timeout = tuple[int, int]
"""How long the kernel may keep what it is told: seconds and nanoseconds."""
FOREVER: Timeout = (_NANOSECONDS, 0)


class Request(NamedTuple):
    """The header of a request. `ino` is the inode that it is about, `uid` and `gid` are those of the process."""

    length: int
    opcode: int
    unique: int
    ino: int
    uid: int
    gid: int
    pid: int
    extensions: int


class SetAttributes(NamedTuple):
    """What SETATTR asks for; `valid` has a FATTR bit for each field that counts. Seconds and nanoseconds of times."""

    valid: int
    size: int
    atime: int
    mtime: int
    ctime: int
    atime_rest: int
    mtime_rest: int
    ctime_rest: int
    mode: int
    uid: int
    gid: int

    @property
    def atime_ns(self) -> int:
        """Access time in nanoseconds since the epoch."""
        return self.atime * _NANOSECONDS + self.atime_rest

    @property
    def mtime_ns(self) -> int:
        """Modification time in nanoseconds since the epoch."""
        return self.mtime * _NANOSECONDS + self.mtime_rest


def names(body: memoryview) -> list[bytes]:
    """The names at the end of a request."""
    return body.tobytes().split(b"\0")[:-1]


def pack_attributes(attrs: Attrs, valid: Timeout) -> bytes:
    """A `fuse_attr_out`."""
    return _ATTR_OUT.pack(*valid, *_fields(attrs))


def pack_entry(attrs: Attrs, entry_valid: Timeout, attr_valid: Timeout) -> bytes:
    """A `fuse_entry_out`: what a name leads to."""
    return _ENTRY_OUT.pack(
        attrs.ino, attrs.generation, entry_valid[0], attr_valid[0], entry_valid[1], attr_valid[1], *_fields(attrs)
    )


def pack_absent(valid: Timeout) -> bytes:
    """A `fuse_entry_out` for a name that leads nowhere, which the kernel may remember as well."""
    return _ENTRY_OUT.pack(0, 0, valid[0], 0, valid[1], 0, *[0] * 16)


def _fields(attrs: Attrs) -> tuple[int, ...]:
    atime, atime_rest = divmod(attrs.atime_ns, _NANOSECONDS)
    mtime, mtime_rest = divmod(attrs.mtime_ns, _NANOSECONDS)
    ctime, ctime_rest = divmod(attrs.ctime_ns, _NANOSECONDS)
    return (
        attrs.ino, attrs.size, attrs.blocks, atime, mtime, ctime, atime_rest, mtime_rest, ctime_rest,
        attrs.mode, attrs.nlink, attrs.uid, attrs.gid, attrs.rdev & 0xFFFF_FFFF, _BLOCK_SIZE, 0,
    )  # fmt: skip


def pack_dirent(ino: int, mode: int, name: bytes, position: int) -> bytes:
    """A `fuse_dirent`; `position` is where a listing goes on behind it."""
    return _DIRENT.pack(ino, position, len(name), mode >> 12 & 0xF) + name + _PADDING[len(name) % 8]


NO_ENTRY = bytes(_ENTRY_OUT.size)
"""In front of a dirent of READDIRPLUS: nothing is said about what the name leads to."""


def pack_statfs(found: os.statvfs_result) -> bytes:
    """A `fuse_statfs_out`."""
    return STATFS_OUT.pack(
        found.f_blocks,
        found.f_bfree,
        found.f_bavail,
        found.f_files,
        found.f_ffree,
        found.f_bsize,
        NAME_MAX,
        found.f_frsize,
    )


def pack_inval_inode(ino: int) -> bytes:
    """The body of NOTIFY_INVAL_INODE for the attributes and everything that is cached of the content."""
    return _INVAL_INODE_OUT.pack(ino, 0, 0)


def pack_inval_entry(parent: int, name: bytes) -> bytes:
    """The body of NOTIFY_INVAL_ENTRY."""
    return _INVAL_ENTRY_OUT.pack(parent, len(name)) + name + b"\0"


def pack_notification(code: int, body: bytes) -> bytes:
    """A message that answers no request."""
    return OUT_HEADER.pack(OUT_HEADER.size + len(body), code, 0) + body


def answer_init(body: memoryview, wanted: int) -> bytes:
    """The answer to INIT, asking for those of the `wanted` features that the kernel offers. Raises EPROTO."""
    major, minor, readahead, offered = INIT_IN.unpack_from(body)
    if major != MAJOR or minor < OLDEST_MINOR:
        raise OSError(errno.EPROTO, f"the kernel speaks FUSE {major}.{minor}; {MAJOR}.{OLDEST_MINOR} is needed")
    spoken, used = min(minor, NEWEST_MINOR), offered & wanted
    log.debug("the kernel speaks FUSE %d.%d and offers %#x; used are 7.%d and %#x", major, minor, offered, spoken, used)
    return INIT_OUT.pack(MAJOR, spoken, readahead, used, _BACKGROUND, _CONGESTED, MAX_WRITE, 1, MAX_WRITE // PAGE, 0)


_BACKGROUND, _CONGESTED = 64, 48
"""How many reads ahead may wait, and when the kernel calls that much."""
