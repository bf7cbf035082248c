"""Bytes of clean files: from the object database, from memory while a file is open, or from the shared spill files.

A blob up to `memory_limit` bytes is held in memory while it is open; the kernel keeps its pages, so it is asked for
once. A larger one is written once to a file that all workers share and is served by pread.
"""

from __future__ import annotations

import os

from git_vibe.git.objects import BlobReader
from git_vibe.store.blobs import BlobCache
from git_vibe.store.copy import copy_content


class BaseContent:
    """Content of base blobs by inode number and object name."""

    def __init__(self, blobs: BlobReader, cache: BlobCache, memory_limit: int) -> None:
        self.memory_limit = memory_limit
        self._blobs = blobs
        self._cache = cache
        self._held: dict[int, bytes] = {}
        self._spilled: dict[int, bytes] = {}
        self._descriptors: dict[bytes, int] = {}
        self._users: dict[bytes, set[int]] = {}

    def needs_spill(self, ino: int, oid: bytes) -> bool:
        """Whether `spill` and `use_spilled` must be called before the content of a large blob can be read."""
        if ino in self._spilled:
            return False
        if oid not in self._descriptors:
            return True
        self.use_spilled(ino, oid, self._descriptors[oid])
        return False

    def spill(self, oid: bytes) -> int:
        """Make the blob's spill file exist and open it. Slow; safe in a thread and in several processes at once."""
        return self._cache.fill(oid.hex(), lambda fd: self._blobs.stream_to(oid, fd))

    def use_spilled(self, ino: int, oid: bytes, fd: int) -> None:
        """Serve `ino` from the spill file `fd` from now on; `fd` is closed when no inode needs it any more."""
        if self._descriptors.setdefault(oid, fd) != fd:
            os.close(fd)
        self._spilled[ino] = oid
        self._users.setdefault(oid, set()).add(ino)

    def read(self, ino: int, oid: bytes, offset: int, length: int) -> bytes:
        """Up to `length` bytes from `offset`. Raises ObjectMissing."""
        if ino in self._spilled:
            return os.pread(self._descriptors[oid], length, offset)
        data = self._held.get(ino)
        if data is None:
            data = self._held[ino] = self._blobs.content(oid)
        if offset == 0 and length >= len(data):
            return data
        return data[offset : offset + length]

    def release(self, ino: int) -> None:
        """Let go of what was kept for an inode that is no longer open."""
        self._held.pop(ino, None)
        oid = self._spilled.pop(ino, None)
        if oid is None:
            return
        self._users[oid].discard(ino)
        if not self._users[oid]:
            del self._users[oid]
            os.close(self._descriptors.pop(oid))

    def copy_to(self, oid: bytes, size: int, path: bytes) -> None:
        """Write a whole blob to a new file at `path`; for a large one in a thread. Raises ObjectMissing or OSError."""
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with open(fd, "wb", buffering=0) as file:
            if size > self.memory_limit:
                self._copy_large(oid, fd)
                return
            data = memoryview(self._blobs.content(oid))
            while data:
                data = data[file.write(data) :]

    def _copy_large(self, oid: bytes, target: int) -> None:
        spilled = self._cache.find(oid.hex())
        if spilled is None:
            self._blobs.stream_to(oid, target)
            return
        try:
            copy_content(spilled, target)
        finally:
            os.close(spilled)

    def whole(self, oid: bytes) -> bytes:
        """All of a blob; meant for symbolic links. Raises ObjectMissing."""
        return self._blobs.content(oid)
