"""Loading one directory: what the layers say about its names, put over what the base has.

Layers are read from the top down; the first that says something about a name decides, except that a directory goes
on merging until a layer marks it opaque or has something else under its name.
"""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

from git_vibe.errors import ObjectMissing, StateCorrupt
from git_vibe.git.modes import MODE_GITLINK, MODE_TREE
from git_vibe.git.table import Table
from git_vibe.overlay.nodes import GIT_FILE_INODE, MISSING_ROW, Directory, File
from git_vibe.store.layer import accessible, directory_marks, is_whiteout, stored_inode
from git_vibe.types import LayerId

if TYPE_CHECKING:
    from git_vibe.overlay.view import View


class Found:
    """What the layers read so far say about one name. A directory stays `open` while it merges from below."""

    __slots__ = ("layers", "open", "status", "tree")

    def __init__(self, status: os.stat_result | None, layer: LayerId) -> None:
        self.status = status
        """lstat of the highest layer's file, None for a whiteout."""
        self.layers = [layer]
        self.open = False
        self.tree: bytes | None = None


def load_directory(view: View, directory: Directory) -> dict[bytes, int]:
    """Fill `base`, `children` and `whiteouts` of a directory and return the children. Raises ObjectMissing."""
    if directory.row == MISSING_ROW:
        raise ObjectMissing(f"{os.fsdecode(directory.path())} needs a tree that the base of the session does not have")
    base = base_names(view.table, directory.row)
    found = read_layers(view, directory)
    children = base
    if found or directory.parent is None:
        children = dict(base)
        for name, what in found.items():
            _apply(view, directory, children, name, what)
    if directory.parent is None:
        children[b".git"] = GIT_FILE_INODE
    directory.base = base
    directory.children = children
    directory.whiteouts = {
        name for name, what in found.items() if what.status is None and what.layers[0] == view.delta.top
    }
    return children


def base_names(table: Table, row: int | None) -> dict[bytes, int]:
    """Names and inode numbers below a base directory, or nothing for None."""
    if row is None:
        return {}
    return {table.name(child): child + 1 for child in table.children(row)}


def read_layers(view: View, directory: Directory) -> dict[bytes, Found]:
    """What the layers say about the names of a directory. Raises StateCorrupt."""
    found: dict[bytes, Found] = {}
    layers = ([view.delta.top] if directory.top else []) + list(directory.sealed)
    relative = directory.path()
    for layer in layers:
        path = view.delta.path(layer, relative)
        try:
            _read_layer(found, path, layer)
        except FileNotFoundError as error:
            raise StateCorrupt(f"{os.fsdecode(path)} has vanished from its layer", "look for a copy of it") from error
    return found


def _read_layer(found: dict[bytes, Found], path: bytes, layer: LayerId) -> None:
    _, marked, _ = directory_marks(path)
    with accessible(path), os.scandir(path) as entries:
        for entry in entries:
            _read_entry(found, entry, layer, marked=marked)


def _read_entry(found: dict[bytes, Found], entry: os.DirEntry[bytes], layer: LayerId, *, marked: bool) -> None:
    before = found.get(entry.name)
    if before is not None and not before.open:
        return
    status = entry.stat(follow_symlinks=False)
    hidden = is_whiteout(status, entry.path, marked_directory=marked)
    is_directory = stat.S_ISDIR(status.st_mode)
    if before is not None:
        before.open = is_directory and not hidden and _joins(before, entry.path, layer)
        return
    what = found[entry.name] = Found(None if hidden else status, layer)
    if is_directory:
        opaque, _, what.tree = directory_marks(entry.path)
        what.open = not opaque


def _joins(what: Found, path: bytes, layer: LayerId) -> bool:
    """Add a lower layer's directory; tell whether still lower ones join too."""
    what.layers.append(layer)
    opaque, _, what.tree = directory_marks(path)
    return not opaque


def _apply(view: View, parent: Directory, children: dict[bytes, int], name: bytes, what: Found) -> None:
    if what.status is None:
        children.pop(name, None)
    elif stat.S_ISDIR(what.status.st_mode):
        children[name] = directory_node(view, parent, name, what, children.get(name)).ino
    else:
        children[name] = file_node(view, parent, name, what).ino


def directory_node(view: View, parent: Directory, name: bytes, what: Found, base: int | None) -> Directory:
    """A new node for a directory that layers have; `base` is the inode number the base has for its name."""
    number, row = directory_number(view, parent, name, what, base)
    node = Directory(view.inodes.unused(number), parent, name, row)
    _set_layers(view, node, what)
    view.inodes.add(node)
    return node


def directory_number(
    view: View, parent: Directory, name: bytes, what: Found, base: int | None
) -> tuple[int, int | None]:
    """The inode number that belongs to a directory of layers, and the base row below it."""
    stored = stored_inode(view.delta.path(what.layers[0], parent.path() + b"/" + name))
    row = _row_below(view, what, base, stored)
    assert what.status is not None
    if stored is not None:
        return stored, row
    if row is not None and what.tree is None:
        return row + 1, row
    return view.inodes.derived(what.status.st_ino), row


def place(view: View, node: Directory, what: Found, base: int | None) -> None:
    """Let the node of a directory stand for what layers say now."""
    node.row = _row_below(view, what, base, node.ino)
    _set_layers(view, node, what)


def _set_layers(view: View, node: Directory, what: Found) -> None:
    node.opaque = not what.open
    node.top = what.layers[0] == view.delta.top
    node.sealed = tuple(what.layers[1:] if node.top else what.layers)


def _row_below(view: View, what: Found, base: int | None, stored: int | None) -> int | None:
    """The base row that is merged in below a directory of layers."""
    if what.tree is not None:
        return _graft_row(view.table, what.tree, stored)
    return base - 1 if what.open and base is not None and is_directory_row(view.table, base - 1) else None


def _graft_row(table: Table, tree: bytes, stored: int | None) -> int:
    """The base row whose tree lies below a renamed directory; the one it was renamed from if that is known."""
    try:
        oid = bytes.fromhex(tree.decode())
    except ValueError:
        return MISSING_ROW
    if stored is not None and stored <= table.count and table.tree(stored - 1) == oid:
        return stored - 1
    row = table.find_tree(oid)
    return MISSING_ROW if row is None else row


def file_node(view: View, parent: Directory, name: bytes, what: Found) -> File:
    """A node for a file that a layer has: a new one, or that of its other hard links."""
    assert what.status is not None
    layer = what.layers[0]
    path = view.delta.path(layer, parent.path() + b"/" + name)
    known = view.inodes.hard_linked(what.status.st_ino) if what.status.st_nlink > 1 else None
    if known is not None and known.layer == layer:
        known.links.append((parent, name))
        known.gone = None
        return known
    stored = stored_inode(path) if stat.S_ISREG(what.status.st_mode) else None
    ino = stored if stored is not None else view.inodes.derived(what.status.st_ino)
    node = File(view.inodes.unused(ino), layer, (parent, name))
    view.inodes.add(node)
    if what.status.st_nlink > 1:
        view.inodes.note_hard_link(what.status.st_ino, node)
    return node


def is_directory_row(table: Table, row: int) -> bool:
    """Whether the view shows a base row as a directory (a gitlink is an empty one)."""
    return table.mode[row] in (MODE_TREE, MODE_GITLINK)
