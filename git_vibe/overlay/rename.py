"""Renaming in a view: files and directories, over existing ones, exchanged, across whiteouts.

What moves is first brought whole into the top layer. A directory with clean content is not copied: its layer
directory names the Git tree that lies below it (TREE_XATTR) and moves as one. The move itself is one renameat2(2)
that leaves a whiteout behind where the old name would reappear from below, so that after a crash the view is the old
one, the new one, or has both names.
"""

from __future__ import annotations

import errno
import os
import stat

from git_vibe.overlay.copyup import ensure_top, own_children, writable
from git_vibe.overlay.delta import undisturbed
from git_vibe.overlay.edit import keep_for_holders, retire
from git_vibe.overlay.nodes import GIT_FILE_INODE, MISSING_ROW, Directory, File
from git_vibe.overlay.view import NAME_MAX, View, fail
from git_vibe.store.faults import reached
from git_vibe.store.layer import (
    RENAME_EXCHANGE,
    RENAME_NOREPLACE,
    RENAME_WHITEOUT,
    accessible,
    exchange,
    mark_opaque,
    remove_path,
    renameat2,
)
from git_vibe.store.layout import INODE_XATTR, TREE_XATTR

Place = tuple[Directory, bytes]
"""A directory and a name in it."""


def rename(view: View, source: Place, target: Place, flags: int) -> None:
    """rename(2) and renameat2(2) with RENAME_NOREPLACE or RENAME_EXCHANGE. Raises OSError as those do."""
    if flags & ~(RENAME_NOREPLACE | RENAME_EXCHANGE):
        raise fail(errno.EINVAL)
    if len(target[1]) > NAME_MAX:
        raise fail(errno.ENAMETOOLONG)
    moved, replaced = view.child(*source), view.child(*target)
    if moved is None:
        raise fail(errno.ENOENT)
    if GIT_FILE_INODE in (moved, replaced):
        raise fail(errno.EPERM)
    if flags & RENAME_EXCHANGE:
        _exchange(view, source, target)
        return
    if replaced is not None and flags & RENAME_NOREPLACE:
        raise fail(errno.EEXIST)
    if moved != replaced:
        _check(view, moved, replaced, source, target)
        _move(view, source, target, replaced)


def _move(view: View, source: Place, target: Place, replaced: int | None) -> None:
    _bring_up(view, source)
    reached("rename.brought")
    last = keep_for_holders(view, replaced) if replaced is not None else None
    _move_in_layer(view, source, target)
    reached("rename.moved")
    if replaced is not None and last is not None:
        retire(view, replaced, *target, last)
    moved = own_children(view, source[0]).pop(source[1])
    own_children(view, target[0])[target[1]] = moved
    _relink(view, moved, source, target)


def _check(view: View, moved: int, replaced: int | None, source: Place, target: Place) -> None:
    is_directory = view.is_directory(moved)
    if is_directory:
        _check_place(view, view.directory(moved), source, target)
    if replaced is None:
        return
    if view.is_directory(replaced):
        if not is_directory:
            raise fail(errno.EISDIR)
        if view.names(view.directory(replaced)):
            raise fail(errno.ENOTEMPTY)
    elif is_directory:
        raise fail(errno.ENOTDIR)


def _check_place(view: View, moved: Directory, source: Place, target: Place) -> None:
    """A directory cannot go into itself, nor into or out of a submodule, whose trees are in another repository."""
    if target[0].is_below(moved):
        raise fail(errno.EINVAL)
    if _submodule(view, source[0]) is not _submodule(view, target[0]):
        raise fail(errno.EXDEV)


def _submodule(view: View, directory: Directory) -> Directory | None:
    """The top of the submodule that a directory belongs to, or None."""
    here: Directory | None = directory
    while here is not None and not (here.row and here.row != MISSING_ROW and view.table.is_submodule(here.row)):
        here = here.parent
    return here


def _bring_up(view: View, place: Place) -> None:
    """Bring what has this name into the top layer, ready to be moved to any other name."""
    ino = view.child(*place)
    assert ino is not None
    if not view.is_directory(ino):
        writable(view, ino)
        return
    node = view.directory(ino)
    if node.context is not None:
        raise fail(errno.EXDEV)
    view.children(node)  # one whose content is damaged stays where it is
    _bring_up_sealed(view, node)
    _detach(view, node)


