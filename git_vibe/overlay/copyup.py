"""Copy-up: bringing what is about to change into the top layer.

A file is written aside, gets its attributes, and is renamed to its place as the last step. Its inode number stays:
it is stored with the layer file where it cannot be derived from it.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat

from git_vibe.git.modes import MODE_SYMLINK
from git_vibe.overlay.delta import undisturbed
from git_vibe.overlay.descriptors import open_any
from git_vibe.overlay.nodes import GIT_FILE_INODE, Directory, File
from git_vibe.overlay.view import View, fail
from git_vibe.store.atomic import begin_writeback
from git_vibe.store.copy import copy_file
from git_vibe.store.faults import reached
from git_vibe.store.layer import accessible, copy_xattrs, remove_path
from git_vibe.store.layout import CONTEXT_XATTR, INODE_XATTR
from git_vibe.types import Attrs


def own_children(view: View, directory: Directory) -> dict[bytes, int]:
    """The directory's own name table, ready to be changed."""
    children = view.children(directory)
    if children is directory.base:
        children = directory.children = dict(children)
    return children


def ensure_top(view: View, directory: Directory) -> bytes:
    """Make a directory exist in the top layer and return its absolute path there."""
    if directory.gone is not None:
        raise fail(errno.ENOENT)
    path = view.delta.path(view.delta.top, directory.path())
    if directory.top or directory.parent is None:
        return path
    parent = ensure_top(view, directory.parent)
    _make_directory(view, directory, path, parent)
    if directory.context is not None:
        own_children(view, directory.parent)[directory.name] = directory.ino
    directory.top = True
    directory.whiteouts = set()
    return path


def _make_directory(view: View, directory: Directory, path: bytes, parent: bytes) -> None:
    attrs = view.attrs(directory.ino)
    staged = view.delta.temporary()
    os.mkdir(staged, 0o700)
    lowest = directory.sealed[-1] if directory.sealed else None
    if lowest is not None:
        copy_xattrs(view.delta.path(directory.sealed[0], directory.path()), staged)
    if directory.row is None or lowest is not None:
        os.setxattr(staged, INODE_XATTR, b"%d" % directory.ino)
    set_owner_and_mode(staged, attrs)
    os.utime(staged, ns=(attrs.atime_ns, attrs.mtime_ns))
    reached("directory.staged")
    with undisturbed(parent), accessible(staged):
        os.rename(staged, path)
    reached("directory.placed")
    if directory.parent is not None:
        directory.parent.unsynced = True


def writable(view: View, ino: int, *, keep: bool = True) -> File:
    """The node of a file whose bytes lie in the top layer; copies them up unless `keep` is False (truncation).

    Raises EISDIR, EPERM for the `.git` file, ESTALE for an unlinked file that is not open.
    """
    if ino == GIT_FILE_INODE:
        raise fail(errno.EPERM)
    if view.is_directory(ino):
        raise fail(errno.EISDIR)
    node = view.inodes.nodes.get(ino)
    if isinstance(node, File):
        if not node.links:
            return _unlinked_writable(view, node)
        return node if node.layer == view.delta.top else _copy_up(view, node, node.links[0], keep=keep)
    row = view._row(ino)
    parent = view.directory(view.table.parent[row] + 1)
    fresh = File(ino, None)
    fresh.row = row
    return _copy_up(view, fresh, (parent, view.table.name(row)), keep=keep)


def _unlinked_writable(view: View, node: File) -> File:
    """A file without a name that may be open: its bytes move to an anonymous file unless they are nobody else's."""
    if node.fd is None and node.row is None:
        raise fail(errno.ESTALE)
    if node.fd is not None and (node.layer == view.delta.top or not os.fstat(node.fd).st_nlink):
        return node
    attrs = view.attrs(node.ino)
    temporary = view.delta.temporary()
    if node.fd is None:
        assert node.row is not None
        _write_clean(view, node.row, temporary, keep=True)
    else:
        copy_file(b"/proc/self/fd/%d" % node.fd, temporary)
        os.close(node.fd)
    node.fd = open_any(temporary)
    node.layer, node.row, node.context = view.delta.top, None, None
    set_owner_and_mode(temporary, attrs)
    os.utime(node.fd, ns=(attrs.atime_ns, attrs.mtime_ns))
    os.unlink(temporary)
    return node


