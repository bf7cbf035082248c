"""What the kernel asks, translated for a View and back; it has no logic of its own.

The kernel is told to open files and directories without asking (OPEN, OPENDIR and CREATE are answered with ENOSYS),
so requests name inodes only and a file that is in the page cache is read without any. Entries and attributes are
cached by the kernel without limit, because only requests through this mount change them; where the context is merged
in, and the user may change files behind the mount, they are cached for `VOLATILE`, and what changed is taken out of
the caches before a request is answered that shows it.

A request is handled by one synchronous call of the view. What is slow comes before it and is awaited: spilling a
large blob, copying a large file and writing one out. Such a handler returns a coroutine. Anything may have changed
when that goes on, so nothing but numbers and names outlives an await: reading looks again whether it must wait, and
copy-up takes a copy only when its source is as it was.
"""

from __future__ import annotations

import errno
import stat
from collections.abc import Callable, Coroutine
from functools import partial

from git_vibe.mount import wire
from git_vibe.mount.listing import Listings
from git_vibe.mount.loop import Loop
from git_vibe.mount.wire import FOREVER, Request, Timeout
from git_vibe.overlay import attributes, durable, edit, space
from git_vibe.overlay.ahead import large_copy, large_writeout
from git_vibe.overlay.edit import Caller
from git_vibe.overlay.rename import rename
from git_vibe.overlay.view import View, fail
from git_vibe.store.layer import RENAME_EXCHANGE
from git_vibe.types import Attrs

VOLATILE: Timeout = (0, 500_000_000)
FEATURES = (
    wire.ASYNC_READ
    | wire.BIG_WRITES
    | wire.DO_READDIRPLUS
    | wire.ASYNC_DIO
    | wire.PARALLEL_DIROPS
    | wire.MAX_PAGES
    | wire.CACHE_SYMLINKS
    | wire.HANDLE_KILLPRIV_V2
)
"""Not among them: AUTO_INVAL_DATA, which would drop a file's pages after each write, and the writeback cache, which
would have every close forget attributes."""

_COPYING = wire.FATTR_UID | wire.FATTR_GID | wire.FATTR_MODE | wire.FATTR_MTIME | wire.FATTR_KILL_SUIDGID
"""Changes of attributes that copy up the content of a clean file."""

Reply = bytes | None
"""The body of an answer; None where none is expected."""
Answer = Reply | Coroutine[None, None, Reply]
Handler = Callable[[Request, memoryview], Answer]


