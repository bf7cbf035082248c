"""Locks between processes."""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from collections.abc import Iterator
from pathlib import Path

from git_vibe.errors import SessionBusy

TIMEOUT = 30.0
_PAUSE = 0.01


@contextlib.contextmanager
def locked(path: Path, timeout: float = TIMEOUT, what: str = "git-vibe") -> Iterator[None]:
    """Hold the lock file `path` for the block; wait at most `timeout` seconds.

    Raises SessionBusy, naming `what`, when another process keeps it longer.
    """
    from filelock import FileLock, Timeout  # imports asyncio: 30 ms that unlocked commands need not pay

    try:
        with FileLock(path, timeout=timeout):
            yield
    except Timeout:
        raise _busy(what, timeout) from None


@contextlib.contextmanager
def locked_inside(path: Path, timeout: float = TIMEOUT, what: str = "git-vibe") -> Iterator[None]:
    """Like `locked`, for a lock file in the very directory that it guards and that may be removed meanwhile.

    filelock would make the directory anew, and a session that was closed would be back, empty. Raises
    FileNotFoundError when the directory is not there, or no more.
    """
    deadline = time.monotonic() + timeout
    while True:
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            if not _acquire(fd, deadline):
                raise _busy(what, timeout)
            if is_at(fd, path):
                yield
                return
        finally:
            os.close(fd)


def _acquire(fd: int, deadline: float) -> bool:
    """Whether the lock could be had in time."""
    while True:
        with contextlib.suppress(BlockingIOError):
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        if time.monotonic() >= deadline:
            return False
        time.sleep(_PAUSE)


def is_at(fd: int, path: Path) -> bool:
    """Whether an open file still is the one that others find: it may have been removed while we waited."""
    with contextlib.suppress(FileNotFoundError):
        return os.path.samestat(os.fstat(fd), os.stat(path))
    return False


def _busy(what: str, timeout: float) -> SessionBusy:
    return SessionBusy(
        f"{what} is busy: another git-vibe command has been working on it for {timeout:.0f} seconds",
        "try again when it has finished",
    )
