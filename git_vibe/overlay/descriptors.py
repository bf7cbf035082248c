"""File descriptors that are kept for the next read, a bounded number of them.

The kernel tells neither when a file is opened nor when it is closed (see `mount.operations`), so what was used least
recently is closed when there are too many.
"""

from __future__ import annotations

import os
from collections import OrderedDict
from typing import Generic, TypeVar

from git_vibe.overlay.nodes import File
from git_vibe.store.layer import accessible

LIMIT = 128

K = TypeVar("K")


class Descriptors(Generic[K]):
    """Open descriptors by key, the one used last at the end."""

    def __init__(self, limit: int = LIMIT) -> None:
        self._limit = limit
        self._open: OrderedDict[K, int] = OrderedDict()

    def get(self, key: K) -> int | None:
        """The descriptor for a key, or None. It stays open until another one is kept."""
        fd = self._open.get(key)
        if fd is not None:
            self._open.move_to_end(key)
        return fd

    def keep(self, key: K, fd: int) -> int:
        """Keep a descriptor, or close it where there is one already; return the one to use."""
        known = self.get(key)
        if known is not None:
            os.close(fd)
            return known
        self._open[key] = fd
        if len(self._open) > self._limit:
            os.close(self._open.popitem(last=False)[1])
        return fd


class LayerDescriptors:
    """The nodes that have a descriptor of their bytes in a layer. One without a name keeps it while it lives."""

    def __init__(self) -> None:
        self._nodes: OrderedDict[int, File] = OrderedDict()

    def keep(self, node: File, fd: int) -> int:
        """Give a node its descriptor and return it; the node that got one first may have to close its own."""
        node.fd = fd
        self._nodes[node.ino] = node
        self._nodes.move_to_end(node.ino)
        if len(self._nodes) > LIMIT:
            _, oldest = self._nodes.popitem(last=False)
            if oldest.links:
                oldest.close()
        return fd


def open_any(path: bytes) -> int:
    """Open a layer file for reading and writing, whatever its mode says: handles outlive a change of the mode."""
    flags = os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        return os.open(path, flags)
    except PermissionError:
        with accessible(path):
            return os.open(path, flags)


def open_readable(path: bytes) -> int:
    """Open a context file, which may be a symbolic link, for reading only."""
    return os.open(path, os.O_RDONLY | os.O_CLOEXEC)