def _copy_up(view: View, node: File, link: tuple[Directory, bytes], *, keep: bool) -> File:
    parent, name = link
    attrs = view.attrs(node.ino)
    if node.layer is not None:
        _find_other_names(view, node)
    directory = ensure_top(view, parent)
    staged = view.delta.temporary()
    try:
        _write_content(view, node, staged, keep=keep)
        begin_writeback(staged)
        reached("copyup.content")
        _finish(view, node, staged, attrs)
        reached("copyup.attributes")
        with undisturbed(directory):
            os.rename(staged, directory + b"/" + name)
    except BaseException:
        remove_path(staged)
        raise
    parent.unsynced = True
    reached("copyup.placed")
    _settle(view, node, link)
    return node


def _find_other_names(view: View, node: File) -> None:
    """Load the directories that may hold other names of a hard-linked file: all of them move to the copy."""
    pending = [view.root] if os.lstat(view.layer_path(node)).st_nlink > len(node.links) else []
    while pending:
        for ino in view.children(pending.pop()).values():
            child = view.inodes.nodes.get(ino)
            if isinstance(child, Directory) and (child.top or child.sealed):
                pending.append(child)


def _settle(view: View, node: File, link: tuple[Directory, bytes]) -> None:
    """Make the node stand for its new layer file, under all its names."""
    parent, name = link
    others = [other for other in node.links if other != link]
    node.links = [link]
    node.layer, node.row, node.context = view.delta.top, None, None
    own_children(view, parent)[name] = node.ino
    if node.ino not in view.inodes.nodes:
        view.inodes.add(node)
    node.close()
    for other in others:
        _link_copy(view, node, other)


def _link_copy(view: View, node: File, place: tuple[Directory, bytes]) -> None:
    """Let another name lead to a file that was copied up."""
    directory = ensure_top(view, place[0])
    staged = view.delta.temporary()
    source = view.layer_path(node)
    os.link(source, staged, follow_symlinks=False)
    with undisturbed(directory):
        os.rename(staged, directory + b"/" + place[1])
    place[0].unsynced = True
    reached("copyup.linked")
    node.links.append(place)
    view.inodes.note_hard_link(os.lstat(source).st_ino, node)


def _write_content(view: View, node: File, staged: bytes, *, keep: bool) -> None:
    """Create `staged` with the bytes of a file that is not in the top layer."""
    if node.row is not None:
        _write_clean(view, node.row, staged, keep=keep)
    elif node.context is not None:
        source = view.context.source(node.context)
        _copy_file(view, source, staged, keep=keep)
    else:
        source = view.layer_path(node)
        with accessible(source):
            _copy_file(view, source, staged, keep=keep)


def _copy_file(view: View, source: bytes, staged: bytes, *, keep: bool) -> None:
    status = os.lstat(source)
    if stat.S_ISLNK(status.st_mode):
        os.symlink(os.readlink(source), staged)
    elif not stat.S_ISREG(status.st_mode):
        os.mknod(staged, status.st_mode, status.st_rdev)
    elif not keep:
        _make_empty(staged)
    elif not view.ahead.take(source, staged):
        copy_file(source, staged)
    copy_xattrs(source, staged)


def _make_empty(path: bytes) -> None:
    os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600))


def _write_clean(view: View, row: int, staged: bytes, *, keep: bool) -> None:
    if view.table.mode[row] == MODE_SYMLINK:
        os.symlink(view.content.whole(view.table.oid(row)), staged)
    elif not keep:
        _make_empty(staged)
    elif not view.ahead.take(row, staged):
        view.copier(row)(staged)


def _finish(view: View, node: File, staged: bytes, attrs: Attrs) -> None:
    """Give a copy the attributes and marks that the view has shown so far."""
    if stat.S_ISREG(attrs.mode):
        os.setxattr(staged, INODE_XATTR, b"%d" % node.ino)
        if node.context is not None:
            os.setxattr(staged, CONTEXT_XATTR, b"1")
    set_owner_and_mode(staged, attrs)
    os.utime(staged, ns=(attrs.atime_ns, attrs.mtime_ns), follow_symlinks=False)


def set_owner_and_mode(path: bytes, attrs: Attrs) -> None:
    """Give a layer file the owner, as far as this user may, and the mode that the view shows."""
    status = os.lstat(path)
    if (status.st_uid, status.st_gid) != (attrs.uid, attrs.gid):
        with contextlib.suppress(PermissionError):
            os.chown(path, attrs.uid, attrs.gid, follow_symlinks=False)
    if not stat.S_ISLNK(attrs.mode):
        os.chmod(path, stat.S_IMODE(attrs.mode))
