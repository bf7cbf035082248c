"""Random file system operations that can be carried out in a directory and compared with another way to do the same.

Paths are short and few, so that operations meet each other. Symbolic links point nowhere, so that no path leads
through one.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import random
import reprlib
import stat
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, Protocol

NOREPLACE = 1
EXCHANGE = 2
NAMES = ("a", "b", "c", "d")
SLOTS = 4
MODES = (0o644, 0o755, 0o600, 0o444, 0o700, 0o640, 0o000)
DANGLING = "nowhere"
UNREADABLE = b"its mode forbids to read it"


class Operation(NamedTuple):
    """Name of a method of `Actor` and its arguments."""

    name: str
    args: tuple[Any, ...]

    def __str__(self) -> str:
        return f"{self.name}{reprlib.repr(self.args)}"


class Actor(Protocol):
    """Something that carries out operations on paths relative to its top; failures raise OSError."""

    def write(self, path: str, data: bytes) -> object: ...
    def append(self, path: str, data: bytes) -> object: ...
    def patch(self, path: str, offset: int, data: bytes) -> object: ...
    def truncate(self, path: str, size: int) -> object: ...
    def read(self, path: str) -> bytes: ...
    def mkdir(self, path: str, mode: int) -> object: ...
    def rmdir(self, path: str) -> object: ...
    def unlink(self, path: str) -> object: ...
    def rename(self, source: str, target: str, flags: int) -> object: ...
    def link(self, source: str, target: str) -> object: ...
    def symlink(self, target: str, path: str) -> object: ...
    def mkfifo(self, path: str) -> object: ...
    def chmod(self, path: str, mode: int) -> object: ...
    def setxattr(self, path: str, value: bytes) -> object: ...
    def listdir(self, path: str) -> list[str]: ...
    def open(self, slot: int, path: str) -> object: ...
    def handle_write(self, slot: int, offset: int, data: bytes) -> object: ...
    def handle_read(self, slot: int) -> bytes: ...
    def close(self, slot: int) -> object: ...


def perform(actor: Actor, operation: Operation) -> object:
    """What an operation gives, or the name of the error it ends with."""
    try:
        result = getattr(actor, operation.name)(*operation.args)
    except OSError as error:
        return errno.errorcode[error.errno or 0]
    return result if isinstance(result, bytes | list) else None


def random_operation(rng: random.Random, names: Mapping[str, str] | None = None) -> Operation:
    """One operation on random paths; `names` gives other names to some of the usual ones."""
    name = rng.choices(list(_MAKERS), [weight for weight, _ in _MAKERS.values()])[0]
    args = _MAKERS[name][1](rng)
    return Operation(name, tuple(_renamed(value, names or {}) for value in args))


def _renamed(value: object, names: Mapping[str, str]) -> object:
    return "/".join(names.get(part, part) for part in value.split("/")) if isinstance(value, str) else value


def _path(rng: random.Random) -> str:
    return "/".join(rng.choice(NAMES) for _ in range(rng.choice((1, 1, 2, 2, 3))))


def _data(rng: random.Random) -> bytes:
    return bytes([rng.randrange(97, 123)]) * rng.choice((0, 1, 10, 5000))


_MAKERS: dict[str, tuple[int, Callable[[random.Random], tuple[Any, ...]]]] = {
    "write": (12, lambda rng: (_path(rng), _data(rng))),
    "append": (4, lambda rng: (_path(rng), _data(rng))),
    "patch": (5, lambda rng: (_path(rng), rng.randrange(20), _data(rng))),
    "truncate": (4, lambda rng: (_path(rng), rng.choice((0, 3, 6000)))),
    "read": (6, lambda rng: (_path(rng),)),
    "mkdir": (8, lambda rng: (_path(rng), rng.choice((0o755, 0o700)))),
    "rmdir": (5, lambda rng: (_path(rng),)),
    "unlink": (8, lambda rng: (_path(rng),)),
    "rename": (22, lambda rng: (_path(rng), _path(rng), rng.choice((0, 0, 0, 0, NOREPLACE, EXCHANGE)))),
    "link": (5, lambda rng: (_path(rng), _path(rng))),
    "symlink": (3, lambda rng: (DANGLING, _path(rng))),
    "mkfifo": (1, lambda rng: (_path(rng),)),
    "chmod": (4, lambda rng: (_path(rng), rng.choice(MODES))),
    "setxattr": (2, lambda rng: (_path(rng), rng.randbytes(3))),
    "listdir": (4, lambda rng: (_path(rng),)),
    "open": (6, lambda rng: (rng.randrange(SLOTS), _path(rng))),
    "handle_write": (4, lambda rng: (rng.randrange(SLOTS), rng.randrange(20), _data(rng))),
    "handle_read": (4, lambda rng: (rng.randrange(SLOTS),)),
    "close": (2, lambda rng: (rng.randrange(SLOTS),)),
}
"""Kinds of operations with their weight and how their arguments are chosen."""


def renameat2(source: str, target: str, flags: int) -> None:
    """renameat2(2). Raises OSError."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.renameat2(-100, os.fsencode(source), -100, os.fsencode(target), flags) != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code), source)


