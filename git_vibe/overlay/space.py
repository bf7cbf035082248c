"""The space a file takes: holes, allocation, copies within the view."""

from __future__ import annotations

import errno
import os

from git_vibe.overlay.copyup import writable
from git_vibe.overlay.nodes import File
from git_vibe.overlay.view import View, fail
from git_vibe.store.copy import fallocate


def seek(view: View, ino: int, offset: int, whence: int) -> int:
    """Where the next data or hole is (SEEK_DATA, SEEK_HOLE); clean content has no holes. Raises ENXIO at the end."""
    node = view.inodes.nodes.get(ino)
    if isinstance(node, File) and view.base_row(ino) is None:
        return os.lseek(view.file_descriptor(node), offset, whence)
    size = view.attrs(ino).size
    if offset >= size:
        raise fail(errno.ENXIO)
    return offset if whence == os.SEEK_DATA else size


def allocate(view: View, ino: int, mode: int, offset: int, length: int) -> None:
    """fallocate(2). Raises OSError such as ENOSPC or EOPNOTSUPP."""
    fallocate(view.file_descriptor(writable(view, ino)), mode, offset, length)


def copy_range(view: View, source: int, offset: int, target: int, target_offset: int, length: int) -> int:
    """copy_file_range(2) from a file of a layer; bytes copied. EOPNOTSUPP has the kernel copy by reading."""
    node = view.inodes.nodes.get(source)
    if not isinstance(node, File) or view.base_row(source) is not None:
        raise fail(errno.EOPNOTSUPP)
    into = view.file_descriptor(writable(view, target))
    return os.copy_file_range(view.file_descriptor(node), into, length, offset, target_offset)
