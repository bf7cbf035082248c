"""Folding the upper of two layers into the lower one, on disk."""

from __future__ import annotations

import os
import stat

from git_vibe.store.layer import (
    accessible,
    copy_xattrs,
    directory_marks,
    is_whiteout,
    mark_opaque,
    mark_whiteouts,
    read_xattr,
    remove_path,
    rename_into_place,
)
from git_vibe.store.layout import INODE_XATTR, OPAQUE_XATTR


def fold_layer(upper: bytes, lower: bytes) -> None:
    """Move everything from the layer directory `upper` into `lower`; both lie on one file system.

    What the two show together is the same before and after each step, so a crash at any point does no harm.
    A whiteout moves too: it may stand for something still lower.
    """
    with accessible(upper), accessible(lower):
        _, marked, _ = directory_marks(upper)
        if marked:
            mark_whiteouts(lower)
        for entry in sorted(os.scandir(upper), key=lambda entry: entry.name):
            _fold_entry(entry, lower + b"/" + entry.name, marked=marked)
    _copy_attributes(upper, lower)


def _fold_entry(entry: os.DirEntry[bytes], target: bytes, *, marked: bool) -> None:
    if not entry.is_dir(follow_symlinks=False):
        if is_whiteout(entry.stat(follow_symlinks=False), entry.path, marked_directory=marked):
            _fold_whiteout(entry.path, target)
        else:
            rename_into_place(entry.path, target)
    elif _merges(entry.path, target):
        fold_layer(entry.path, target)
        os.rmdir(entry.path)
    else:
        _keep_hiding(entry.path, target)
        with accessible(entry.path):
            rename_into_place(entry.path, target)


def _fold_whiteout(path: bytes, target: bytes) -> None:
    """In an opaque directory there is nothing left to hide, and a whiteout in xattr form would turn into a file."""
    if read_xattr(os.path.dirname(target), OPAQUE_XATTR) == b"y":
        remove_path(target)
        os.unlink(path)
    else:
        rename_into_place(path, target)


def _keep_hiding(path: bytes, target: bytes) -> None:
    """A directory that takes the place of a whiteout or a file must go on hiding what lies below that."""
    if os.path.lexists(target) and not directory_marks(path)[0]:
        mark_opaque(path)


def _merges(path: bytes, target: bytes) -> bool:
    """Whether a directory of the upper layer adds to one of the lower layer instead of replacing it."""
    if os.path.islink(target) or not os.path.isdir(target):
        return False
    opaque, _, _ = directory_marks(path)
    return not opaque


def _copy_attributes(upper: bytes, lower: bytes) -> None:
    status = os.stat(upper)
    with accessible(lower):
        copy_xattrs(upper, lower)
        inode = read_xattr(upper, INODE_XATTR)
        if inode is not None:
            os.setxattr(lower, INODE_XATTR, inode)
    before = os.stat(lower)
    if (status.st_uid, status.st_gid) != (before.st_uid, before.st_gid):
        os.chown(lower, status.st_uid, status.st_gid)
    os.chmod(lower, stat.S_IMODE(status.st_mode))
    os.utime(lower, ns=(status.st_atime_ns, status.st_mtime_ns))
