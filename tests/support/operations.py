"""Random file system operations that can be carried out in a directory and compared with another way to do the same.

Paths are short and few, so that operations meet each other. Symbolic links point nowhere, so that no path leads
through one. A path that starts with "./" is meant from the working directory, any other from the top.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import fcntl
import mmap
import os
import random
import reprlib
import stat
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

NOREPLACE = 1
EXCHANGE = 2
NAMES = ("a", "b", "c", "d")
SLOTS = 2
MODES = (0o644, 0o755, 0o600, 0o444, 0o700, 0o640, 0o000)
DANGLING = "nowhere"
PAST = (0, 1_000_000_000_123_456_789, 1_300_000_000_000_000_001)
"""Times that are given to files, in nanoseconds."""
RECENT = -1
"""Stands for every time that was not given to a file but came with a change of it."""
UNREADABLE = b"its mode forbids to read it"


class Operation(NamedTuple):
    """Name of a method of `Actor` or `Native` and its arguments.

    A `watched` one also tells which of the paths it names are the same file before and after it.
    """

    name: str
    args: tuple[Any, ...]
    watched: bool = False

    def __repr__(self) -> str:
        return f"{self.name}{reprlib.repr(self.args)}{' watched' if self.watched else ''}"


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
    def utime(self, path: str, mtime_ns: int) -> object: ...
    def setxattr(self, path: str, value: bytes) -> object: ...
    def listdir(self, path: str) -> list[str]: ...
    def open(self, slot: int, path: str) -> object: ...
    def handle_write(self, slot: int, offset: int, data: bytes) -> object: ...
    def handle_read(self, slot: int) -> bytes: ...
    def close(self, slot: int) -> object: ...


def perform(actor: Actor, operation: Operation) -> object:
    """What an operation gives, or the name of the error it ends with."""
    if operation.watched:
        assert isinstance(actor, Native)
        before = actor.numbers(operation)
        return perform(actor, operation._replace(watched=False)), same_files([*before, *actor.numbers(operation)])
    try:
        result = getattr(actor, operation.name)(*operation.args)
    except OSError as error:
        return errno.errorcode[error.errno or 0]
    return result if isinstance(result, bytes | list | Status) else None


def same_files(numbers: Sequence[int | None]) -> list[int | None]:
    """Inode numbers replaced by the position where each occurs first."""
    return [None if number is None else numbers.index(number) for number in numbers]


def random_operation(
    rng: random.Random,
    names: Mapping[str, str] | None = None,
    *,
    kinds: Collection[str] = (),
    existing: Sequence[str] = (),
    remembered: Sequence[str] = (),
) -> Operation:
    """One operation on random paths, most of them out of `existing` and `remembered` ones.

    `names` gives other names to some of the usual ones; `kinds` are those to choose from, by default what every
    actor can do.
    """
    kinds = list(kinds or BASIC)
    name = rng.choices(kinds, [_MAKERS[kind][0] for kind in kinds])[0]
    args = _MAKERS[name][1](rng)
    known = Known(names or {}, existing, remembered)
    return Operation(
        name, tuple(_real_path(rng, value, known) if isinstance(value, _Path) else value for value in args)
    )


class Known(NamedTuple):
    """Names to use instead of the usual ones, paths that exist, and paths that matter whether they exist or not."""

    names: Mapping[str, str]
    existing: Sequence[str]
    remembered: Sequence[str]


class _Path(str):
    """A path that is better replaced by one that exists."""


class _Place(_Path):
    """A path that something is made at, which works only where nothing exists."""


def _real_path(rng: random.Random, path: _Path, known: Known) -> str:
    chance = rng.random()
    if known.remembered and chance < 0.25:
        return rng.choice(known.remembered)
    if not known.existing or chance > 0.85:
        return "/".join(known.names.get(part, part) for part in path.split("/"))
    chosen = rng.choice(known.existing)
    if not isinstance(path, _Place):
        return chosen
    name = rng.choice(NAMES)
    return os.path.join(os.path.dirname(chosen), known.names.get(name, name))


def _path(rng: random.Random) -> _Path:
    return _Path("/".join(rng.choice(NAMES) for _ in range(rng.choice((1, 1, 2, 2, 3)))))


def _place(rng: random.Random) -> _Place:
    return _Place(_path(rng))


def _data(rng: random.Random) -> bytes:
    return bytes([rng.randrange(97, 123)]) * rng.choice((0, 1, 10, 5000))


def _slot(rng: random.Random) -> int:
    return rng.randrange(SLOTS)


def _flags(rng: random.Random) -> int:
    return rng.choice((0, 0, 0, 0, NOREPLACE, EXCHANGE))


Maker = Callable[[random.Random], tuple[Any, ...]]

CONTENT: dict[str, tuple[int, Maker]] = {
    "write": (12, lambda rng: (rng.choice((_path, _place))(rng), _data(rng))),
    "append": (4, lambda rng: (_path(rng), _data(rng))),
    "patch": (5, lambda rng: (_path(rng), rng.randrange(20), _data(rng))),
    "truncate": (4, lambda rng: (_path(rng), rng.choice((0, 3, 6000)))),
    "read": (6, lambda rng: (_path(rng),)),
}
TREE: dict[str, tuple[int, Maker]] = {
    "mkdir": (8, lambda rng: (_place(rng), rng.choice((0o755, 0o700)))),
    "rmdir": (5, lambda rng: (_path(rng),)),
    "unlink": (8, lambda rng: (_path(rng),)),
    "rename": (22, lambda rng: (_path(rng), _place(rng), _flags(rng))),
    "link": (5, lambda rng: (_path(rng), _place(rng))),
    "symlink": (3, lambda rng: (DANGLING, _place(rng))),
    "mkfifo": (1, lambda rng: (_place(rng),)),
    "listdir": (4, lambda rng: (_path(rng),)),
}
ATTRIBUTES: dict[str, tuple[int, Maker]] = {
    "chmod": (4, lambda rng: (_path(rng), rng.choice(MODES))),
    "utime": (2, lambda rng: (_path(rng), rng.choice(PAST))),
    "setxattr": (2, lambda rng: (_path(rng), rng.randbytes(3))),
}
HANDLES: dict[str, tuple[int, Maker]] = {
    "open": (6, lambda rng: (_slot(rng), _path(rng))),
    "handle_write": (4, lambda rng: (_slot(rng), rng.randrange(20), _data(rng))),
    "handle_read": (4, lambda rng: (_slot(rng),)),
    "close": (2, lambda rng: (_slot(rng),)),
}
KERNEL: dict[str, tuple[int, Maker]] = {
    "open_append": (4, lambda rng: (_slot(rng), _path(rng))),
    "open_new": (4, lambda rng: (_slot(rng), _place(rng))),
    "handle_append": (6, lambda rng: (_slot(rng), _data(rng))),
    "handle_truncate": (2, lambda rng: (_slot(rng), rng.choice((0, 3, 6000)))),
    "handle_chmod": (2, lambda rng: (_slot(rng), rng.choice(MODES))),
    "handle_unlink": (5, lambda rng: (_slot(rng),)),
    "handle_stat": (4, lambda rng: (_slot(rng),)),
    "handle_lock": (1, lambda rng: (_slot(rng),)),
    "handle_map": (4, lambda rng: (_slot(rng), rng.randrange(20), bytes([rng.randrange(97, 123)]))),
    "mmap_write": (4, lambda rng: (_path(rng), rng.randrange(20), bytes([rng.randrange(97, 123)]))),
    "stat": (5, lambda rng: (_path(rng),)),
    "removexattr": (2, lambda rng: (_path(rng),)),
    "chdir": (5, lambda rng: (_path(rng),)),
    "where": (2, lambda rng: ()),
}
BASIC = {**CONTENT, **TREE, **ATTRIBUTES, **HANDLES}
"""What every actor can do."""
_MAKERS = {**BASIC, **KERNEL}
"""Kinds of operations with their weight and how their arguments are chosen."""


def renameat2(source: str, target: str, flags: int) -> None:
    """renameat2(2). Raises OSError."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.renameat2(-100, os.fsencode(source), -100, os.fsencode(target), flags) != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code), source)


