"""What is there after a power cut: everything that was made durable with fsync(2), under its name.

Natively the name of a file that is overwritten is durable long before. Here the first change makes a new file in the
top layer, and perhaps the directories above it, so fsync of the file also writes the layer directories that such a
change touched (`Directory.unsynced`), up to the session's own.

A copy is renamed to its place without waiting for its bytes; that would cost a wait for the disk per file, for
example in `chmod -R`. Instead its write-back is begun before (`store.atomic.begin_writeback`), as ext4 itself does
for a file that is renamed over another: blocks are allocated, and a journal that orders data before metadata does not
commit the name before the bytes. Without that a power cut could leave an empty file where clean content was.

A file that was not synced may show its clean content again after a power cut, as natively it may show the old one.
"""

from __future__ import annotations

import os

from git_vibe.overlay.nodes import Directory, File
from git_vibe.overlay.view import View


def fsync(view: View, ino: int, *, data_only: bool) -> None:
    """Make a file's content durable, and names of it that copying it up has made."""
    node = view.inodes.nodes.get(ino)
    if not isinstance(node, File) or (node.fd is None and node.layer is None):
        return
    (os.fdatasync if data_only else os.fsync)(view.file_descriptor(node))
    for directory, _ in node.links:
        _sync_above(view, directory)


def fsync_directory(view: View, ino: int) -> None:
    """Make a directory's names durable."""
    node = view.directory(ino)
    if node.gone is None and (node.top or node.sealed):
        node.unsynced = True
        _sync_above(view, node)


def _sync_above(view: View, directory: Directory) -> None:
    """Write the layer directories that were changed, from this one up to the session's."""
    here: Directory | None = directory
    while here is not None:
        if here.unsynced:
            for layer in ([view.delta.top] if here.top else []) + list(here.sealed):
                _sync(view.delta.path(layer, here.path()))
            if here is view.root:
                _sync_session(view.delta.root)
            here.unsynced = False
        here = here.parent


def _sync_session(root: bytes) -> None:
    """Write the directories that lead to the layer whose root this is: the layer, `layers`, the session, `sessions`."""
    for _ in range(4):
        root = os.path.dirname(root)
        _sync(root)


def _sync(path: bytes) -> None:
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
