"""Bytes of clean files: from the object database, from memory while a file is open, or from the shared spill files.

A blob up to `stream_threshold` bytes is held in memory while it is open; the kernel keeps its pages, so it is asked
for once. A larger one is written once to a file that all workers share and is served by pread.
"""

from __future__ import annotations

import os
from pathlib import Path

from git_vibe.git.objects import BlobReader
from git_vibe.store.atomic import temporary_name


class BaseContent:
    """Content of base blobs by inode number and object name."""

    def __init__(self, blobs: BlobReader, cache: Path, stream_threshold: int) -> None:
        self._blobs = blobs
        self._cache = cache
        self._threshold = stream_threshold
        self._held: dict[int, bytes] = {}
        self._spilled: dict[int, int] = {}

    def needs_spill(self, ino: int, size: int) -> bool:
        """Whether `spill` must be called before the content can be read."""
        return size > self._threshold and ino not in self._spilled

    def spill(self, oid: bytes) -> Path:
        """Make the blob's spill file exist and return it. Slow; safe in a thread and in several processes at once."""
        path = self._cache / oid.hex()
        if not path.exists():
            self._cache.mkdir(mode=0o755, parents=True, exist_ok=True)
            temporary = temporary_name(path)
            try:
                self._blobs.stream_to(oid, temporary)
                os.replace(temporary, path)
            except BaseException:
                temporary.unlink(missing_ok=True)
                raise
        return path

    def use_spilled(self, ino: int, path: Path) -> None:
        """Serve `ino` from a spill file from now on."""
        if ino not in self._spilled:
            self._spilled[ino] = os.open(path, os.O_RDONLY | os.O_CLOEXEC)

    def read(self, ino: int, oid: bytes, offset: int, length: int) -> bytes:
        """Up to `length` bytes from `offset`. Raises ObjectMissing."""
        if ino in self._spilled:
            return os.pread(self._spilled[ino], length, offset)
        data = self._held.get(ino)
        if data is None:
            data = self._held[ino] = self._blobs.content(oid)
        if offset == 0 and length >= len(data):
            return data
        return data[offset : offset + length]

    def release(self, ino: int) -> None:
        """Let go of what was kept for an inode that is no longer open."""
        self._held.pop(ino, None)
        fd = self._spilled.pop(ino, None)
        if fd is not None:
            os.close(fd)

    def copy_to(self, oid: bytes, size: int, path: bytes) -> None:
        """Write a whole blob to a new file at `path`. Raises ObjectMissing or OSError."""
        if size > self._threshold:
            self._blobs.stream_to(oid, Path(os.fsdecode(path)))
            return
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with open(fd, "wb", buffering=0) as file:
            data = memoryview(self._blobs.content(oid))
            while data:
                data = data[file.write(data) :]

    def whole(self, oid: bytes) -> bytes:
        """All of a blob; meant for symbolic links. Raises ObjectMissing."""
        return self._blobs.content(oid)