class Operations:
    """Answers the requests for one view; `handlers` has what answers each opcode."""

    def __init__(self, view: View, loop: Loop) -> None:
        self._view = view
        self._loop = loop
        self._stamps: dict[int, tuple[int, ...]] = {}
        self._listings = Listings(view)
        self.handlers: dict[int, Handler] = {
            wire.INIT: self._init,
            wire.LOOKUP: self._lookup,
            wire.FORGET: self._forget,
            wire.BATCH_FORGET: self._batch_forget,
            wire.GETATTR: self._getattr,
            wire.SETATTR: self._setattr,
            wire.READLINK: self._readlink,
            wire.SYMLINK: self._symlink,
            wire.MKNOD: self._mknod,
            wire.MKDIR: self._mkdir,
            wire.TMPFILE: self._tmpfile,
            wire.UNLINK: self._unlink,
            wire.RMDIR: self._rmdir,
            wire.RENAME: self._rename,
            wire.RENAME2: self._rename2,
            wire.LINK: self._link,
            wire.READ: self._read,
            wire.WRITE: self._write,
            wire.LSEEK: self._lseek,
            wire.FALLOCATE: self._fallocate,
            wire.COPY_FILE_RANGE: self._copy_file_range,
            wire.RELEASE: _done,
            wire.FSYNC: self._fsync,
            wire.FSYNCDIR: self._fsyncdir,
            wire.READDIR: partial(self._readdir, plus=False),
            wire.READDIRPLUS: partial(self._readdir, plus=True),
            wire.STATFS: self._statfs,
            wire.SETXATTR: self._setxattr,
            wire.GETXATTR: self._getxattr,
            wire.LISTXATTR: self._listxattr,
            wire.REMOVEXATTR: self._removexattr,
            wire.INTERRUPT: _ignore,
            wire.DESTROY: _done,
        }

    def _init(self, request: Request, body: memoryview) -> Reply:
        return wire.answer_init(body, FEATURES)

    # Finding

    def _lookup(self, request: Request, body: memoryview) -> Answer:
        attrs = self._view.lookup(request.ino, body[:-1].tobytes())
        if attrs is None:
            return wire.pack_absent(self._timeout(request.ino))
        return self._after_change(attrs.ino, self._entry(request.ino, attrs))

    def _forget(self, request: Request, body: memoryview) -> Reply:
        self._view.inodes.forget(request.ino, *wire.FORGET_IN.unpack_from(body))
        return None

    def _batch_forget(self, request: Request, body: memoryview) -> Reply:
        for ino, count in wire.FORGET_ONE.iter_unpack(body[wire.BATCH_FORGET_IN.size :]):
            self._view.inodes.forget(ino, count)
        return None

    def _getattr(self, request: Request, body: memoryview) -> Answer:
        return self._after_change(request.ino, self._attributes(self._view.attrs(request.ino)))

    def _after_change(self, ino: int, answer: bytes) -> Answer:
        """Answer, but first have the kernel forget content that has changed behind it."""
        stamp = self._view.context_stamp(ino)
        if stamp is None or self._stamps.get(ino, stamp) == stamp:
            if stamp is not None:
                self._stamps[ino] = stamp
            return answer
        self._stamps[ino] = stamp
        return self._forgotten_first(ino, answer)

    async def _forgotten_first(self, ino: int, answer: bytes) -> Reply:
        await self._loop.aside(partial(self._loop.notify, wire.NOTIFY_INVAL_INODE, wire.pack_inval_inode(ino)))
        return answer

    def _entry(self, parent: int, attrs: Attrs) -> bytes:
        return wire.pack_entry(attrs, self._timeout(parent), self._timeout(attrs.ino))

    def _attributes(self, attrs: Attrs) -> bytes:
        return wire.pack_attributes(attrs, self._timeout(attrs.ino))

    def _timeout(self, ino: int) -> Timeout:
        """How long to believe the names in a directory or the attributes of anything."""
        return VOLATILE if self._view.is_volatile(ino) else FOREVER

    # Copies of large files

    def _change(self, change: Callable[[], Reply], *inodes: int | None) -> Answer:
        """Make a change of these files, after the large copies that it needs."""
        if all(ino is None or large_copy(self._view, ino) is None for ino in inodes):
            return change()
        return self._change_copied(change, *inodes)

    async def _change_copied(self, change: Callable[[], Reply], *inodes: int | None) -> Reply:
        for ino in inodes:
            copy = large_copy(self._view, ino) if ino is not None else None
            if copy is not None:
                await self._loop.aside_once(copy.source, copy.make, self._view.ahead.offer)
        with self._view.ahead:
            return change()

    # Attributes

    def _setattr(self, request: Request, body: memoryview) -> Answer:
        wanted = wire.SetAttributes(*wire.SETATTR_IN.unpack_from(body))
        keeps = wanted.size > 0 if wanted.valid & wire.FATTR_SIZE else wanted.valid & _COPYING
        return self._change(partial(self._set_attributes, request.ino, wanted), request.ino if keeps else None)

    def _set_attributes(self, ino: int, wanted: wire.SetAttributes) -> Reply:
        view, valid = self._view, wanted.valid
        if valid & wire.FATTR_SIZE:
            edit.truncate(view, ino, wanted.size)
        if valid & (wire.FATTR_UID | wire.FATTR_GID):
            uid = wanted.uid if valid & wire.FATTR_UID else -1
            attributes.chown(view, ino, uid, wanted.gid if valid & wire.FATTR_GID else -1)
        if valid & wire.FATTR_KILL_SUIDGID:
            attributes.drop_privileges(view, ino)
        if valid & wire.FATTR_MODE:
            attributes.chmod(view, ino, wanted.mode)
        if valid & (wire.FATTR_ATIME | wire.FATTR_MTIME):
            atime_ns = wanted.atime_ns if valid & wire.FATTR_ATIME else None
            mtime_ns = wanted.mtime_ns if valid & wire.FATTR_MTIME else None
            attributes.set_times(view, ino, atime_ns=atime_ns, mtime_ns=mtime_ns)
        return self._attributes(view.attrs(ino))

    def _statfs(self, request: Request, body: memoryview) -> Reply:
        return wire.pack_statfs(self._view.statfs())

    def _getxattr(self, request: Request, body: memoryview) -> Reply:
        value = attributes.getxattr(self._view, request.ino, body[wire.GETXATTR_IN.size : -1].tobytes())
        return _sized(value, *wire.GETXATTR_IN.unpack_from(body))

    def _listxattr(self, request: Request, body: memoryview) -> Reply:
        names = attributes.listxattr(self._view, request.ino)
        return _sized(b"".join(name + b"\0" for name in names), *wire.GETXATTR_IN.unpack_from(body))

    def _setxattr(self, request: Request, body: memoryview) -> Answer:
        size, flags = wire.SETXATTR_IN.unpack_from(body)
        name, _, rest = body[wire.SETXATTR_IN.size :].tobytes().partition(b"\0")
        change = partial(_nothing, attributes.setxattr, self._view, request.ino, name, rest[:size], flags)
        return self._change(change, request.ino)

    def _removexattr(self, request: Request, body: memoryview) -> Answer:
        change = partial(_nothing, attributes.removexattr, self._view, request.ino, body[:-1].tobytes())
        return self._change(change, request.ino)

    # Names

    def _mkdir(self, request: Request, body: memoryview) -> Reply:
        (mode, _), name = wire.MKDIR_IN.unpack_from(body), body[wire.MKDIR_IN.size : -1].tobytes()
        return self._entry(request.ino, edit.mkdir(self._view, request.ino, name, stat.S_IMODE(mode), _caller(request)))

    def _mknod(self, request: Request, body: memoryview) -> Reply:
        (mode, device), name = wire.MKNOD_IN.unpack_from(body), body[wire.MKNOD_IN.size : -1].tobytes()
        return self._entry(request.ino, edit.mknod(self._view, request.ino, name, mode, device, _caller(request)))

    def _symlink(self, request: Request, body: memoryview) -> Reply:
        name, target = wire.names(body)
        return self._entry(request.ino, edit.symlink(self._view, request.ino, name, target, _caller(request)))

    def _tmpfile(self, request: Request, body: memoryview) -> Reply:
        _, mode, _, _ = wire.CREATE_IN.unpack_from(body)
        attrs = edit.create_unnamed(self._view, stat.S_IMODE(mode), _caller(request))
        return self._entry(request.ino, attrs) + wire.OPEN_OUT.pack(0, wire.KEEP_CACHE)

    def _link(self, request: Request, body: memoryview) -> Answer:
        (ino,), name = wire.LINK_IN.unpack_from(body), body[wire.LINK_IN.size : -1].tobytes()
        return self._change(lambda: self._entry(request.ino, edit.link(self._view, ino, request.ino, name)), ino)

    def _unlink(self, request: Request, body: memoryview) -> Reply:
        edit.unlink(self._view, request.ino, body[:-1].tobytes())
        return b""

    def _rmdir(self, request: Request, body: memoryview) -> Reply:
        edit.rmdir(self._view, request.ino, body[:-1].tobytes())
        return b""

    def _rename(self, request: Request, body: memoryview) -> Answer:
        (parent,) = wire.RENAME_IN.unpack_from(body)
        return self._rename_to(request.ino, parent, wire.names(body[wire.RENAME_IN.size :]), 0)

    def _rename2(self, request: Request, body: memoryview) -> Answer:
        parent, flags = wire.RENAME2_IN.unpack_from(body)
        return self._rename_to(request.ino, parent, wire.names(body[wire.RENAME2_IN.size :]), flags)

    def _rename_to(self, old_parent: int, new_parent: int, names: list[bytes], flags: int) -> Answer:
        view = self._view
        source, target = (view.directory(old_parent), names[0]), (view.directory(new_parent), names[1])
        replaced = view.child(*target) if flags & RENAME_EXCHANGE else None
        return self._change(partial(_nothing, rename, view, source, target, flags), view.child(*source), replaced)

    def _readlink(self, request: Request, body: memoryview) -> Reply:
        return self._view.readlink(request.ino)

    # Content

    def _read(self, request: Request, body: memoryview) -> Answer:
        offset, size = wire.READ_IN.unpack_from(body)
        if self._view.spill_path_needed(request.ino) is None:
            return self._view.read(request.ino, offset, size)
        return self._read_spilled(request.ino, offset, size)

    async def _read_spilled(self, ino: int, offset: int, size: int) -> Reply:
        content = self._view.content
        while (oid := self._view.spill_path_needed(ino)) is not None:
            await self._loop.aside_once(oid, partial(content.spill, oid), partial(content.use_spilled, oid))
        return self._view.read(ino, offset, size)

    def _write(self, request: Request, body: memoryview) -> Answer:
        offset, size, flags = wire.WRITE_IN.unpack_from(body)
        data = body[wire.WRITE_IN.size : wire.WRITE_IN.size + size]
        if large_copy(self._view, request.ino) is None:
            return self._write_now(request.ino, offset, data, flags)
        return self._change_copied(partial(self._write_now, request.ino, offset, data.tobytes(), flags), request.ino)

    def _write_now(self, ino: int, offset: int, data: bytes | memoryview, flags: int) -> Reply:
        if flags & wire.WRITE_KILL_SUIDGID:
            attributes.drop_privileges(self._view, ino)
        return wire.WRITE_OUT.pack(edit.write(self._view, ino, offset, data))

    def _lseek(self, request: Request, body: memoryview) -> Reply:
        offset, whence = wire.LSEEK_IN.unpack_from(body)
        return wire.LSEEK_OUT.pack(space.seek(self._view, request.ino, offset, whence))

    def _fallocate(self, request: Request, body: memoryview) -> Answer:
        offset, length, mode = wire.FALLOCATE_IN.unpack_from(body)
        change = partial(_nothing, space.allocate, self._view, request.ino, mode, offset, length)
        return self._change(change, request.ino)

    def _copy_file_range(self, request: Request, body: memoryview) -> Answer:
        offset, target, target_offset, length = wire.COPY_FILE_RANGE_IN.unpack_from(body)
        change = partial(space.copy_range, self._view, request.ino, offset, target, target_offset, length)
        return self._change(lambda: wire.WRITE_OUT.pack(change()), target)

    def _fsync(self, request: Request, body: memoryview) -> Answer:
        (flags,) = wire.FSYNC_IN.unpack_from(body)
        data_only = bool(flags & wire.FSYNC_DATA_ONLY)
        write_out = large_writeout(self._view, request.ino)
        if write_out is not None:
            return self._fsync_large(request.ino, write_out, data_only=data_only)
        durable.fsync(self._view, request.ino, data_only=data_only)
        return b""

    async def _fsync_large(self, ino: int, write_out: Callable[[], None], *, data_only: bool) -> Reply:
        await self._loop.aside(write_out)
        durable.fsync(self._view, ino, data_only=data_only)
        return b""

    # Directories

    def _readdir(self, request: Request, body: memoryview, *, plus: bool) -> Reply:
        position, room = wire.READ_IN.unpack_from(body)
        return self._listings.read(request.ino, position, room, self._listed_entry if plus else None)

    def _listed_entry(self, parent: int, attrs: Attrs) -> bytes:
        """The entry of something in a listing, whose content the kernel may cache from now on."""
        stamp = self._view.context_stamp(attrs.ino)
        if stamp is not None:
            self._stamps.setdefault(attrs.ino, stamp)
        return self._entry(parent, attrs)

    def _fsyncdir(self, request: Request, body: memoryview) -> Reply:
        durable.fsync_directory(self._view, request.ino)
        return b""


def _nothing(function: Callable[..., object], *arguments: object) -> Reply:
    """Call a function whose result is not part of the answer."""
    function(*arguments)
    return b""


def _sized(value: bytes, room: int) -> Reply:
    """The value of an attribute if there is room for it, its size when asked for that. Raises ERANGE."""
    if room == 0:
        return wire.GETXATTR_OUT.pack(len(value))
    if len(value) > room:
        raise fail(errno.ERANGE)
    return value


def _caller(request: Request) -> Caller:
    return Caller(request.uid, request.gid)


def _ignore(request: Request, body: memoryview) -> Reply:
    """INTERRUPT: requests are answered in the order they come, and what takes long cannot be broken off."""
    return None


def _done(request: Request, body: memoryview) -> Reply:
    return b""