class Status(NamedTuple):
    """What stat(2) says that must be the same everywhere; a directory's links and size count for nothing."""

    mode: int
    links: int
    size: int
    mtime_ns: int


def status_of(status: os.stat_result, since_ns: int) -> Status:
    """The comparable part of a status; times later than `since_ns` are `RECENT`."""
    counts = not stat.S_ISDIR(status.st_mode)
    mtime = RECENT if status.st_mtime_ns >= since_ns else status.st_mtime_ns
    return Status(status.st_mode, status.st_nlink if counts else 1, status.st_size if counts else 0, mtime)


class Native:
    """Carries out operations below a directory through the kernel. `since_ns` is when it started to."""

    def __init__(self, top: str, since_ns: int = 0) -> None:
        self._top = top
        self._since_ns = since_ns
        self._handles: dict[int, int] = {}
        self._opened: dict[int, str] = {}

    def _at(self, path: str) -> str:
        return path if path.startswith("./") else os.path.join(self._top, path)

    def numbers(self, operation: Operation) -> list[int | None]:
        """Inode number of each path that an operation names, None where there is nothing."""
        return [self._number(value) for value in operation.args if isinstance(value, str)]

    def _number(self, path: str) -> int | None:
        with contextlib.suppress(OSError):
            return os.lstat(self._at(path)).st_ino
        return None

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
        fd = self._open(path, os.O_RDONLY)
        try:
            with open(fd, "rb", closefd=False) as file:  # which refuses directories, and would not close those
                return file.read()
        finally:
            os.close(fd)

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

    def utime(self, path: str, mtime_ns: int) -> None:
        os.utime(self._at(path), ns=(mtime_ns, mtime_ns), follow_symlinks=False)

    def setxattr(self, path: str, value: bytes) -> None:
        os.setxattr(self._at(path), "user.test", value, follow_symlinks=False)

    def removexattr(self, path: str) -> None:
        os.removexattr(self._at(path), "user.test", follow_symlinks=False)

    def stat(self, path: str) -> Status:
        return status_of(os.lstat(self._at(path)), self._since_ns)

    def mmap_write(self, path: str, offset: int, data: bytes) -> object:
        fd = self._open(path, os.O_RDWR)
        try:
            return _write_mapped(fd, offset, data)
        finally:
            os.close(fd)

    def chdir(self, path: str) -> None:
        os.chdir(self._at(path))

    def where(self) -> bytes:
        """The working directory, seen from the top."""
        return os.fsencode(os.path.relpath(os.readlink("/proc/self/cwd"), self._top))

    def listdir(self, path: str) -> list[str]:
        return sorted(os.listdir(self._at(path)))

    def open(self, slot: int, path: str) -> None:
        self._keep(slot, path, os.O_RDWR)

    def open_append(self, slot: int, path: str) -> None:
        self._keep(slot, path, os.O_RDWR | os.O_APPEND | os.O_CREAT)

    def open_new(self, slot: int, path: str) -> None:
        self._keep(slot, path, os.O_RDWR | os.O_EXCL | os.O_CREAT)

    def _on(self, slot: int, action: Callable[[int], object]) -> object:
        """Do something with an open file, if there is one in the slot."""
        return action(self._handles[slot]) if slot in self._handles else None

    def _keep(self, slot: int, path: str, flags: int) -> None:
        fd = self._open(path, flags)
        self.close(slot)
        self._handles[slot], self._opened[slot] = fd, path

    def handle_append(self, slot: int, data: bytes) -> object:
        return self._on(slot, lambda fd: os.write(fd, data))

    def handle_truncate(self, slot: int, size: int) -> object:
        return self._on(slot, lambda fd: os.ftruncate(fd, size))

    def handle_chmod(self, slot: int, mode: int) -> object:
        return self._on(slot, lambda fd: os.fchmod(fd, mode))

    def handle_unlink(self, slot: int) -> object:
        """Remove the name under which a file was opened."""
        return self._on(slot, lambda fd: self.unlink(self._opened[slot]))

    def handle_stat(self, slot: int) -> object:
        return self._on(slot, lambda fd: status_of(os.fstat(fd), self._since_ns))

    def handle_lock(self, slot: int) -> object:
        return self._on(slot, lambda fd: fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB))

    def handle_map(self, slot: int, offset: int, data: bytes) -> object:
        return self._on(slot, lambda fd: _write_mapped(fd, offset, data))

    def handle_write(self, slot: int, offset: int, data: bytes) -> object:
        return self._on(slot, lambda fd: os.pwrite(fd, data, offset))

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


