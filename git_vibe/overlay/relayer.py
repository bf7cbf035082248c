"""Changing a view's layers while it is served: a prepared layer comes on top (rebase), or the top ones go (abort).

The layers change on disk by one rename. Then the nodes in memory are matched with what the layers say now: a name that
leads to the same layer file as before keeps its node and number, and what no name leads to any more is kept for those
who have it open. What comes out is what the kernel must be told to forget.
"""

from __future__ import annotations

import os
import stat
from collections import defaultdict
from pathlib import Path
from typing import NamedTuple

from git_vibe.overlay.descriptors import open_any
from git_vibe.overlay.merge import (
    Found,
    base_names,
    directory_node,
    directory_number,
    file_node,
    is_directory_row,
    place,
    read_layers,
)
from git_vibe.overlay.nodes import GIT_FILE_INODE, Directory, File
from git_vibe.overlay.seal import copy_root
from git_vibe.overlay.view import View
from git_vibe.store.layer import directory_marks, stored_inode
from git_vibe.types import Attrs, LayerId


class Changed(NamedTuple):
    """What leads elsewhere now, as directory and name, and the directories that look different."""

    entries: list[tuple[int, bytes]]
    directories: set[int]


def touched(view: View, since: LayerId, paths: list[bytes]) -> list[bytes]:
    """Those of `paths` (without leading slash) at or above which layers later than `since` say something."""
    roots = [view.delta.path(layer, b"") for layer in view.delta.ids if layer > since]
    return [path for path in paths if any(_is_touched(root, path) for root in roots)]


def _is_touched(root: bytes, path: bytes) -> bool:
    here = root
    for name in path.split(b"/"):
        here += b"/" + name
        try:
            status = os.lstat(here)
        except FileNotFoundError:
            return False
        if not stat.S_ISDIR(status.st_mode) or directory_marks(here)[0]:
            return True
    return True


def is_written(view: View, since: LayerId) -> bool:
    """Whether layers later than `since` say anything."""
    return any(os.listdir(view.delta.path(layer, b"")) for layer in view.delta.ids if layer > since)


def push_layer(view: View, staged: Path) -> Changed:
    """Put the prepared layer at `staged`, a directory with `tree` and `work`, on top of all others."""
    copy_root(view.delta.root, os.fsencode(staged / "tree"))
    view.delta.adopt(staged)
    return _Match(view).all()


def pop_layers(view: View, last: LayerId) -> Changed:
    """Remove all layers above `last`; files in them that somebody has open stay readable."""
    going = [layer for layer in view.delta.ids if layer > last]
    for node in list(view.inodes.nodes.values()):
        if isinstance(node, File) and node.layer in going and node.links:
            _keep_readable(view, node)
    with view.delta.without(going):
        return _Match(view).all()


def _keep_readable(view: View, node: File) -> None:
    """Keep what holders of a file need after its layer, or its last name, has gone."""
    last = view.attrs(node.ino)._replace(nlink=0)
    if not stat.S_ISREG(last.mode):
        node.gone = last
    elif node.fd is None:
        node.fd = open_any(view.layer_path(node))


def _last_attrs(view: View, node: Directory) -> Attrs:
    """What holders of a directory see of it from now on; its layer may be gone already."""
    try:
        last = view.attrs(node.ino)
    except OSError:
        last = view.attrs(view.root.ino)._replace(ino=node.ino)
    return last._replace(nlink=0)


