"""Locks between processes, held by the kernel so that a killed holder frees them."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from git_vibe.errors import SessionBusy


@contextlib.contextmanager
def locked(path: Path, timeout: float = 30.0, what: str = "git-vibe") -> Iterator[None]:
    """Hold the lock file `path` for the block; wait at most `timeout` seconds.

    Raises SessionBusy, naming `what`, when another process keeps it longer.
    """
    from filelock import FileLock, Timeout  # imports asyncio: 30 ms that unlocked commands need not pay

    try:
        with FileLock(path, timeout=timeout):
            yield
    except Timeout:
        raise SessionBusy(
            f"{what} is busy: another git-vibe command has been working on it for {timeout:.0f} seconds",
            "try again when it has finished",
        ) from None
