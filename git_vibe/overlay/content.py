"""Bytes of clean files: from the object database, from memory, or from the shared spill files.

A blob up to `memory_limit` bytes is read whole; one that the kernel asks for in parts is held for the next part. The
kernel keeps its pages, so it is asked for once. A larger one is written once to a file that all workers share and is
served by pread.
"""

from __future__ import annotations

import os
from collections import OrderedDict

from git_vibe.git.objects import BlobReader
from git_vibe.overlay.descriptors import Descriptors
from git_vibe.store.blobs import BlobCache
from git_vibe.store.copy import copy_content

HELD_BLOBS = 4
SPILLED_BLOBS = 32


class BaseContent:
    """Content of base blobs by object name."""

    def __init__(self, blobs: BlobReader, cache: BlobCache, memory_limit: int) -> None:
        self.memory_limit = memory_limit
        self._blobs = blobs
        self._cache = cache
        self._held: OrderedDict[bytes, bytes] = OrderedDict()
        self._spilled: Descriptors[bytes] = Descriptors(SPILLED_BLOBS)

    def needs_spill(self, oid: bytes) -> bool:
        """Whether `spill` and `use_spilled` must be called before the content of a large blob can be read."""
        return self._spilled.get(oid) is None

    def spill(self, oid: bytes) -> int:
        """Make the blob's spill file exist and open it. Slow; safe in a thread and in several processes at once."""
        return self._cache.fill(oid.hex(), lambda fd: self._blobs.stream_to(oid, fd))

    def use_spilled(self, oid: bytes, fd: int) -> None:
        """Serve a blob from its spill file `fd`, which must not be used by the caller any more."""
        self._spilled.keep(oid, fd)

    def read(self, oid: bytes, offset: int, length: int) -> bytes:
        """Up to `length` bytes from `offset`. Raises ObjectMissing."""
        spilled = self._spilled.get(oid)
        if spilled is not None:
            return os.pread(spilled, length, offset)
        data = self._held.get(oid) or self._blobs.content(oid)
        if offset == 0 and length >= len(data):
            return data
        self._hold(oid, data)
        return data[offset : offset + length]

    def _hold(self, oid: bytes, data: bytes) -> None:
        """Keep a blob of which more parts will be wanted."""
        self._held[oid] = data
        self._held.move_to_end(oid)
        if len(self._held) > HELD_BLOBS:
            self._held.popitem(last=False)

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