class Native:
    """Carries out operations below a directory through the kernel."""

    def __init__(self, top: str) -> None:
        self._top = top
        self._handles: dict[int, int] = {}

    def _at(self, path: str) -> str:
        return os.path.join(self._top, path)

    def _open(self, path: str, flags: int) -> int:
        full = self._at(path)
        with contextlib.suppress(FileNotFoundError):
            if stat.S_ISFIFO(os.lstat(full).st_mode):
                raise OSError(errno.ENXIO, "a fifo has nobody at its other end")
        return os.open(full, flags | os.O_NOFOLLOW, 0o644)

    def write(self, path: str, data: bytes) -> object:
        fd = self._open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        with open(fd, "wb") as file:
            return file.write(data)

    def append(self, path: str, data: bytes) -> object:
        with open(self._open(path, os.O_WRONLY | os.O_APPEND), "wb") as file:
            return file.write(data)

    def patch(self, path: str, offset: int, data: bytes) -> object:
        fd = self._open(path, os.O_RDWR)
        try:
            return os.pwrite(fd, data, offset)
        finally:
            os.close(fd)

    def truncate(self, path: str, size: int) -> None:
        fd = self._open(path, os.O_RDWR)
        try:
            os.ftruncate(fd, size)
        finally:
            os.close(fd)

    def read(self, path: str) -> bytes:
        with open(self._open(path, os.O_RDONLY), "rb") as file:
            return file.read()

    def mkdir(self, path: str, mode: int) -> None:
        os.mkdir(self._at(path), mode)

    def rmdir(self, path: str) -> None:
        os.rmdir(self._at(path))

    def unlink(self, path: str) -> None:
        os.unlink(self._at(path))

    def rename(self, source: str, target: str, flags: int) -> None:
        renameat2(self._at(source), self._at(target), flags)

    def link(self, source: str, target: str) -> None:
        os.link(self._at(source), self._at(target), follow_symlinks=False)

    def symlink(self, target: str, path: str) -> None:
        os.symlink(target, self._at(path))

    def mkfifo(self, path: str) -> None:
        os.mkfifo(self._at(path), 0o600)

    def chmod(self, path: str, mode: int) -> None:
        full = self._at(path)
        if stat.S_ISLNK(os.lstat(full).st_mode):
            raise OSError(errno.EOPNOTSUPP, "links have no mode")
        os.chmod(full, mode | (0o700 if os.path.isdir(full) else 0))

    def setxattr(self, path: str, value: bytes) -> None:
        os.setxattr(self._at(path), "user.test", value, follow_symlinks=False)

    def listdir(self, path: str) -> list[str]:
        return sorted(os.listdir(self._at(path)))

    def open(self, slot: int, path: str) -> object:
        fd = self._open(path, os.O_RDWR)
        self.close(slot)
        self._handles[slot] = fd
        return None

    def handle_write(self, slot: int, offset: int, data: bytes) -> object:
        return os.pwrite(self._handles[slot], data, offset) if slot in self._handles else None

    def handle_read(self, slot: int) -> bytes:
        return os.pread(self._handles[slot], 1 << 20, 0) if slot in self._handles else b""

    def close(self, slot: int) -> None:
        fd = self._handles.pop(slot, None)
        if fd is not None:
            os.close(fd)

    def close_all(self) -> None:
        """Close every handle that is open."""
        for slot in list(self._handles):
            self.close(slot)


class Seen(NamedTuple):
    """What one path is: permission bits and links do not count for a symbolic link, links not for a directory."""

    kind: int
    bits: int
    links: int
    content: bytes
    xattrs: tuple[tuple[str, bytes], ...]


def see(top: str) -> dict[str, Seen]:
    """Everything below a directory but a `.git` at its top."""
    found: dict[str, Seen] = {}
    for directory, directories, files in os.walk(top):
        for name in [*directories, *files]:
            path = os.path.relpath(os.path.join(directory, name), top)
            if path != ".git":
                found[path] = _see(os.path.join(directory, name))
    return found


def _see(path: str) -> Seen:
    status = os.lstat(path)
    kind = stat.S_IFMT(status.st_mode)
    if kind == stat.S_IFREG and not os.access(path, os.R_OK, effective_ids=True):
        return Seen(kind, stat.S_IMODE(status.st_mode), status.st_nlink, UNREADABLE, ())
    names = [name for name in os.listxattr(path, follow_symlinks=False) if name.startswith("user.")]
    xattrs = tuple((name, os.getxattr(path, name, follow_symlinks=False)) for name in sorted(names))
    if kind == stat.S_IFLNK:
        return Seen(kind, 0, status.st_nlink, os.fsencode(os.readlink(path)), xattrs)
    content = b""
    if kind == stat.S_IFREG:
        with open(path, "rb") as file:
            content = file.read()
        assert status.st_size == len(content), path
    return Seen(kind, stat.S_IMODE(status.st_mode), 1 if kind == stat.S_IFDIR else status.st_nlink, content, xattrs)


def link_groups(top: str) -> set[frozenset[str]]:
    """Sets of paths that are the same file."""
    groups: dict[int, set[str]] = {}
    for path in see(top):
        status = os.lstat(os.path.join(top, path))
        if not stat.S_ISDIR(status.st_mode):
            groups.setdefault(status.st_ino, set()).add(path)
    return {frozenset(group) for group in groups.values()}