def _write_mapped(fd: int, offset: int, data: bytes) -> object:
    """Write within a file through a shared mapping; what lies behind its end is left out."""
    size = os.fstat(fd).st_size
    if offset >= size:
        return None
    with mmap.mmap(fd, size) as mapping:
        mapping[offset : offset + len(data)] = data
        mapping.flush()
    return None


class Seen(NamedTuple):
    """What one path is: permission bits and links do not count for a symbolic link, links not for a directory."""

    kind: int
    bits: int
    links: int
    content: bytes
    xattrs: tuple[tuple[str, bytes], ...]


def paths_below(top: str) -> Iterator[str]:
    """Every path below a directory but a `.git` at its top."""
    for folder, directories, files in os.walk(top):
        for name in [*directories, *files]:
            path = os.path.relpath(os.path.join(folder, name), top)
            if path != ".git":
                yield path


def see(top: str) -> dict[str, Seen]:
    """Everything below a directory but a `.git` at its top."""
    return {path: _see(os.path.join(top, path)) for path in paths_below(top)}


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


def times(top: str, since_ns: int) -> dict[str, int]:
    """When everything that `see` finds, and the top itself, was changed last."""
    return {path: status_of(os.lstat(os.path.join(top, path)), since_ns).mtime_ns for path in ["", *paths_below(top)]}


def link_groups(top: str) -> set[frozenset[str]]:
    """Sets of paths that are the same file."""
    groups: dict[int, set[str]] = {}
    for path in paths_below(top):
        status = os.lstat(os.path.join(top, path))
        if not stat.S_ISDIR(status.st_mode):
            groups.setdefault(status.st_ino, set()).add(path)
    return {frozenset(group) for group in groups.values()}


def snapshot(top: str) -> dict[str, tuple[int, int, int, int]]:
    """Number, mode, time and size of everything in a layer."""
    found = {}
    for folder, directories, files in os.walk(top):
        for name in [*directories, *files]:
            status = os.lstat(os.path.join(folder, name))
            found[os.path.join(folder, name)] = (status.st_ino, status.st_mode, status.st_mtime_ns, status.st_size)
    return found
