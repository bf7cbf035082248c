"""Changing a view: creating, removing and writing (see `rename` and `attributes` for the rest).

Each function takes the view and inode numbers, changes the top layer first and the picture in memory after it, so
that an error in between leaves both as they were.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from git_vibe.overlay.copyup import ensure_top, own_children, writable
from git_vibe.overlay.descriptors import open_any
from git_vibe.overlay.nodes import GIT_FILE_INODE, Directory, File
from git_vibe.overlay.view import NAME_MAX, View, fail
from git_vibe.store.faults import reached
from git_vibe.store.layer import accessible, mark_opaque, remove_path
from git_vibe.store.layout import INODE_XATTR
from git_vibe.types import Attrs


class Caller(NamedTuple):
    """Who asks: numeric user and group of the process."""

    uid: int
    gid: int


# Creating


def create(view: View, parent: int, name: bytes, mode: int, caller: Caller) -> Attrs:
    """Create a regular file with permission bits `mode`; it will be written, so it stays open. Raises EEXIST."""
    opened: list[int] = []

    def make(path: bytes) -> None:
        opened.append(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, mode))

    node = _add_file(view, parent, name, make, caller)
    reached("create.made")
    view.descriptors.keep(node, opened[0])
    return view.attrs(node.ino)


def create_unnamed(view: View, mode: int, caller: Caller) -> Attrs:
    """Create a file without a name (O_TMPFILE) with permission bits `mode`; `link` may give it one."""
    fd = os.open(view.delta.work, os.O_RDWR | os.O_TMPFILE | os.O_CLOEXEC, mode)
    node = File(view.inodes.unused(view.inodes.derived(os.fstat(fd).st_ino)), view.delta.top)
    view.inodes.add(node)
    view.inodes.remember(node.ino)
    view.descriptors.keep(node, fd)
    with contextlib.suppress(PermissionError):
        os.fchown(fd, caller.uid, caller.gid)
    return view.attrs(node.ino)


def symlink(view: View, parent: int, name: bytes, target: bytes, caller: Caller) -> Attrs:
    """Create a symbolic link. Raises EEXIST."""
    return view.attrs(_add_file(view, parent, name, lambda path: os.symlink(target, path), caller).ino)


def mknod(view: View, parent: int, name: bytes, mode: int, device: int, caller: Caller) -> Attrs:
    """Create a file, fifo, socket or device; a character device 0:0 is refused, it means a whiteout."""
    if stat.S_ISREG(mode):
        return create(view, parent, name, stat.S_IMODE(mode), caller)
    if stat.S_ISCHR(mode) and device == 0:
        raise fail(errno.EPERM)
    return view.attrs(_add_file(view, parent, name, lambda path: os.mknod(path, mode, device), caller).ino)


def link(view: View, ino: int, parent: int, name: bytes) -> Attrs:
    """Give a file one more name. Raises EEXIST, EPERM for the `.git` file, ENOENT for an unlinked one."""
    _refuse_existing(view, view.directory(parent), name)
    node = writable(view, ino)
    directory = view.directory(parent)
    _place(view, directory, name, partial(_link_file, view, node))
    node.links.append((directory, name))
    view.inodes.note_hard_link(os.lstat(view.layer_path(node)).st_ino, node)
    own_children(view, directory)[name] = ino
    view.inodes.remember(ino)
    return view.attrs(ino)


def _link_file(view: View, node: File, path: bytes) -> None:
    """Give the layer file of a node, which may be without a name, the name `path`."""
    if node.links:
        os.link(view.layer_path(node), path, follow_symlinks=False)
        return
    fd = view.file_descriptor(node)
    # only with a descriptor does os.link follow the link in /proc; for an absolute path any will do
    os.link(b"/proc/self/fd/%d" % fd, path, src_dir_fd=fd, follow_symlinks=True)


def mkdir(view: View, parent: int, name: bytes, mode: int, caller: Caller) -> Attrs:
    """Create a directory. Raises EEXIST."""
    directory = view.directory(parent)
    _refuse_existing(view, directory, name)
    covers = view.lower_has(directory, name) or view.is_hidden(directory, name)

    def make(path: bytes) -> None:
        os.mkdir(path, mode)
        if covers:
            mark_opaque(path)

    path = _place(view, directory, name, make, caller)
    node = Directory(_new_number(view, path), directory, name, None)
    node.top, node.opaque, node.base, node.whiteouts = True, covers, {}, set()
    node.children = node.base
    view.inodes.add(node)
    own_children(view, directory)[name] = node.ino
    view.inodes.remember(node.ino)
    return view.attrs(node.ino)


def _add_file(view: View, parent: int, name: bytes, make: Callable[[bytes], None], caller: Caller) -> File:
    directory = view.directory(parent)
    _refuse_existing(view, directory, name)
    path = _place(view, directory, name, make, caller)
    node = File(_new_number(view, path), view.delta.top, (directory, name))
    view.inodes.add(node)
    own_children(view, directory)[name] = node.ino
    view.inodes.remember(node.ino)
    return node


def _new_number(view: View, path: bytes) -> int:
    """Inode number for a new layer file; stored with it where it cannot be derived from it, as far as it can be."""
    status = os.lstat(path)
    derived = view.inodes.derived(status.st_ino)
    number = view.inodes.unused(derived)
    if number != derived and (stat.S_ISREG(status.st_mode) or stat.S_ISDIR(status.st_mode)):
        with accessible(path):
            os.setxattr(path, INODE_XATTR, b"%d" % number)
    return number


def _place(
    view: View, directory: Directory, name: bytes, make: Callable[[bytes], None], caller: Caller | None = None
) -> bytes:
    """Create a name in the top layer, over a whiteout if there is one; return its absolute path."""
    parent = ensure_top(view, directory)
    hidden = name in view.whiteouts(directory)

    def make_owned(path: bytes) -> None:
        make(path)
        if caller is not None and (hidden or caller != (os.geteuid(), os.getegid())):
            _take_ownership(path, parent, caller)

    view.delta.place(directory.path() + b"/" + name, make_owned, over_whiteout=hidden)
    view.whiteouts(directory).discard(name)
    return parent + b"/" + name


def _refuse_existing(view: View, directory: Directory, name: bytes) -> None:
    if directory.gone is not None:
        raise fail(errno.ENOENT)
    if len(name) > NAME_MAX:
        raise fail(errno.ENAMETOOLONG)
    if view.child(directory, name) is not None:
        raise fail(errno.EEXIST)


def _take_ownership(path: bytes, parent: bytes, caller: Caller) -> None:
    """Files belong to whoever made them, as far as this user may say so; a setgid directory gives its group on."""
    above, status = os.stat(parent), os.lstat(path)
    inherits = above.st_mode & stat.S_ISGID
    with contextlib.suppress(PermissionError):
        os.chown(path, caller.uid, above.st_gid if inherits else caller.gid, follow_symlinks=False)
    if not stat.S_ISLNK(status.st_mode):
        mode = stat.S_IMODE(status.st_mode)
        os.chmod(path, mode | stat.S_ISGID if inherits and stat.S_ISDIR(status.st_mode) else mode)


# Removing


def unlink(view: View, parent: int, name: bytes) -> None:
    """Remove a name of something that is not a directory. Raises ENOENT, EISDIR, EPERM for the `.git` file."""
    directory = view.directory(parent)
    ino = view.child(directory, name)
    if ino is None:
        raise fail(errno.ENOENT)
    if ino == GIT_FILE_INODE:
        raise fail(errno.EPERM)
    if view.is_directory(ino):
        raise fail(errno.EISDIR)
    last = keep_for_holders(view, ino)
    _remove_name(view, directory, name)
    reached("unlink.removed")
    retire(view, ino, directory, name, last)


def keep_for_holders(view: View, ino: int) -> Attrs:
    """Keep what the holders of an inode need after its last name is gone; return what they will see of it.

    Also who has no open file may hold one: a descriptor that is only a place (O_PATH) can be opened again.
    """
    node = view.inodes.nodes.get(ino)
    if isinstance(node, File) and _has_sealed_names(view, node):
        writable(view, ino)  # a sealed layer keeps every name, so it cannot tell how many are left
    last = view.attrs(ino)._replace(nlink=0)
    if node is None and stat.S_ISREG(last.mode):
        _hold_clean(view, view._row(ino))
    elif isinstance(node, File) and node.row is None and len(node.links) == 1 and stat.S_ISREG(last.mode):
        with contextlib.suppress(OSError):
            view.file_descriptor(node)
    return last


def _has_sealed_names(view: View, node: File) -> bool:
    is_sealed = bool(node.links) and node.layer is not None and node.layer != view.delta.top
    return is_sealed and os.lstat(view.layer_path(node)).st_nlink > 1


def _hold_clean(view: View, row: int) -> None:
    held = File(row + 1, None, (view.directory(view.table.parent[row] + 1), view.table.name(row)))
    held.row = row
    view.inodes.add(held)


def _remove_name(view: View, directory: Directory, name: bytes) -> None:
    """Take a name out of the top layer, leaving a whiteout where a lower layer has it."""
    path = ensure_top(view, directory) + b"/" + name
    if view.lower_has(directory, name):
        view.delta.whiteout(directory.path() + b"/" + name)
        view.whiteouts(directory).add(name)
    elif stat.S_ISDIR(os.lstat(path).st_mode):
        _remove_directory(view, path)
    else:
        os.unlink(path)


def _remove_directory(view: View, path: bytes) -> None:
    """Remove a directory of the top layer that may still hold whiteouts, in one step."""
    try:
        os.rmdir(path)
    except OSError as error:
        if error.errno != errno.ENOTEMPTY:
            raise
        aside = view.delta.temporary()
        with accessible(path):
            os.rename(path, aside)
        reached("rmdir.aside")
        remove_path(aside)


def retire(view: View, ino: int, directory: Directory, name: bytes, last: Attrs) -> None:
    """Record that a name is gone; `last` is what holders of the inode see when it was its last name."""
    own_children(view, directory).pop(name, None)
    node = view.inodes.nodes.get(ino)
    if node is not None:
        node.lookups = max(1, node.lookups)  # the kernel's references to what was clean were not counted
    if isinstance(node, Directory):
        node.gone = last
    elif isinstance(node, File):
        if (directory, name) in node.links:
            node.links.remove((directory, name))
        if not node.links and node.fd is None and node.row is None:
            node.gone = last


def rmdir(view: View, parent: int, name: bytes) -> None:
    """Remove an empty directory. Raises ENOENT, ENOTDIR, ENOTEMPTY."""
    directory = view.directory(parent)
    ino = view.child(directory, name)
    if ino is None:
        raise fail(errno.ENOENT)
    if view.names(view.directory(ino)):
        raise fail(errno.ENOTEMPTY)
    last = view.attrs(ino)._replace(nlink=0)
    _remove_name(view, directory, name)
    retire(view, ino, directory, name, last)


# Altering


def write(view: View, ino: int, offset: int, data: bytes | memoryview) -> int:
    """Write to a file and return the number of bytes written. Raises OSError such as ENOSPC."""
    target = view.file_descriptor(writable(view, ino))
    reached("write.opened")
    written = os.pwrite(target, data, offset)
    reached("write.written")
    return written


def truncate(view: View, ino: int, size: int) -> None:
    """Set a file's size in bytes."""
    node = writable(view, ino, keep=size > 0)
    if node.fd is not None:
        os.ftruncate(node.fd, size)
        return
    fd = open_any(view.layer_path(node))
    try:
        os.ftruncate(fd, size)
    finally:
        os.close(fd)
