"""Copying the content of a file as the kernel does it best: by sharing extents, else inside the kernel, holes kept."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
from collections.abc import Iterator

_FICLONE = 0x4004_9409
_CHUNK = 16 << 20
_NOT_OFFERED = (errno.EXDEV, errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOTTY, errno.EBADF)


def copy_content(source: int, target: int) -> None:
    """Make the empty file `target` hold what the regular file `source` holds. Raises OSError such as ENOSPC."""
    if _clone(source, target):
        return
    size = os.fstat(source).st_size
    for start, end in _extents(source, size):
        _copy_range(source, target, start, end)
    if os.fstat(target).st_size < size:
        os.ftruncate(target, size)


def copy_file(source: bytes, target: bytes) -> None:
    """Copy the content of a regular file to a new file at `target`. Raises OSError."""
    with _opened(source, os.O_RDONLY) as reading, _opened(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL) as writing:
        copy_content(reading, writing)


@contextlib.contextmanager
def _opened(path: bytes, flags: int) -> Iterator[int]:
    fd = os.open(path, flags | os.O_CLOEXEC, 0o600)
    try:
        yield fd
    finally:
        os.close(fd)


def _clone(source: int, target: int) -> bool:
    """Let both files share their extents, where the file system can."""
    try:
        fcntl.ioctl(target, _FICLONE, source)
    except OSError as error:
        if error.errno not in _NOT_OFFERED:
            raise
        return False
    return True


def _extents(fd: int, size: int) -> Iterator[tuple[int, int]]:
    """(start, end) of everything that is not a hole. A size of 0 may be a lie, as in /proc."""
    if size == 0:
        yield 0, 1 << 62
    end = 0
    while end < size:
        try:
            start = os.lseek(fd, end, os.SEEK_DATA)
            end = os.lseek(fd, start, os.SEEK_HOLE)
        except OSError as error:
            if error.errno == errno.ENXIO:
                return  # the rest is a hole
            start, end = end, size
        yield start, end


def _copy_range(source: int, target: int, start: int, end: int) -> None:
    """Copy bytes to the same offset; the source may have become shorter meanwhile."""
    copy = _copy_in_kernel
    while start < end:
        try:
            copied = copy(source, target, start, min(end - start, _CHUNK))
        except OSError as error:
            if copy is _copy_by_hand or error.errno not in _NOT_OFFERED:
                raise
            copied = 0
        if copied:
            start += copied
        elif copy is _copy_in_kernel:
            copy = _copy_by_hand  # which finds out whether this is the end
        else:
            return


def _copy_in_kernel(source: int, target: int, offset: int, length: int) -> int:
    return os.copy_file_range(source, target, length, offset, offset)


def _copy_by_hand(source: int, target: int, offset: int, length: int) -> int:
    data = memoryview(os.pread(source, min(length, 1 << 20), offset))
    copied = len(data)
    while data:
        written = os.pwrite(target, data, offset)
        data, offset = data[written:], offset + written
    return copied


def fallocate(fd: int, mode: int, offset: int, length: int) -> None:
    """fallocate(2), which Python knows only without its `mode`. Raises OSError."""
    import ctypes

    libc = ctypes.CDLL(None, use_errno=True)
    if libc.fallocate(fd, mode, ctypes.c_long(offset), ctypes.c_long(length)) != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
