"""Clean files whose checkout differs from their blob: written when the base was built, served by pread."""

from __future__ import annotations

import os
from collections.abc import Sequence

from git_vibe.errors import ObjectMissing
from git_vibe.overlay.descriptors import Descriptors
from git_vibe.store.copy import copy_file


class Converted:
    """The files below `directory`, each named by its row in the base table.

    `sizes` has what the table says about the size of each row: a file of another size is damaged.
    """

    def __init__(self, directory: bytes, sizes: Sequence[int]) -> None:
        self._directory = directory
        self._sizes = sizes
        self._open: Descriptors[int] = Descriptors()

    def read(self, row: int, offset: int, length: int) -> bytes:
        """Up to `length` bytes from `offset`. Raises ObjectMissing."""
        fd = self._open.get(row)
        if fd is None:
            fd = self._open.keep(row, self._open_row(row))
        return os.pread(fd, length, offset)

    def copy_to(self, row: int, path: bytes) -> None:
        """Write a whole file to a new one at `path`. Raises ObjectMissing or OSError."""
        os.close(self._open_row(row))
        copy_file(self._path(row), path)

    def _path(self, row: int) -> bytes:
        return os.path.join(self._directory, b"%d" % row)

    def _open_row(self, row: int) -> int:
        path = self._path(row)
        try:
            fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError as error:
            raise _damaged(path, "is missing") from error
        size = os.fstat(fd).st_size
        if size != self._sizes[row]:
            os.close(fd)
            raise _damaged(path, f"has {size} bytes instead of {self._sizes[row]}")
        return fd


def _damaged(path: bytes, how: str) -> ObjectMissing:
    return ObjectMissing(
        f"{os.fsdecode(os.path.realpath(path))} {how}",
        "get content of Git LFS with `git lfs fetch`, anything else back with `git vibe doctor --repair`",
    )
