"""System calls that Python does not offer, through the C library. All raise OSError."""

from __future__ import annotations

import contextlib
import ctypes
import os
import struct
from collections.abc import Iterator
from pathlib import Path

AT_FDCWD = -100
AT_SYMLINK_NOFOLLOW = 0x100
AT_EACCESS = 0x200
AT_SYMLINK_FOLLOW = 0x400
AT_EMPTY_PATH = 0x1000
COARSE_CLOCK = 5
"""CLOCK_REALTIME_COARSE: the clock that file times are read from."""
UTIME_NOW = (1 << 30) - 1
UTIME_OMIT = (1 << 30) - 2
KEEP_SIZE, PUNCH_HOLE, COLLAPSE_RANGE, ZERO_RANGE = 1, 2, 8, 16
"""Modes of fallocate(2)."""
FICLONE = 0x4004_9409

_libc = ctypes.CDLL(None, use_errno=True)
_libc.opendir.restype = _libc.readdir.restype = ctypes.c_void_p
_libc.telldir.restype = ctypes.c_long


def _checked(result: int) -> int:
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return result


def utimensat(path: Path, atime: tuple[int, int], mtime: tuple[int, int]) -> None:
    """Set times, each (seconds, nanoseconds); UTIME_NOW and UTIME_OMIT are nanoseconds. Links are not followed."""
    times = struct.pack("=4q", *atime, *mtime)
    _checked(_libc.utimensat(AT_FDCWD, os.fsencode(path), times, AT_SYMLINK_NOFOLLOW))


def access(path: Path, mode: int, flags: int = 0) -> None:
    """faccessat(2) with flags such as AT_EACCESS."""
    _checked(_libc.faccessat(AT_FDCWD, os.fsencode(path), mode, flags))


def link_descriptor(fd: int, target: Path) -> None:
    """Give an open file one more name (linkat(2) with AT_EMPTY_PATH)."""
    _checked(_libc.linkat(fd, b"", AT_FDCWD, os.fsencode(target), AT_EMPTY_PATH))


def fallocate(fd: int, mode: int, offset: int, length: int) -> None:
    """fallocate(2) itself; posix_fallocate(3) would write zeros where it is not offered."""
    _checked(_libc.fallocate64(fd, mode, ctypes.c_int64(offset), ctypes.c_int64(length)))


class Stream:
    """A directory stream: readdir(3), telldir(3), seekdir(3), rewinddir(3)."""

    def __init__(self, pointer: int) -> None:
        self._pointer = ctypes.c_void_p(pointer)

    def next(self) -> tuple[bytes, int, int] | None:
        """Name, inode number and type of the next entry, or None at the end."""
        entry = _libc.readdir(self._pointer)
        if not entry:
            return None
        number, _, _, kind = struct.unpack("=QqHB", ctypes.string_at(entry, 19))
        return ctypes.string_at(entry + 19), number, kind

    def names(self) -> list[bytes]:
        """The names from here to the end."""
        return [entry[0] for entry in iter(self.next, None)]

    def tell(self) -> int:
        """Where this is, for `seek`."""
        return int(_libc.telldir(self._pointer))

    def seek(self, place: int) -> None:
        """Go back or on to a place that `tell` told."""
        _libc.seekdir(self._pointer, ctypes.c_long(place))

    def rewind(self) -> None:
        """Begin again, with what is there now."""
        _libc.rewinddir(self._pointer)

    def close(self) -> None:
        """End."""
        _libc.closedir(self._pointer)


@contextlib.contextmanager
def listing(path: Path) -> Iterator[Stream]:
    """A stream of a directory's entries."""
    pointer = _libc.opendir(os.fsencode(path))
    if not pointer:
        _checked(-1)
    stream = Stream(pointer)
    try:
        yield stream
    finally:
        stream.close()


@contextlib.contextmanager
def watching(path: Path, mask: int) -> Iterator[int]:
    """An inotify descriptor with one watch."""
    fd = _checked(_libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC))
    try:
        _checked(_libc.inotify_add_watch(fd, os.fsencode(path), mask))
        yield fd
    finally:
        os.close(fd)


def events(fd: int) -> list[tuple[int, bytes]]:
    """(mask, name) of the inotify events that have come."""
    found = []
    with contextlib.suppress(BlockingIOError):
        data = os.read(fd, 1 << 16)
        while data:
            _, mask, _, length = struct.unpack("=iIII", data[:16])
            found.append((mask, data[16 : 16 + length].rstrip(b"\0")))
            data = data[16 + length :]
    return found
