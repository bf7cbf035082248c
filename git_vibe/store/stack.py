"""The delta on disk, read only: the merged picture of several layers.

The topmost layer that says something about a name decides. Directories merge downwards until a layer marks one opaque,
grafts a tree below it, or has something other than a directory under its name. Nothing is read before it is asked for.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from typing import NamedTuple

from git_vibe.store.layer import directory_marks, is_whiteout, read_xattr
from git_vibe.store.layout import CONTEXT_XATTR


class Whiteout(NamedTuple):
    """The name of the base is gone."""


class DeltaFile(NamedTuple):
    """Anything but a directory; `path` is the absolute path of the layer file, `status` its lstat."""

    path: bytes
    status: os.stat_result

    @property
    def is_context(self) -> bool:
        """Whether this is a private copy of a context file."""
        return stat.S_ISREG(self.status.st_mode) and read_xattr(self.path, CONTEXT_XATTR) is not None


class DeltaDirectory(NamedTuple):
    """One merged directory; `layers` are its absolute paths, the topmost first.

    `opaque` tells that the base and the context have no part in it. `tree` is the Git tree grafted below it, in
    hexadecimal, or None.
    """

    layers: tuple[bytes, ...]
    opaque: bool = False
    tree: str | None = None

    def children(self) -> dict[bytes, DeltaNode]:
        """What the layers say about the names of this directory, in no particular order."""
        found: dict[bytes, _Found] = {}
        for layer in self.layers:
            _read_layer(layer, found)
        return {name: what.node for name, what in found.items()}


DeltaNode = Whiteout | DeltaFile | DeltaDirectory


def read_delta(trees: Sequence[bytes]) -> DeltaDirectory:
    """The root of the delta whose layers have their `tree` directories at `trees`, from the lowest to the top one."""
    return DeltaDirectory(tuple(reversed(trees)))


def is_empty(trees: Sequence[bytes]) -> bool:
    """Whether no layer holds anything."""
    return not any(_has_entries(tree) for tree in trees)


def measure(node: DeltaNode) -> tuple[int, int]:
    """Number of files below a node and their total size in bytes."""
    if isinstance(node, DeltaFile):
        return 1, node.status.st_size
    files = size = 0
    pending: list[DeltaNode] = [node]
    while pending:
        current = pending.pop()
        if isinstance(current, DeltaDirectory):
            pending.extend(current.children().values())
        elif isinstance(current, DeltaFile):
            files += 1
            size += current.status.st_size
    return files, size


def _has_entries(directory: bytes) -> bool:
    with os.scandir(directory) as entries:
        return next(entries, None) is not None


class _Found:
    """What the layers read so far say about one name; `joins` while lower layers may still add to it."""

    __slots__ = ("joins", "node")

    def __init__(self, node: DeltaNode, *, joins: bool) -> None:
        self.node = node
        self.joins = joins


def _read_layer(directory: bytes, found: dict[bytes, _Found]) -> None:
    _, marked, _ = directory_marks(directory)
    with os.scandir(directory) as entries:
        for entry in entries:
            before = found.get(entry.name)
            if before is None:
                found[entry.name] = _found_first(entry, marked=marked)
            elif before.joins:
                _join(before, entry)


def _found_first(entry: os.DirEntry[bytes], *, marked: bool) -> _Found:
    status = entry.stat(follow_symlinks=False)
    if stat.S_ISDIR(status.st_mode):
        opaque, _, tree = directory_marks(entry.path)
        return _Found(DeltaDirectory((entry.path,), opaque, _text(tree)), joins=not opaque)
    if is_whiteout(status, entry.path, marked_directory=marked):
        return _Found(Whiteout(), joins=False)
    return _Found(DeltaFile(entry.path, status), joins=False)


def _join(before: _Found, entry: os.DirEntry[bytes]) -> None:
    """Put a lower layer's entry below a directory; what is not a directory hides the base from it."""
    above = before.node
    assert isinstance(above, DeltaDirectory)
    if not entry.is_dir(follow_symlinks=False):
        before.node = above._replace(opaque=True)
        before.joins = False
        return
    opaque, _, tree = directory_marks(entry.path)
    before.node = DeltaDirectory((*above.layers, entry.path), opaque, _text(tree))
    before.joins = not opaque


def _text(tree: bytes | None) -> str | None:
    return None if tree is None else tree.decode()
