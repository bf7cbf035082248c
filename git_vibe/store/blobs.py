"""The cache of spilled blobs: one file for each large blob that was read lately, shared by all workers.

A file is filled under the name `.part-<name>`, which its filler holds locked, and renamed when it is complete and
durable: what has its final name is whole, also after a power cut. A filler that was killed leaves its part to the next
one. Whoever finds a file opens it at once: removing it later takes its name away, not its content.

The least recently used ones are removed when all together exceed the limit. One that is larger than the limit by
itself does not count against it, or it would push out everything else: one such file is kept, the one used last.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Callable
from pathlib import Path

from git_vibe.store.lock import is_at

_PART = ".part-"


class BlobCache:
    """The files in `directory`, together not larger than `limit` bytes but for one larger file."""

    def __init__(self, directory: Path, limit: int) -> None:
        self._directory = directory
        self._limit = limit

    def find(self, name: str) -> int | None:
        """A descriptor of a file that is there, which counts as used by this, or None."""
        try:
            fd = os.open(self._directory / name, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return None
        with contextlib.suppress(PermissionError):
            os.utime(fd)
        return fd

    def fill(self, name: str, write: Callable[[int], None]) -> int:
        """A descriptor of the file `name`, written by `write` unless another process does so at the same time."""
        while True:
            found = self.find(name)
            if found is not None:
                return found
            part = self._locked_part(name)
            if part is not None:
                return self._complete(name, part, write)

    def _locked_part(self, name: str) -> int | None:
        """The part to be filled, locked; None when somebody else completed it while this waited for the lock."""
        self._directory.mkdir(mode=0o755, parents=True, exist_ok=True)
        path = self._directory / f"{_PART}{name}"
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        fcntl.flock(fd, fcntl.LOCK_EX)
        if is_at(fd, path):
            if not (self._directory / name).exists():
                return fd
            path.unlink()
        os.close(fd)
        return None

    def _complete(self, name: str, part: int, write: Callable[[int], None]) -> int:
        path = self._directory / f"{_PART}{name}"
        try:
            os.ftruncate(part, 0)
            write(part)
            os.fdatasync(part)
            os.rename(path, self._directory / name)
            fcntl.flock(part, fcntl.LOCK_UN)
        except BaseException:
            path.unlink(missing_ok=True)
            os.close(part)
            raise
        self.evict(keep=name)
        return part

    def evict(self, *, keep: str = "") -> None:
        """Remove what was not used for the longest time, as far as the limit demands, but not `keep`."""
        files = sorted(self._files(), key=lambda file: (file[0] == keep, file[1]), reverse=True)
        for name, _, _ in [file for file in files if file[2] > self._limit][1:]:
            self._remove(name)
        left = self._limit
        for name, _, size in [file for file in files if file[2] <= self._limit]:
            left -= size
            if left < 0:
                self._remove(name)

    def _files(self) -> list[tuple[str, int, int]]:
        """Name, time of the last use and bytes on disk of every file."""
        found = []
        with contextlib.suppress(FileNotFoundError), os.scandir(self._directory) as entries:
            for entry in entries:
                with contextlib.suppress(FileNotFoundError):
                    status = entry.stat(follow_symlinks=False)
                    found.append((entry.name, status.st_mtime_ns, status.st_blocks * 512))
        return found

    def _remove(self, name: str) -> None:
        """Remove a file; a part only when nobody is filling it."""
        path = self._directory / name
        if not name.startswith(_PART):
            path.unlink(missing_ok=True)
            return
        with contextlib.suppress(OSError), open(path, "rb") as part:
            fcntl.flock(part, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if is_at(part.fileno(), path):
                path.unlink()
