"""Folding the upper of two layers into the lower one, on disk."""

from __future__ import annotations

import os
import stat

from git_vibe.store.faults import reached
from git_vibe.store.layer import (
    accessible,
    copy_xattrs,
    directory_marks,
    is_whiteout,
    mark_opaque,
    mark_whiteouts,
    read_xattr,
    remove_path,
)
from git_vibe.store.layout import INODE_XATTR, OPAQUE_XATTR


def fold_layer(upper: bytes, lower: bytes, work: bytes) -> None:
    """Move everything from the layer directory `upper` into `lower`; both lie on one file system.

    What the two show together is the same before and after each step, so a crash at any point does no harm.
    `work` is a directory for temporary files. A whiteout moves too: it may stand for something still lower.
    """
    shown = os.stat(upper)
    with accessible(upper), accessible(lower):
        _, marked, _ = directory_marks(upper)
        if marked:
            mark_whiteouts(lower)
        for entry in sorted(os.scandir(upper), key=lambda entry: entry.name):
            _fold_entry(entry, lower + b"/" + entry.name, work, marked=marked)
            reached("fold.entry")
    _copy_attributes(upper, lower, shown)
    reached("fold.attributes")


def _fold_entry(entry: os.DirEntry[bytes], target: bytes, work: bytes, *, marked: bool) -> None:
    if not entry.is_dir(follow_symlinks=False):
        hides = is_whiteout(entry.stat(follow_symlinks=False), entry.path, marked_directory=marked)
        _replace(entry.path, target, work, hides=hides)
    elif _merges(entry.path, target):
        fold_layer(entry.path, target, work)
        os.rmdir(entry.path)
    else:
        _keep_hiding(entry.path, target)
        reached("fold.hiding")
        _replace(entry.path, target, work, hides=False)


def _replace(path: bytes, target: bytes, work: bytes, *, hides: bool) -> None:
    """Move an entry of the upper layer over what it covers in the lower one; `hides` tells that it is a whiteout.

    Where one rename cannot do that, what is covered goes first. In an opaque directory a whiteout has nothing left to
    hide, and one in xattr form would turn into a file.
    """
    needless = hides and read_xattr(os.path.dirname(target), OPAQUE_XATTR) == b"y"
    if needless or (os.path.lexists(target) and (_is_directory(target) or _is_directory(path))):
        _take_away(target, work)
    if needless:
        os.unlink(path)
        return
    with accessible(path):
        os.rename(path, target)


def _take_away(path: bytes, work: bytes) -> None:
    """Remove a file or directory in one step; a missing one is fine."""
    aside = os.path.join(work, os.urandom(8).hex().encode())
    if os.path.lexists(path):
        with accessible(path):
            os.rename(path, aside)
        reached("fold.aside")
        remove_path(aside)


def _is_directory(path: bytes) -> bool:
    return stat.S_ISDIR(os.lstat(path).st_mode)


def _keep_hiding(path: bytes, target: bytes) -> None:
    """A directory that takes the place of a whiteout or a file must go on hiding what lies below that."""
    if os.path.lexists(target) and not directory_marks(path)[0]:
        mark_opaque(path)


def _merges(path: bytes, target: bytes) -> bool:
    """Whether a directory of the upper layer adds to one of the lower layer instead of replacing it."""
    if not os.path.lexists(target) or not _is_directory(target):
        return False
    opaque, _, _ = directory_marks(path)
    return not opaque


def _copy_attributes(upper: bytes, lower: bytes, status: os.stat_result) -> None:
    """Give `lower` what the view has shown of `upper`, whose `status` was read before it was emptied."""
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
