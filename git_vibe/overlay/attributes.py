"""Changing what a view shows of an inode besides its content: mode, owner, times, extended attributes."""

from __future__ import annotations

import errno
import os
import stat
import time

from git_vibe.overlay.copyup import ensure_top, writable
from git_vibe.overlay.nodes import GIT_FILE_INODE, Directory, File
from git_vibe.overlay.view import View, fail
from git_vibe.store.layer import OWN_XATTRS

Target = bytes | int
"""Where a layer file can be reached: its absolute path, or its open descriptor when it has no name any more."""


def layer_target(view: View, ino: int) -> Target:
    """A file or directory of the top layer, copied up if need be, to be altered."""
    if view.is_directory(ino):
        return ensure_top(view, view.directory(ino))
    node = writable(view, ino)
    return view.layer_path(node) if node.links else view.file_descriptor(node)


def chmod(view: View, ino: int, mode: int) -> None:
    """Set permission bits. Those that a file has already are not worth a copy of it."""
    if ino == GIT_FILE_INODE:
        _note(view, mode=stat.S_IFREG | stat.S_IMODE(mode))
    elif stat.S_IMODE(view.attrs(ino).mode) != stat.S_IMODE(mode) or _is_in_top(view, ino):
        os.chmod(layer_target(view, ino), stat.S_IMODE(mode))


def chown(view: View, ino: int, uid: int, gid: int) -> None:
    """Set the owner; -1 leaves one as it is. The one that a file has already is not worth a copy of it."""
    attrs = view.attrs(ino)
    if ino == GIT_FILE_INODE:
        _note(view, uid=attrs.uid if uid == -1 else uid, gid=attrs.gid if gid == -1 else gid)
        return
    if (uid in (-1, attrs.uid)) and (gid in (-1, attrs.gid)) and not _is_in_top(view, ino):
        return
    target = layer_target(view, ino)
    os.chown(target, uid, gid, follow_symlinks=isinstance(target, int))


def _note(view: View, **changed: int) -> None:
    """Remember attributes of the `.git` file, which is in no layer; programs change those of all files at once."""
    view.git_attrs = view.git_attrs._replace(**changed, ctime_ns=time.time_ns())


def _is_in_top(view: View, ino: int) -> bool:
    node = view.inodes.nodes.get(ino)
    if isinstance(node, File):
        return node.layer == view.delta.top
    return node is not None and node.top and node.gone is None


def drop_privileges(view: View, ino: int) -> None:
    """Take away the set-user and set-group bits as a write by an ordinary user does."""
    mode = stat.S_IMODE(view.attrs(ino).mode)
    left = mode & ~(stat.S_ISUID | (stat.S_ISGID if mode & stat.S_IXGRP else 0))
    if left != mode:
        chmod(view, ino, left)


def set_times(view: View, ino: int, *, atime_ns: int | None, mtime_ns: int | None) -> None:
    """Set access and modification time in nanoseconds; None leaves one as it is.

    The access time alone is not worth the copy of a clean file: it is left as it is.
    """
    attrs = view.attrs(ino)
    times = (attrs.atime_ns if atime_ns is None else atime_ns, attrs.mtime_ns if mtime_ns is None else mtime_ns)
    if ino == GIT_FILE_INODE:
        _note(view, atime_ns=times[0], mtime_ns=times[1])
        return
    if mtime_ns is None and view.base_row(ino) is not None:
        return
    target = layer_target(view, ino)
    os.utime(target, ns=times, follow_symlinks=isinstance(target, int))


# Extended attributes


def getxattr(view: View, ino: int, name: bytes) -> bytes:
    """Value of an extended attribute. Raises ENODATA."""
    source = _xattr_source(view, ino)
    if source is None or name in OWN_XATTRS:
        raise fail(errno.ENODATA)
    return os.getxattr(source, name, follow_symlinks=isinstance(source, int))


def listxattr(view: View, ino: int) -> list[bytes]:
    """Names of all extended attributes but the layer's own."""
    source = _xattr_source(view, ino)
    names = [] if source is None else os.listxattr(source, follow_symlinks=isinstance(source, int))
    return [name for name in map(os.fsencode, names) if name not in OWN_XATTRS]


def setxattr(view: View, ino: int, name: bytes, value: bytes, flags: int = 0) -> None:
    """Set an extended attribute; `flags` as for setxattr(2). Raises EPERM for own names, EOPNOTSUPP for ACLs."""
    _refuse_own_xattr(name)
    target = layer_target(view, ino)
    os.setxattr(target, name, value, flags, follow_symlinks=isinstance(target, int))


def removexattr(view: View, ino: int, name: bytes) -> None:
    """Remove an extended attribute. Raises ENODATA."""
    _refuse_own_xattr(name)
    if _xattr_source(view, ino) is None:
        raise fail(errno.ENODATA)
    target = layer_target(view, ino)
    os.removexattr(target, name, follow_symlinks=isinstance(target, int))


def _refuse_own_xattr(name: bytes) -> None:
    if name in OWN_XATTRS:
        raise fail(errno.EPERM)
    if name.startswith(b"system.posix_acl"):
        raise fail(errno.EOPNOTSUPP)


def _xattr_source(view: View, ino: int) -> Target | None:
    """Where an inode's attributes are carried; None for a clean one."""
    node = view.inodes.nodes.get(ino)
    if isinstance(node, File):
        if node.links and (node.layer is not None or node.context is not None):
            return view.context.source(node.context) if node.context is not None else view.layer_path(node)
        return node.fd
    if isinstance(node, Directory) and node.gone is None and (node.top or node.sealed):
        return view.delta.path(view.delta.top if node.top else node.sealed[0], node.path())
    return None
