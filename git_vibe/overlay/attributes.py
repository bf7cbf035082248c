"""Changing what a view shows of an inode besides its content: mode, owner, times, extended attributes."""

from __future__ import annotations

import errno
import os
import stat

from git_vibe.overlay.copyup import ensure_top, writable
from git_vibe.overlay.nodes import Directory, File
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
    """Set permission bits."""
    if stat.S_IMODE(view.attrs(ino).mode) != stat.S_IMODE(mode):
        os.chmod(layer_target(view, ino), stat.S_IMODE(mode))


def chown(view: View, ino: int, uid: int, gid: int) -> None:
    """Set the owner; -1 leaves one as it is."""
    attrs = view.attrs(ino)
    if (uid in (-1, attrs.uid)) and (gid in (-1, attrs.gid)):
        return
    target = layer_target(view, ino)
    os.chown(target, uid, gid, follow_symlinks=isinstance(target, int))


def set_times(view: View, ino: int, *, atime_ns: int | None, mtime_ns: int | None) -> None:
    """Set access and modification time in nanoseconds; None leaves one as it is.

    The access time alone is not worth the copy of a clean file: it is left as it is.
    """
    attrs = view.attrs(ino)
    times = (attrs.atime_ns if atime_ns is None else atime_ns, attrs.mtime_ns if mtime_ns is None else mtime_ns)
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


def setxattr(view: View, ino: int, name: bytes, value: bytes) -> None:
    """Set an extended attribute. Raises EPERM for the layer's own names, EOPNOTSUPP for ACLs."""
    _refuse_own_xattr(name)
    target = layer_target(view, ino)
    os.setxattr(target, name, value, follow_symlinks=isinstance(target, int))


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
