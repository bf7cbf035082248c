"""A view driven by paths, the way the kernel drives it: every component is looked up, files are opened by number."""

from __future__ import annotations

import errno
import os
import stat
from collections import Counter
from pathlib import Path
from typing import NamedTuple

from git_vibe.git.objects import BlobReader
from git_vibe.git.table import Table, build_table
from git_vibe.overlay import attributes, edit
from git_vibe.overlay.content import BaseContent
from git_vibe.overlay.context import Context
from git_vibe.overlay.delta import Delta
from git_vibe.overlay.edit import Caller
from git_vibe.overlay.nodes import Directory, File
from git_vibe.overlay.rename import rename
from git_vibe.overlay.seal import seal, unseal
from git_vibe.overlay.view import Owner, View
from git_vibe.store.blobs import BlobCache
from git_vibe.types import ROOT_INODE, Attrs, LayerId
from tests.support.operations import EXCHANGE, NOREPLACE, UNREADABLE, Seen

GIT_FILE = b"gitdir: /nowhere\n"
BASE_TIME = 1_700_000_000 * 10**9
STREAM_THRESHOLD = 4000


class Session(NamedTuple):
    """Where a session without a mount keeps things."""

    common_dir: Path
    layers: Path
    context: Path
    cache: Path


def new_session(repo: Path, where: Path) -> Session:
    """An empty session of the repository whose work tree is `repo`."""
    session = Session(repo / ".git", where / "layers", where / "context", where / "cache")
    for directory in (session.layers / "0001" / "tree", session.layers / "0001" / "work", session.context):
        directory.mkdir(parents=True)
    return session


class Objects(NamedTuple):
    """What is read from the repository, opened once."""

    table: Table
    blobs: BlobReader


def open_objects(session: Session) -> Objects:
    """The base of a session: HEAD."""
    table = Table(memoryview(build_table(session.common_dir, "HEAD", BASE_TIME)))
    return Objects(table, BlobReader(session.common_dir))


def open_view(session: Session, objects: Objects) -> View:
    """A view over the layers as they are on disk."""
    ids = sorted(LayerId(int(path.name)) for path in session.layers.iterdir() if path.name.isdigit())
    return View(
        objects.table,
        Delta(session.layers, ids),
        Context(os.fsencode(session.context)),
        BaseContent(objects.blobs, BlobCache(session.cache, STREAM_THRESHOLD), STREAM_THRESHOLD),
        owner=Owner(os.geteuid(), os.getegid()),
        git_file=GIT_FILE,
    )


