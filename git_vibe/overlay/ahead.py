"""Copies of large files that are made ahead of the change that needs them, in a thread while the mount is served.

`large_copy` looks for what a change of an inode would have to copy. Its `make` may run in a thread: it uses nothing of
the view. Then `Ahead.offer` and the change follow without a pause in between; copy-up takes what was offered when the
source is still what it was, and copies by itself otherwise. What nobody took vanishes at the end of the change.
"""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Callable
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, NamedTuple

from git_vibe.overlay.nodes import File
from git_vibe.store.atomic import begin_writeback
from git_vibe.store.copy import copy_file

if TYPE_CHECKING:
    from git_vibe.overlay.view import View

Source = int | bytes
"""The row of a clean file, or the path of one in a sealed layer or in the context."""


class LargeCopy(NamedTuple):
    """A copy of `source` to the new file `path` that should be made ahead; `write` creates that file."""

    source: Source
    stamp: tuple[int, ...]
    path: bytes
    write: Callable[[bytes], None]

    def make(self) -> LargeCopy:
        """Copy; slow. Raises what copying raises and leaves nothing then."""
        try:
            self.write(self.path)
            begin_writeback(self.path)
        except BaseException:
            _remove(self.path)
            raise
        return self


class Ahead:
    """The copies that are ready for the change that comes next; as a context manager it spans that change."""

    def __init__(self) -> None:
        self._offered: dict[Source, LargeCopy] = {}

    def offer(self, copy: LargeCopy) -> None:
        """Let the change that follows use a copy that was made."""
        self._offered[copy.source] = copy

    def take(self, source: Source, target: bytes) -> bool:
        """Move the copy of an unchanged source to `target`; tell whether there was one."""
        copy = self._offered.get(source)
        if copy is None or copy.stamp != _stamp(source):
            return False
        try:
            os.rename(copy.path, target)
        except FileNotFoundError:
            return False
        return True

    def __enter__(self) -> Ahead:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        while self._offered:
            _, copy = self._offered.popitem()
            _remove(copy.path)


def large_copy(view: View, ino: int) -> LargeCopy | None:
    """What a change of the inode must copy first and should not keep other requests waiting for, or None."""
    node = view.inodes.nodes.get(ino)
    if node is None:
        row = ino - 1
        return _copy_of_blob(view, row) if 0 <= row < view.table.count else None
    if not isinstance(node, File) or node.layer == view.delta.top:
        return None
    if node.row is not None:
        return _copy_of_blob(view, node.row)
    if not node.links:
        return None
    return _copy_of_file(view, view.context.source(node.context) if node.context is not None else view.layer_path(node))


def large_writeout(view: View, ino: int) -> Callable[[], None] | None:
    """What writes the content of a large file to disk, to be done in a thread before its fsync, or None."""
    node = view.inodes.nodes.get(ino)
    if not isinstance(node, File) or view.base_row(ino) is not None:
        return None
    fd = view.file_descriptor(node)
    return partial(_sync_and_close, os.dup(fd)) if os.fstat(fd).st_size > view.content.memory_limit else None


def _sync_and_close(fd: int) -> None:
    try:
        os.fdatasync(fd)
    finally:
        os.close(fd)


def _copy_of_blob(view: View, row: int) -> LargeCopy | None:
    if view.table.size[row] <= view.content.memory_limit or not stat.S_ISREG(view.table.mode[row]):
        return None
    return LargeCopy(row, (), view.delta.temporary(), view.copier(row))


def _copy_of_file(view: View, source: bytes) -> LargeCopy | None:
    """One of a file that can be read as it is: its mode must not be touched from a thread."""
    status = os.lstat(source)
    small = status.st_size <= view.content.memory_limit or not stat.S_ISREG(status.st_mode)
    if small or not os.access(source, os.R_OK):
        return None
    return LargeCopy(source, _stamp(source), view.delta.temporary(), partial(copy_file, source))


def _stamp(source: Source) -> tuple[int, ...]:
    """What changes when the source does; a blob never does."""
    if isinstance(source, int):
        return ()
    status = os.lstat(source)
    return status.st_ino, status.st_size, status.st_mtime_ns


def _remove(path: bytes) -> None:
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)
