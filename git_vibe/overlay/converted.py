"""Clean files whose checkout differs from their blob: written when the base was built, served by pread."""

from __future__ import annotations

import os

from git_vibe.errors import ObjectMissing
from git_vibe.store.copy import copy_file


class Converted:
    """The files below `directory`, each named by its row in the base table; open while their inode is in use."""

    def __init__(self, directory: bytes) -> None:
        self._directory = directory
        self._open: dict[int, int] = {}

    def read(self, ino: int, row: int, offset: int, length: int) -> bytes:
        """Up to `length` bytes from `offset`. Raises ObjectMissing."""
        fd = self._open.get(ino)
        if fd is None:
            fd = self._open[ino] = self._open_row(row)
        return os.pread(fd, length, offset)

    def release(self, ino: int) -> None:
        """Let go of the file of an inode that is no longer open."""
        fd = self._open.pop(ino, None)
        if fd is not None:
            os.close(fd)

    def copy_to(self, row: int, path: bytes) -> None:
        """Write a whole file to a new one at `path`. Raises ObjectMissing or OSError."""
        os.close(self._open_row(row))
        copy_file(self._path(row), path)

    def _path(self, row: int) -> bytes:
        return os.path.join(self._directory, b"%d" % row)

    def _open_row(self, row: int) -> int:
        path = self._path(row)
        try:
            return os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError as error:
            raise ObjectMissing(
                f"{os.fsdecode(os.path.realpath(path))} is missing",
                "get content of Git LFS with `git lfs fetch`, anything else back with `git vibe init --reindex`",
            ) from error