class Driver:
    """Operations by path on one session; `view` is replaced by `remount`. Checks what the kernel would check."""

    def __init__(self, session: Session, objects: Objects | None = None) -> None:
        self.session = session
        self.objects = objects or open_objects(session)
        self.view = open_view(session, self.objects)
        self.caller = Caller(os.geteuid(), os.getegid())
        self._handles: dict[int, int] = {}
        self._held: Counter[int] = Counter()

    # Paths

    def find(self, path: str) -> Attrs:
        """Attributes of what a path leads to; links are not followed."""
        found = self.view.attrs(ROOT_INODE)
        for name in _parts(path):
            if stat.S_ISLNK(found.mode):
                raise OSError(errno.ENOENT, "the links of these tests point nowhere")
            if not stat.S_ISDIR(found.mode):
                raise OSError(errno.ENOTDIR, path)
            step = self.view.lookup(found.ino, name)
            if step is None:
                raise OSError(errno.ENOENT, path)
            found = step
        return found

    def ino(self, path: str) -> int:
        """Inode number of what a path leads to."""
        return self.find(path).ino

    def place(self, path: str) -> tuple[int, bytes]:
        """Inode number of the directory of a path, and the name in it."""
        folder, _, name = path.rpartition("/")
        found = self.find(folder)
        if stat.S_ISLNK(found.mode):
            raise OSError(errno.ENOENT, path)
        if not stat.S_ISDIR(found.mode):
            raise OSError(errno.ENOTDIR, path)
        return found.ino, os.fsencode(name)

    def exists(self, path: str) -> bool:
        """Whether a path leads to something."""
        try:
            self.find(path)
        except OSError as error:
            if error.errno not in (errno.ENOENT, errno.ENOTDIR):
                raise
            return False
        return True

    # Files

    def _regular(self, path: str, flags: int) -> int:
        found = self.find(path)
        if stat.S_ISLNK(found.mode):
            raise OSError(errno.ELOOP, path)
        if stat.S_ISFIFO(found.mode):
            raise OSError(errno.ENXIO, path)
        if stat.S_ISDIR(found.mode) and flags != os.O_RDONLY:
            raise OSError(errno.EISDIR, path)
        access = flags & os.O_ACCMODE
        _check_access(found, reads=access != os.O_WRONLY, writes=access != os.O_RDONLY)
        return found.ino

    def _open(self, path: str, flags: int) -> int:
        ino = self._regular(path, flags)
        if flags & os.O_TRUNC:
            edit.truncate(self.view, ino, 0)
        self._held[ino] += 1
        return ino

    def release(self, ino: int) -> None:
        """Close one handle of an inode; the kernel forgets what is then neither open nor named."""
        self._held[ino] -= 1
        self._forget_unused(ino)

    def _forget_unused(self, ino: int) -> None:
        node = self.view.inodes.nodes.get(ino)
        if not self._held[ino] and isinstance(node, File) and not node.links:
            self.view.inodes.forget(ino, node.lookups)

    def write(self, path: str, data: bytes, mode: int = 0o644) -> int:
        """Create or truncate a file and write it; its inode number."""
        parent, name = self.place(path)
        if self.view.lookup(parent, name) is None:
            ino = edit.create(self.view, parent, name, mode, self.caller).ino
            self._held[ino] += 1
        else:
            ino = self._open(path, os.O_WRONLY | os.O_TRUNC)
        try:
            if data:
                edit.write(self.view, ino, 0, data)
        finally:
            self.release(ino)
        return ino

    def append(self, path: str, data: bytes) -> object:
        return self.patch(path, None, data)

    def patch(self, path: str, offset: int | None, data: bytes) -> object:
        ino = self._open(path, os.O_RDWR)
        try:
            where = self.view.attrs(ino).size if offset is None else offset
            return edit.write(self.view, ino, where, data) if data else None
        finally:
            self.release(ino)

    def truncate(self, path: str, size: int) -> None:
        ino = self._open(path, os.O_RDWR)
        try:
            edit.truncate(self.view, ino, size)
        finally:
            self.release(ino)

    def read(self, path: str) -> bytes:
        ino = self._open(path, os.O_RDONLY)
        try:
            if self.view.is_directory(ino):
                raise OSError(errno.EISDIR, path)
            return self._content(ino)
        finally:
            self.release(ino)

    def _content(self, ino: int) -> bytes:
        oid = self.view.spill_path_needed(ino)
        if oid is not None:
            self.view.content.use_spilled(oid, self.view.content.spill(oid))
        size = self.view.attrs(ino).size
        data = self.view.read(ino, 0, 1 << 20)
        assert len(data) == size, f"{size} bytes promised, {len(data)} read"
        return data

    def open(self, slot: int, path: str) -> object:
        ino = self._open(path, os.O_RDWR)
        self.close(slot)
        self._handles[slot] = ino
        return None

    def handle_write(self, slot: int, offset: int, data: bytes) -> object:
        return edit.write(self.view, self._handles[slot], offset, data) if slot in self._handles and data else None

    def handle_read(self, slot: int) -> bytes:
        return self._content(self._handles[slot]) if slot in self._handles else b""

    def close(self, slot: int) -> None:
        ino = self._handles.pop(slot, None)
        if ino is not None:
            self.release(ino)

    def close_all(self) -> None:
        """Close every handle that is open."""
        for slot in list(self._handles):
            self.close(slot)

    # Names

    def mkdir(self, path: str, mode: int = 0o755) -> object:
        return edit.mkdir(self.view, *self.place(path), mode, self.caller)

    def rmdir(self, path: str) -> None:
        edit.rmdir(self.view, *self.place(path))

    def unlink(self, path: str) -> None:
        ino = self.find(path).ino
        edit.unlink(self.view, *self.place(path))
        self._forget_unused(ino)

    def rename(self, source: str, target: str, flags: int = 0) -> None:
        """As the kernel does it: an ancestor of the other side is refused before the view is asked."""
        places = [self.place(source), self.place(target)]
        (old, old_name), (new, new_name) = places
        if self.view.lookup(old, old_name) is None:
            raise OSError(errno.ENOENT, source)
        there = self.view.lookup(new, new_name) is not None
        if flags & NOREPLACE and there:
            raise OSError(errno.EEXIST, target)
        if flags & EXCHANGE and not there:
            raise OSError(errno.ENOENT, target)
        if f"{target}/".startswith(f"{source}/") and source != target:
            raise OSError(errno.EINVAL, target)
        if f"{source}/".startswith(f"{target}/") and source != target:
            raise OSError(errno.EINVAL if flags & EXCHANGE else errno.ENOTEMPTY, target)
        view = self.view
        rename(view, (view.directory(old), old_name), (view.directory(new), new_name), flags)

    def link(self, source: str, target: str) -> object:
        found = self.find(source)
        parent, name = self.place(target)
        if self.view.lookup(parent, name) is not None:
            raise OSError(errno.EEXIST, target)
        if stat.S_ISDIR(found.mode):
            raise OSError(errno.EPERM, source)
        return edit.link(self.view, found.ino, parent, name)

    def symlink(self, target: str, path: str) -> object:
        return edit.symlink(self.view, *self.place(path), os.fsencode(target), self.caller)

    def mkfifo(self, path: str) -> object:
        return edit.mknod(self.view, *self.place(path), stat.S_IFIFO | 0o600, 0, self.caller)

    def listdir(self, path: str = "") -> list[str]:
        found = self.find(path)
        if stat.S_ISLNK(found.mode):
            raise OSError(errno.ENOENT, path)
        return sorted(os.fsdecode(name) for name in self.view.names(self.view.directory(found.ino)))

    # Attributes

    def chmod(self, path: str, mode: int) -> None:
        found = self.find(path)
        if stat.S_ISLNK(found.mode):
            raise OSError(errno.EOPNOTSUPP, path)
        extra = 0o700 if stat.S_ISDIR(found.mode) else 0
        attributes.chmod(self.view, found.ino, stat.S_IFMT(found.mode) | mode | extra)

    def utime(self, path: str, mtime_ns: int) -> None:
        attributes.set_times(self.view, self.ino(path), atime_ns=mtime_ns, mtime_ns=mtime_ns)

    def setxattr(self, path: str, value: bytes) -> None:
        ino = self.ino(path)
        if stat.S_IFMT(self.find(path).mode) not in (stat.S_IFREG, stat.S_IFDIR):
            raise OSError(errno.EPERM, path)
        _check_access(self.find(path), reads=False, writes=True)
        attributes.setxattr(self.view, ino, b"user.test", value)

    # The whole

    def seal(self) -> list[LayerId]:
        """Seal the view."""
        return seal(self.view)

    def unseal(self) -> None:
        """Fold the layers together again."""
        unseal(self.view)

    def remount(self) -> None:
        """Forget everything that is in memory and read the layers again."""
        self._close()
        self.view = open_view(self.session, self.objects)

    def _close(self) -> None:
        """Close every file; the process that runs the tests makes many views."""
        self.close_all()
        for node in self.view.inodes.nodes.values():
            if isinstance(node, File):
                node.close()
        for fd in self.view.content._spilled._open.values():
            os.close(fd)

    def __del__(self) -> None:
        self._close()

    def walk(self) -> dict[str, Attrs]:
        """Attributes of every path but `.git`."""
        found: dict[str, Attrs] = {}
        pending: list[tuple[str, int]] = [("", ROOT_INODE)]
        while pending:
            folder, ino = pending.pop()
            for name in list(self.view.names(self.view.directory(ino))):
                path = os.path.join(folder, os.fsdecode(name))
                if path == ".git":
                    continue
                attrs = found[path] = self.find(path)
                if stat.S_ISDIR(attrs.mode):
                    pending.append((path, attrs.ino))
        return found

    def see(self) -> dict[str, Seen]:
        """Everything in the view but `.git`, in the same terms as `tests.support.operations.see`."""
        return {path: self._see(path, attrs) for path, attrs in self.walk().items()}

    def _see(self, path: str, attrs: Attrs) -> Seen:
        kind = stat.S_IFMT(attrs.mode)
        if kind == stat.S_IFREG and os.geteuid() != 0 and not attrs.mode & stat.S_IRUSR:
            return Seen(kind, stat.S_IMODE(attrs.mode), attrs.nlink, UNREADABLE, ())
        names = sorted(os.fsdecode(name) for name in attributes.listxattr(self.view, attrs.ino))
        xattrs = tuple((name, attributes.getxattr(self.view, attrs.ino, os.fsencode(name))) for name in names)
        if kind == stat.S_IFLNK:
            return Seen(kind, 0, attrs.nlink, self.view.readlink(attrs.ino), xattrs)
        content = self.read(path) if kind == stat.S_IFREG else b""
        return Seen(kind, stat.S_IMODE(attrs.mode), attrs.nlink, content, xattrs)

    def numbers(self) -> dict[str, int]:
        """Inode number of every path; links, fifos and sockets cannot carry theirs and are left out."""
        return {
            path: attrs.ino
            for path, attrs in self.walk().items()
            if stat.S_ISREG(attrs.mode) or stat.S_ISDIR(attrs.mode)
        }

    def link_groups(self) -> set[frozenset[str]]:
        """Sets of paths that are the same file."""
        groups: dict[int, set[str]] = {}
        for path, attrs in self.walk().items():
            if not stat.S_ISDIR(attrs.mode):
                groups.setdefault(attrs.ino, set()).add(path)
        return {frozenset(group) for group in groups.values()}

    def directory(self, path: str) -> Directory:
        """The node of a directory."""
        return self.view.directory(self.ino(path))

    def layer_path(self, path: str, layer: int = 1) -> Path:
        """Where a layer keeps a path."""
        return self.session.layers / LayerId(layer).dirname / "tree" / path


def _check_access(attrs: Attrs, *, reads: bool, writes: bool) -> None:
    """What the kernel allows the owner of a file."""
    wanted = (stat.S_IRUSR if reads else 0) | (stat.S_IWUSR if writes else 0)
    if os.geteuid() != 0 and attrs.mode & wanted != wanted:
        raise OSError(errno.EACCES, os.strerror(errno.EACCES))


def _parts(path: str) -> list[bytes]:
    return [os.fsencode(part) for part in path.split("/") if part]
