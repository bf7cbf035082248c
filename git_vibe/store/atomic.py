"""Files and directories that appear whole or not at all: written aside, made durable, then renamed."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import cast

from git_vibe.store.faults import reached

_SYNC_FILE_RANGE_WRITE = 2


def temporary_name(beside: Path, prefix: str = ".tmp") -> Path:
    """A fresh path in the directory of `beside`, on the same file system."""
    return beside.with_name(f"{prefix}-{beside.name}-{os.urandom(6).hex()}")


def write_atomically(path: Path, data: bytes, mode: int = 0o644, *, durable: bool = True) -> None:
    """Replace `path` by a file with content `data`; after a crash it holds the old content or the new.

    Where it need not be `durable` that holds for crashes of programs only, and nothing waits for the disk.
    """
    temporary = temporary_name(path)
    try:
        fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
        with open(fd, "wb") as file:
            file.write(data)
            file.flush()
            if durable:
                os.fsync(fd)
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def begin_writeback(path: bytes) -> None:
    """Have the kernel begin to write a file's bytes to disk, without waiting; where it cannot, nothing happens.

    A journal that orders data before metadata then does not commit a later rename of the file before its bytes.
    """
    with contextlib.suppress(OSError):
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        _sync_file_range()(fd, 0, 0, _SYNC_FILE_RANGE_WRITE)
        os.close(fd)


@lru_cache(maxsize=1)
def _sync_file_range() -> Callable[[int, int, int, int], int]:
    import ctypes

    function = ctypes.CDLL(None).sync_file_range
    function.argtypes = [ctypes.c_int, ctypes.c_int64, ctypes.c_int64, ctypes.c_uint]
    return cast("Callable[[int, int, int, int], int]", function)


def begin_writeback_below(directory: Path) -> None:
    """`begin_writeback` for every file in a directory that is about to be renamed to its place."""
    for path in directory.iterdir():
        if not path.is_dir():
            begin_writeback(os.fsencode(path))


@contextlib.contextmanager
def create_dir_atomically(path: Path) -> Iterator[Path]:
    """Yield a new directory beside `path` and rename it to `path` at the end; on an error it is removed.

    Until then `is_held` is true of it. Raises FileExistsError when `path` is a non-empty directory by then.
    """
    temporary = temporary_name(path, ".new")
    temporary.mkdir(parents=True)
    with _held(temporary):
        yield from _renamed_at_the_end(temporary, path)


def _renamed_at_the_end(temporary: Path, path: Path) -> Iterator[Path]:
    try:
        yield temporary
        begin_writeback_below(temporary)
        try:
            os.rename(temporary, path)
        except OSError as error:
            if path.exists():
                raise FileExistsError(error.errno, os.strerror(error.errno or 0), str(path)) from error
            raise
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise


@contextlib.contextmanager
def _held(directory: Path) -> Iterator[None]:
    """Hold a lock on a directory that the kernel takes away from a killed process."""
    fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        with contextlib.suppress(OSError):  # NFS has no such locks on directories
            fcntl.flock(fd, fcntl.LOCK_EX)
        yield
    finally:
        os.close(fd)


def is_held(directory: Path) -> bool:
    """Whether a process is filling a directory that `create_dir_atomically` yielded."""
    try:
        fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(fd)
    return False


def remove_dir_atomically(path: Path) -> None:
    """Remove a directory so that it is there whole or not at all; a missing one is fine."""
    doomed = temporary_name(path, ".old")
    try:
        os.rename(path, doomed)
    except FileNotFoundError:
        return
    reached("removal.renamed")
    remove_tree(doomed)


def remove_tree(path: Path) -> None:
    """Remove a directory tree even where its directories are not writable by their owner."""

    def make_writable_and_retry(function: object, name: str, error: BaseException) -> None:
        if isinstance(error, FileNotFoundError):
            return
        parent = os.path.dirname(name)
        os.chmod(parent, 0o700)
        if os.path.isdir(name) and not os.path.islink(name):
            os.chmod(name, 0o700)
            shutil.rmtree(name)
        else:
            os.unlink(name)

    shutil.rmtree(path, onerror=lambda function, name, info: make_writable_and_retry(function, name, info[1]))