def _detach(view: View, directory: Directory) -> None:
    """Mark a directory in the top layer with what lies below it, so that it does not depend on its path."""
    path = ensure_top(view, directory)
    with undisturbed(path):
        os.setxattr(path, INODE_XATTR, b"%d" % directory.ino)
        reached("rename.numbered")
        tree = view.table.tree(directory.row) if directory.row is not None else None
        if tree is not None:
            os.setxattr(path, TREE_XATTR, tree.hex().encode())
        else:
            mark_opaque(path)
            directory.row, directory.whiteouts = None, set()
    directory.opaque = True


def _bring_up_sealed(view: View, directory: Directory) -> None:
    """Bring everything sealed layers have below a directory into the top layer; the clean rest stays below."""
    if not directory.sealed:
        return
    path = ensure_top(view, directory)
    children = view.children(directory)
    for ino in list(children.values()):
        node = view.inodes.nodes.get(ino)
        if isinstance(node, File):
            writable(view, ino)
        elif isinstance(node, Directory):
            _bring_up_sealed(view, node)
    assert directory.base is not None
    with undisturbed(path):
        for name in directory.base.keys() - children.keys():
            view.delta.whiteout(directory.path() + b"/" + name)
            view.whiteouts(directory).add(name)
    reached("rename.gathered")
    _detach(view, directory)
    directory.sealed = ()


def _move_in_layer(view: View, source: Place, target: Place) -> None:
    old = ensure_top(view, source[0]) + b"/" + source[1]
    new = ensure_top(view, target[0]) + b"/" + target[1]
    reappears = view.lower_has(*source)
    if stat.S_ISDIR(os.lstat(old).st_mode) and os.path.lexists(new):
        _swap_directory(view, source, old, new, reappears=reappears)
    elif reappears:
        _rename_leaving_whiteout(view, source, old, new)
    else:
        os.rename(old, new)
    if reappears:
        view.whiteouts(source[0]).add(source[1])
    view.whiteouts(target[0]).discard(target[1])


def _rename_leaving_whiteout(view: View, source: Place, old: bytes, new: bytes) -> None:
    try:
        renameat2(old, new, RENAME_WHITEOUT)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.EPERM, errno.EOPNOTSUPP):
            raise
        os.rename(old, new)
        view.delta.whiteout(source[0].path() + b"/" + source[1])


def _swap_directory(view: View, source: Place, old: bytes, new: bytes, *, reappears: bool) -> None:
    """Move a directory over a whiteout or an empty directory: rename(2) cannot, an exchange can.

    The empty directory has the old name for a moment and must stay empty there.
    """
    if stat.S_ISDIR(os.lstat(new).st_mode):
        mark_opaque(new)
    exchange(old, new)
    reached("rename.swapped")
    if reappears:
        view.delta.whiteout(source[0].path() + b"/" + source[1])
    else:
        aside = view.delta.temporary()
        with accessible(old):
            os.rename(old, aside)
        remove_path(aside)


def _relink(view: View, ino: int, source: Place, target: Place) -> None:
    node = view.inodes.nodes[ino]
    if isinstance(node, File):
        node.links[node.links.index(source)] = target
    else:
        node.parent, node.name = target


def _exchange(view: View, first: Place, second: Place) -> None:
    one, other = view.child(*first), view.child(*second)
    if one is None or other is None:
        raise fail(errno.ENOENT)
    for ino, here, there in ((one, first, second), (other, second, first)):
        if view.is_directory(ino):
            _check_place(view, view.directory(ino), here, there)
    _bring_up(view, first)
    _bring_up(view, second)
    reached("exchange.brought")
    exchange(ensure_top(view, first[0]) + b"/" + first[1], ensure_top(view, second[0]) + b"/" + second[1])
    own_children(view, first[0])[first[1]] = other
    own_children(view, second[0])[second[1]] = one
    _relink(view, one, first, second)
    _relink(view, other, second, first)
