"""The view of one session: what a name leads to, what an inode is, what is in it.

The order is top layer > sealed layers > context > base. This module looks; `edit` changes. Everything is
synchronous, so one request is handled as a whole before the next.

All errors are OSError with the errno the application gets, or VibeError for damage (EIO).
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from git_vibe.git.modes import MODE_SYMLINK
from git_vibe.git.table import Table, shown_mode, shown_size
from git_vibe.overlay.ahead import Ahead
from git_vibe.overlay.content import BaseContent
from git_vibe.overlay.context import Context
from git_vibe.overlay.converted import Converted
from git_vibe.overlay.delta import Delta
from git_vibe.overlay.descriptors import LayerDescriptors, open_any, open_readable
from git_vibe.overlay.inodes import Inodes
from git_vibe.overlay.merge import is_directory_row, load_directory
from git_vibe.overlay.nodes import GIT_FILE_INODE, Directory, File
from git_vibe.store.layer import accessible, is_whiteout
from git_vibe.types import ROOT_INODE, Attrs

NAME_MAX = 255
DIRECTORY_SIZE = 4096
BLOCK = 512
ALLOCATED = 4096
INLINE_LINK = 60
"""Targets of symbolic links that are shorter take no space of their own."""


class Owner(NamedTuple):
    """Numeric user and group that clean files belong to."""

    uid: int
    gid: int


def fail(code: int) -> OSError:
    """An OSError with this errno, to be raised."""
    return OSError(code, os.strerror(code))


class View:
    """The merged picture of a session. `git_file` is the content of the `.git` file at the root.

    `converted` has the clean files that `table` marks as such. `git_attrs` is what stat(2) reports of the `.git` file;
    what is changed of it lasts as long as the mount.
    """

    def __init__(
        self,
        table: Table,
        delta: Delta,
        context: Context,
        content: BaseContent,
        *,
        owner: Owner,
        git_file: bytes,
        converted: Converted | None = None,
    ) -> None:
        self.table = table
        self.delta = delta
        self.context = context
        self.content = content
        self.converted = converted or Converted(b"", table.size)
        self.owner = owner
        self.git_file = git_file
        self.git_attrs = _git_file_attrs(len(git_file), owner, table.mtime_ns)
        self.inodes = Inodes()
        self.ahead = Ahead()
        self.root = Directory(ROOT_INODE, None, b"", 0)
        self.root.top = self.root.unsynced = True
        self.root.sealed = tuple(reversed(delta.ids[:-1]))
        self.root.context = context.root
        self.root.lookups = 1
        self.inodes.add(self.root)
        self._context_inodes: dict[bytes, int] = {}
        self.descriptors = LayerDescriptors()

    # Finding

    def directory(self, ino: int) -> Directory:
        """The directory with this number. Raises ENOTDIR or ESTALE."""
        node = self.inodes.nodes.get(ino)
        if isinstance(node, Directory):
            return node
        if node is not None:
            raise fail(errno.ENOTDIR)
        if not self.is_directory(ino):
            raise fail(errno.ENOTDIR)
        row = self._row(ino)
        parent = self.directory(self.table.parent[row] + 1)
        made = Directory(ino, parent, self.table.name(row), row)
        self.inodes.add(made)
        return made

    def _row(self, ino: int) -> int:
        if not 0 < ino <= self.table.count:
            raise fail(errno.ESTALE)
        return ino - 1

    def lookup(self, parent: int, name: bytes) -> Attrs | None:
        """Attributes of what `name` leads to in the directory `parent`, or None; the kernel's reference is counted."""
        if len(name) > NAME_MAX:
            raise fail(errno.ENAMETOOLONG)
        ino = self.child(self.directory(parent), name)
        if ino is None:
            return None
        self.inodes.remember(ino)
        return self.attrs(ino)

    def child(self, directory: Directory, name: bytes) -> int | None:
        """Inode number of a name, or None."""
        ino = self.children(directory).get(name)
        if directory.context is None:
            return ino
        return self._child_with_context(directory, name, ino)

    def children(self, directory: Directory) -> dict[bytes, int]:
        """All names of a directory but those of the context, with their inode numbers."""
        return load_directory(self, directory) if directory.children is None else directory.children

    def names(self, directory: Directory) -> dict[bytes, int]:
        """All names of a directory with their inode numbers."""
        children = self.children(directory)
        if directory.context is None:
            return children
        merged = dict(children)
        for name in self.context.names(directory.context):
            ino = self._child_with_context(directory, name, merged.get(name))
            if ino is not None:
                merged[name] = ino
        return merged

    # The context

    def _child_with_context(self, directory: Directory, name: bytes, ino: int | None) -> int | None:
        node = self.inodes.nodes.get(ino) if ino is not None else None
        if ino == GIT_FILE_INODE or isinstance(node, File) or (isinstance(node, Directory) and node.opaque):
            return ino
        assert directory.context is not None
        path = directory.context + b"/" + name
        status = self.context.status(path)
        if status is None or self.is_hidden(directory, name):
            if isinstance(node, Directory):
                node.context = None
            return ino
        if not stat.S_ISDIR(status.st_mode):
            in_layer = isinstance(node, Directory) and (node.top or node.sealed)
            return ino if in_layer else self._context_file(directory, name, path).ino
        return self._context_directory(directory, name, path, ino).ino

    def _context_file(self, directory: Directory, name: bytes, path: bytes) -> File:
        known = self.inodes.nodes.get(self._context_inodes.get(path, 0))
        if isinstance(known, File) and known.context == path and (directory, name) in known.links:
            return known
        node = File(self.inodes.counted(), None, (directory, name))
        node.context = path
        self._context_inodes[path] = node.ino
        self.inodes.add(node)
        return node

    def _context_directory(self, directory: Directory, name: bytes, path: bytes, ino: int | None) -> Directory:
        if ino is not None and self.is_directory(ino):
            node = self.directory(ino)
        else:
            node = self._context_only_directory(directory, name, path)
        node.context = path
        return node

    def _context_only_directory(self, directory: Directory, name: bytes, path: bytes) -> Directory:
        known = self.inodes.nodes.get(self._context_inodes.get(path, 0))
        if isinstance(known, Directory) and known.gone is None and known.parent is directory:
            return known
        node = Directory(self.inodes.counted(), directory, name, None)
        self._context_inodes[path] = node.ino
        self.inodes.add(node)
        return node

    # Names of lower layers

    def whiteouts(self, directory: Directory) -> set[bytes]:
        """Names that the top layer hides in a directory."""
        if directory.whiteouts is None:
            directory.whiteouts = set(self._scan_whiteouts(directory)) if directory.top else set()
        return directory.whiteouts

    def _scan_whiteouts(self, directory: Directory) -> list[bytes]:
        path = self.delta.path(self.delta.top, directory.path())
        with accessible(path), os.scandir(path) as entries:
            return [
                entry.name
                for entry in entries
                if is_whiteout(entry.stat(follow_symlinks=False), entry.path, marked_directory=True)
            ]

    def is_hidden(self, directory: Directory, name: bytes) -> bool:
        """Whether a layer has a whiteout for the name."""
        return name in self.whiteouts(directory) or self._sealed_says(directory, name) is False

    def lower_has(self, directory: Directory, name: bytes) -> bool:
        """Whether the name would appear from below if the top layer said nothing."""
        said = self._sealed_says(directory, name)
        if said is not None:
            return said
        if directory.context is not None and self.context.status(directory.context + b"/" + name) is not None:
            return True
        if directory.base is None:
            self.children(directory)
        assert directory.base is not None
        return name in directory.base

    def _sealed_says(self, directory: Directory, name: bytes) -> bool | None:
        """True: a sealed layer has the name, False: one hides it, None: none knows it."""
        for layer in directory.sealed:
            path = self.delta.path(layer, directory.path() + b"/" + name)
            try:
                return not is_whiteout(os.lstat(path), path, marked_directory=True)
            except FileNotFoundError:
                continue
        return None

    # Attributes

    def is_directory(self, ino: int) -> bool:
        """Whether the inode is a directory. Raises ESTALE for an unknown number."""
        node = self.inodes.nodes.get(ino)
        if node is not None:
            return isinstance(node, Directory)
        return ino != GIT_FILE_INODE and is_directory_row(self.table, self._row(ino))

    def attrs(self, ino: int) -> Attrs:
        """What stat(2) reports. Raises ESTALE for an unknown number."""
        node = self.inodes.nodes.get(ino)
        if node is None:
            return self.git_attrs if ino == GIT_FILE_INODE else self._base_attrs(self._row(ino))
        if node.gone is not None:
            return node.gone
        if isinstance(node, Directory):
            return self._directory_attrs(node)
        return self._file_attrs(node)

    def _base_attrs(self, row: int, nlink: int = 1) -> Attrs:
        table, when = self.table, self.table.mtime_ns
        mode = shown_mode(table.mode[row])
        size = DIRECTORY_SIZE if mode & 0o040000 and not stat.S_ISREG(mode) else shown_size(table, row)
        uid, gid = self.owner
        return Attrs(row + 1, mode, nlink, uid, gid, 0, size, _blocks(mode, size), when, when, when)

    def _directory_attrs(self, node: Directory) -> Attrs:
        layer = self.delta.top if node.top else node.sealed[0] if node.sealed else None
        if layer is not None:
            return _from_stat(os.lstat(self.delta.path(layer, node.path())), node)
        if node.row is not None:
            return self._base_attrs(node.row)
        status = self.context.status(node.context) if node.context is not None else None
        if status is None:
            raise fail(errno.ENOENT)
        return _from_stat(status, node)

    def _file_attrs(self, node: File) -> Attrs:
        if node.fd is not None:
            return _from_stat(os.fstat(node.fd), node)
        if node.context is not None:
            status = self.context.status(node.context)
            if status is None:
                raise fail(errno.ENOENT)
            return _from_stat(status, node)
        if node.layer is None:
            assert node.row is not None
            return self._base_attrs(node.row, nlink=len(node.links))._replace(ino=node.ino)
        return _from_stat(os.lstat(self.layer_path(node)), node)

    def layer_path(self, node: File) -> bytes:
        """Absolute path of a linked file's bytes in its layer or in the context."""
        if node.context is not None:
            return node.context
        assert node.layer is not None
        return self.delta.path(node.layer, node.path())

    def is_volatile(self, ino: int) -> bool:
        """Whether names in this directory, or the content of this file, may change behind the kernel: the context."""
        node = self.inodes.nodes.get(ino)
        return node is not None and node.context is not None

    def context_stamp(self, ino: int) -> tuple[int, ...] | None:
        """What is another when that has happened to a volatile inode; None for any other one."""
        node = self.inodes.nodes.get(ino)
        if node is None or node.context is None:
            return None
        status = self.context.status(node.context)
        return (status.st_ino, status.st_size, status.st_mtime_ns) if status is not None else ()

    # Content

    def readlink(self, ino: int) -> bytes:
        """Target of a symbolic link. Raises EINVAL for anything else."""
        node = self.inodes.nodes.get(ino)
        if isinstance(node, File) and (node.layer is not None or node.context is not None):
            return os.readlink(self.layer_path(node))
        row = node.row if isinstance(node, File) and node.row is not None else self._row(ino)
        if self.table.mode[row] != MODE_SYMLINK:
            raise fail(errno.EINVAL)
        return self.content.whole(self.table.oid(row))

    def base_row(self, ino: int) -> int | None:
        """The base row whose blob is the file's content, or None when it lies in a layer or in the context."""
        node = self.inodes.nodes.get(ino)
        if node is None:
            return None if ino == GIT_FILE_INODE else self._row(ino)
        return node.row if isinstance(node, File) and node.fd is None and node.layer is None else None

    def read(self, ino: int, offset: int, length: int) -> bytes:
        """Up to `length` bytes of an open file."""
        row = self.base_row(ino)
        if row is not None and self.table.converted[row]:
            return self.converted.read(row, offset, length)
        if row is not None:
            return self.content.read(self.table.oid(row), offset, length)
        node = self.inodes.nodes.get(ino)
        if isinstance(node, File):
            return self._read_file(node, offset, length)
        return self.git_file[offset : offset + length]

    def _read_file(self, node: File, offset: int, length: int) -> bytes:
        if node.context is None or node.fd is not None:
            return os.pread(self.file_descriptor(node), length, offset)
        fd = open_readable(node.context)  # kept open it would not be the file that is there later
        try:
            return os.pread(fd, length, offset)
        finally:
            os.close(fd)

    def file_descriptor(self, node: File) -> int:
        """Descriptor of a file's bytes in its layer: kept for a while, and for good once the file has no name."""
        if node.fd is None:
            if not node.links:
                raise fail(errno.ESTALE)
            fd = open_any(self.layer_path(node)) if node.context is None else open_readable(node.context)
            return self.descriptors.keep(node, fd)
        return node.fd

    def spill_path_needed(self, ino: int) -> bytes | None:
        """Object name of a large blob that must be spilled before `read`, or None."""
        row = self.base_row(ino)
        if row is None or self.table.size[row] <= self.content.memory_limit or self.table.converted[row]:
            return None
        oid = self.table.oid(row)
        return oid if self.content.needs_spill(oid) else None

    def copier(self, row: int) -> Callable[[bytes], None]:
        """What copies the content of a clean file to a new one; a large one may be copied in a thread."""
        if self.table.converted[row]:
            return partial(self.converted.copy_to, row)
        return partial(self.content.copy_to, self.table.oid(row), self.table.size[row])

    def statfs(self) -> os.statvfs_result:
        """Room on the file system that holds the top layer."""
        return os.statvfs(self.delta.root)


def _git_file_attrs(size: int, owner: Owner, when: int) -> Attrs:
    mode = stat.S_IFREG | 0o644
    return Attrs(GIT_FILE_INODE, mode, 1, *owner, 0, size, _blocks(mode, size), when, when, when)


def _blocks(mode: int, size: int) -> int:
    """The space that ext4 gives content of this size, for what adds it up."""
    if stat.S_ISLNK(mode) and size < INLINE_LINK:
        return 0
    return -(-size // ALLOCATED) * (ALLOCATED // BLOCK)


def _from_stat(status: os.stat_result, node: Directory | File) -> Attrs:
    nlink = 1 if isinstance(node, Directory) else status.st_nlink if node.links else 0
    return Attrs(
        node.ino, status.st_mode, nlink, status.st_uid, status.st_gid, status.st_rdev,
        status.st_size, status.st_blocks, status.st_atime_ns, status.st_mtime_ns, status.st_ctime_ns, node.generation,
    )  # fmt: skip