class _Match:
    """One pass over all directories that have a node, from the root down."""

    def __init__(self, view: View) -> None:
        self._view = view
        self._changed = Changed([], set())
        self._directories: dict[Directory, dict[bytes, Directory]] = defaultdict(dict)
        self._files: dict[Directory, dict[bytes, File]] = defaultdict(dict)
        for node in view.inodes.nodes.values():
            if isinstance(node, File):
                self._note_file(node)
            elif node.parent is not None and node.gone is None:
                self._directories[node.parent][node.name] = node

    def _note_file(self, node: File) -> None:
        for directory, name in node.links if node.context is None else ():
            self._files[directory][name] = node

    def all(self) -> Changed:
        """Match every directory and return what changed."""
        root = self._view.root
        root.sealed = tuple(reversed(self._view.delta.ids[:-1]))
        self._changed.directories.add(root.ino)
        pending = [root]
        while pending:
            directory = pending.pop()
            self._match(directory)
            pending += [node for node in self._directories[directory].values() if node.gone is None]
        return self._changed

    def _match(self, directory: Directory) -> None:
        """Find anew what the names of a directory lead to, where anybody may know one of them."""
        before = directory.children
        directory.whiteouts = None
        if before is None and not self._directories[directory] and not self._files[directory]:
            directory.base = None
            return
        before = before or {name: node.ino for name, node in self._directories[directory].items()}
        base = base_names(self._view.table, directory.row)
        found = read_layers(self._view, directory)
        after = dict(base)
        for name, what in found.items():
            ino = self._what(directory, name, what, base.get(name))
            if ino is None:
                after.pop(name, None)
            else:
                after[name] = ino
        for name in base.keys() - found.keys():
            after[name] = self._back_to_base(directory, name, base[name])
        if directory is self._view.root:
            after[b".git"] = GIT_FILE_INODE
        directory.base, directory.children = base, after
        self._compare(directory, before, after)

    def _what(self, directory: Directory, name: bytes, what: Found, base: int | None) -> int | None:
        if what.status is None:
            return None
        if not stat.S_ISDIR(what.status.st_mode):
            return self._file(directory, name, what).ino
        node = self._directories[directory].get(name) or self._revived_directory(directory, name, what, base)
        if node is None:
            node = directory_node(self._view, directory, name, what, base)
        else:
            place(self._view, node, what, base)
        self._directories[directory][name] = node
        self._changed.directories.add(node.ino)
        return node.ino

    def _file(self, directory: Directory, name: bytes, what: Found) -> File:
        known = self._files[directory].get(name)
        if known is not None and known.layer == what.layers[0]:
            return known
        return self._revived(directory, name, what) or file_node(self._view, directory, name, what)

    def _revived(self, directory: Directory, name: bytes, what: Found) -> File | None:
        """The node of a layer file that had lost its name to a layer that is gone now."""
        path = self._view.delta.path(what.layers[0], directory.path() + b"/" + name)
        number = stored_inode(path) or self._view.inodes.derived(os.lstat(path).st_ino)
        node = self._view.inodes.nodes.get(number)
        if not isinstance(node, File) or node.links or node.fd is None:
            return None
        if not os.path.samestat(os.fstat(node.fd), os.lstat(path)):
            return None
        node.links.append((directory, name))
        node.layer, node.gone = what.layers[0], None
        return node

    def _revived_directory(self, directory: Directory, name: bytes, what: Found, base: int | None) -> Directory | None:
        number, _ = directory_number(self._view, directory, name, what, base)
        node = self._view.inodes.nodes.get(number)
        return node if isinstance(node, Directory) and self._revives(node, directory, name) else None

    def _revives(self, node: Directory, directory: Directory, name: bytes) -> bool:
        """Bring back a directory that had lost this very name; tell whether it did."""
        if node.gone is None or (node.parent, node.name) != (directory, name):
            return False
        node.gone = None
        return True

    def _back_to_base(self, directory: Directory, name: bytes, ino: int) -> int:
        """The number of what a name that no layer mentions leads to: that of the base, unless a holder needs it."""
        node = self._view.inodes.nodes.get(ino)
        if isinstance(node, Directory) and is_directory_row(self._view.table, ino - 1):
            self._revives(node, directory, name)
            node.top, node.sealed, node.opaque, node.row = False, (), False, ino - 1
            self._directories[directory][name] = node
            self._changed.directories.add(ino)
        elif isinstance(node, File) and not node.links and node.row == ino - 1:
            del self._view.inodes.nodes[ino]
        elif isinstance(node, File) and not node.links:
            return self._renumbered(directory, name, ino - 1).ino
        return ino

    def _renumbered(self, directory: Directory, name: bytes, row: int) -> File:
        """A node of its own for a clean file, whose number belongs to what somebody wrote to after it had gone."""
        node = File(self._view.inodes.counted(), None, (directory, name))
        node.row = row
        self._view.inodes.add(node)
        return node

    def _compare(self, directory: Directory, before: dict[bytes, int], after: dict[bytes, int]) -> None:
        differing = [name for name in before.keys() | after.keys() if before.get(name) != after.get(name)]
        for name in differing:
            self._changed.entries.append((directory.ino, name))
            if name in before:
                self._orphan(directory, name, before[name])
        if differing:
            self._changed.directories.add(directory.ino)

    def _orphan(self, directory: Directory, name: bytes, ino: int) -> None:
        """A name does not lead to this inode any more: keep it for those who hold it."""
        node = self._view.inodes.nodes.get(ino)
        if node is None:
            self._orphan_clean(directory, name, ino)
        elif isinstance(node, Directory):
            self._orphan_directory(node)
        else:
            self._orphan_file(directory, name, node)

    def _orphan_clean(self, directory: Directory, name: bytes, ino: int) -> None:
        row = ino - 1
        if stat.S_ISREG(self._view.table.mode[row]):
            held = File(ino, None)
            held.row = row
            held.lookups = 1
            self._view.inodes.add(held)
        elif is_directory_row(self._view.table, row):
            made = Directory(ino, directory, name, row)
            self._view.inodes.add(made)
            self._orphan_directory(made)

    def _orphan_directory(self, node: Directory) -> None:
        for name, child in self._files.pop(node, {}).items():
            self._orphan_file(node, name, child)
        for below in self._directories.pop(node, {}).values():
            self._orphan_directory(below)
        node.gone = node.gone or _last_attrs(self._view, node)
        node.lookups = max(1, node.lookups)

    def _orphan_file(self, directory: Directory, name: bytes, node: File) -> None:
        if len(node.links) == 1 and node.fd is None and node.gone is None and node.layer in self._view.delta.ids:
            _keep_readable(self._view, node)
        if (directory, name) in node.links:
            node.links.remove((directory, name))
        node.lookups = max(1, node.lookups)
