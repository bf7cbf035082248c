"""The pyfuse3 adapter: translates requests for a View and its answers; it has no logic of its own.

The file handle of an open file is its inode number, that of an open directory counts up. Entries and attributes are
cached by the kernel without limit, because only requests through this mount change them; where the context is merged
in, and the user may change files behind the mount, they are cached for `VOLATILE_SECONDS`.

Every request is handled by one synchronous call of the view. What is slow comes before it and is awaited: spilling a
large blob, copying a large file and writing one out. Anything may have changed by then, so nothing but numbers and
names outlives an await: `read` looks again whether it must wait, and copy-up takes a copy only when its source is as
it was.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import stat
from collections.abc import Iterator, Sequence
from functools import partial

import pyfuse3
from pyfuse3 import EntryAttributes, FileHandleT, FileInfo, FUSEError, InodeT, RequestContext, SetattrFields

from git_vibe.errors import VibeError
from git_vibe.mount.loop import Loop
from git_vibe.mount.readahead import Readahead
from git_vibe.overlay import attributes, durable, edit
from git_vibe.overlay.ahead import Ahead, large_copy, large_writeout
from git_vibe.overlay.edit import Caller
from git_vibe.overlay.rename import rename
from git_vibe.overlay.view import View
from git_vibe.store.layer import RENAME_EXCHANGE
from git_vibe.types import Attrs

FOREVER = 10**9
VOLATILE_SECONDS = 0.5
_DOTS = 2
"""How many entries of a listing are `.` and `..`."""

_DAMAGE = (errno.EIO, errno.EUCLEAN)
"""What the file system of the layers answers when it is damaged."""
_SESSIONS = b"/vibe/sessions/"

log = logging.getLogger(__name__)


def _answer(error: OSError) -> int:
    """The errno of a request; a damaged layer is logged. Nobody else removes layer files, so none may be missing."""
    lost = error.errno == errno.ENOENT and isinstance(error.filename, bytes) and _SESSIONS in error.filename
    if lost or error.errno in _DAMAGE:
        log.error("a layer is damaged: %s", error)
        return errno.EIO
    return error.errno or errno.EIO


@contextlib.contextmanager
def answering() -> Iterator[None]:
    """Turn errors of the view into the errno of the request; unexpected ones are logged and become EIO."""
    try:
        yield
    except FUSEError:
        raise
    except OSError as error:
        raise FUSEError(_answer(error)) from None
    except VibeError as error:
        log.error("%s", error.message)
        raise FUSEError(error.errno) from None
    except Exception:
        log.exception("request failed")
        raise FUSEError(errno.EIO) from None


def _needs_content(attr: EntryAttributes, fields: SetattrFields) -> bool:
    """Whether a change of attributes copies up the content of a clean file: not to cut it off or to note a look."""
    others = fields.update_uid or fields.update_gid or fields.update_mode or fields.update_mtime
    return attr.st_size > 0 if fields.update_size else others


class Operations(pyfuse3.Operations):
    """Serves one view."""

    enable_writeback_cache = False

    def __init__(self, view: View, loop: Loop) -> None:
        super().__init__()
        self._view = view
        self._loop = loop
        self._readahead = Readahead(view, pyfuse3.notify_store)
        self._listings: dict[int, tuple[int, list[tuple[bytes, int]]]] = {}
        self._last_listing = 0

    # Finding

    async def lookup(self, parent_inode: InodeT, name: bytes, ctx: RequestContext) -> EntryAttributes:
        with answering():
            attrs = self._view.lookup(parent_inode, name)
            return self._entry(parent_inode, attrs) if attrs is not None else self._absent(parent_inode)

    async def forget(self, inode_list: Sequence[tuple[InodeT, int]]) -> None:
        for ino, count in inode_list:
            self._view.inodes.forget(ino, count)

    async def getattr(self, inode: InodeT, ctx: RequestContext) -> EntryAttributes:
        with answering():
            return self._attributes(self._view.attrs(inode))

    def _entry(self, parent: int, attrs: Attrs) -> EntryAttributes:
        entry = self._attributes(attrs)
        entry.entry_timeout = VOLATILE_SECONDS if self._view.is_volatile(parent) else FOREVER
        return entry

    def _absent(self, parent: int) -> EntryAttributes:
        entry = EntryAttributes()
        entry.st_ino = InodeT(0)
        entry.entry_timeout = VOLATILE_SECONDS if self._view.is_volatile(parent) else FOREVER
        return entry

    def _attributes(self, attrs: Attrs) -> EntryAttributes:
        entry = EntryAttributes()
        entry.st_ino = InodeT(attrs.ino)
        entry.generation = attrs.generation
        entry.st_mode = pyfuse3.ModeT(attrs.mode)
        entry.st_nlink = attrs.nlink
        entry.st_uid = attrs.uid
        entry.st_gid = attrs.gid
        entry.st_rdev = attrs.rdev
        entry.st_size = attrs.size
        entry.st_blocks = attrs.blocks
        entry.st_blksize = 4096
        entry.st_atime_ns = attrs.atime_ns
        entry.st_mtime_ns = attrs.mtime_ns
        entry.st_ctime_ns = attrs.ctime_ns
        entry.attr_timeout = VOLATILE_SECONDS if self._view.is_context_file(attrs.ino) else FOREVER
        entry.entry_timeout = FOREVER
        return entry

    # Copies of large files

    async def _copied_ahead(self, *inodes: int | None) -> Ahead:
        """Make the large copies that a change of these files needs, while others are served; spans that change."""
        for ino in inodes:
            copy = large_copy(self._view, ino) if ino is not None else None
            if copy is not None:
                await self._loop.aside_once(copy.source, copy.make, self._view.ahead.offer)
        return self._view.ahead

    # Attributes

    async def setattr(
        self, inode: InodeT, attr: EntryAttributes, fields: SetattrFields, fh: FileHandleT | None, ctx: RequestContext
    ) -> EntryAttributes:
        with answering(), await self._copied_ahead(inode if _needs_content(attr, fields) else None):
            if fields.update_size:
                edit.truncate(self._view, inode, attr.st_size)
            if fields.update_uid or fields.update_gid:
                uid = attr.st_uid if fields.update_uid else -1
                attributes.chown(self._view, inode, uid, attr.st_gid if fields.update_gid else -1)
            if fields.update_mode:
                attributes.chmod(self._view, inode, attr.st_mode)
            if fields.update_atime or fields.update_mtime:
                atime = attr.st_atime_ns if fields.update_atime else None
                attributes.set_times(
                    self._view, inode, atime_ns=atime, mtime_ns=attr.st_mtime_ns if fields.update_mtime else None
                )
            return self._attributes(self._view.attrs(inode))

    async def statfs(self, ctx: RequestContext) -> pyfuse3.StatvfsData:
        with answering():
            found, answer = self._view.statfs(), pyfuse3.StatvfsData()
            for field in ("f_bsize", "f_frsize", "f_blocks", "f_bfree", "f_bavail", "f_files", "f_ffree", "f_favail"):
                setattr(answer, field, getattr(found, field))
            answer.f_namemax = 255
            return answer

    async def getxattr(self, inode: InodeT, name: bytes, ctx: RequestContext) -> bytes:
        with answering():
            return attributes.getxattr(self._view, inode, name)

    async def listxattr(self, inode: InodeT, ctx: RequestContext) -> list[bytes]:
        with answering():
            return attributes.listxattr(self._view, inode)

    async def setxattr(self, inode: InodeT, name: bytes, value: bytes, ctx: RequestContext) -> None:
        with answering(), await self._copied_ahead(inode):
            attributes.setxattr(self._view, inode, name, value)

    async def removexattr(self, inode: InodeT, name: bytes, ctx: RequestContext) -> None:
        with answering(), await self._copied_ahead(inode):
            attributes.removexattr(self._view, inode, name)

    # Names

    async def mkdir(self, parent_inode: InodeT, name: bytes, mode: int, ctx: RequestContext) -> EntryAttributes:
        with answering():
            attrs = edit.mkdir(self._view, parent_inode, name, stat.S_IMODE(mode), Caller(ctx.uid, ctx.gid))
            return self._entry(parent_inode, attrs)

    async def mknod(
        self, parent_inode: InodeT, name: bytes, mode: int, rdev: int, ctx: RequestContext
    ) -> EntryAttributes:
        with answering():
            attrs = edit.mknod(self._view, parent_inode, name, mode, rdev, Caller(ctx.uid, ctx.gid))
            return self._entry(parent_inode, attrs)

    async def symlink(self, parent_inode: InodeT, name: bytes, target: bytes, ctx: RequestContext) -> EntryAttributes:
        with answering():
            attrs = edit.symlink(self._view, parent_inode, name, target, Caller(ctx.uid, ctx.gid))
            return self._entry(parent_inode, attrs)

    async def link(
        self, inode: InodeT, new_parent_inode: InodeT, new_name: bytes, ctx: RequestContext
    ) -> EntryAttributes:
        with answering(), await self._copied_ahead(inode):
            return self._entry(new_parent_inode, edit.link(self._view, inode, new_parent_inode, new_name))

    async def unlink(self, parent_inode: InodeT, name: bytes, ctx: RequestContext) -> None:
        with answering():
            edit.unlink(self._view, parent_inode, name)

    async def rmdir(self, parent_inode: InodeT, name: bytes, ctx: RequestContext) -> None:
        with answering():
            edit.rmdir(self._view, parent_inode, name)

    async def rename(
        self,
        parent_inode_old: InodeT,
        name_old: bytes,
        parent_inode_new: InodeT,
        name_new: bytes,
        flags: int,
        ctx: RequestContext,
    ) -> None:
        with answering():
            view = self._view
            source, target = (view.directory(parent_inode_old), name_old), (view.directory(parent_inode_new), name_new)
            replaced = view.child(*target) if flags & RENAME_EXCHANGE else None
            with await self._copied_ahead(view.child(*source), replaced):
                rename(view, source, target, flags)

    async def readlink(self, inode: InodeT, ctx: RequestContext) -> bytes:
        with answering():
            return self._view.readlink(inode)

    # Files

    async def create(
        self, parent_inode: InodeT, name: bytes, mode: int, flags: int, ctx: RequestContext
    ) -> tuple[FileInfo, EntryAttributes]:
        with answering():
            attrs = edit.create(self._view, parent_inode, name, stat.S_IMODE(mode), Caller(ctx.uid, ctx.gid))
            return FileInfo(fh=FileHandleT(attrs.ino), keep_cache=True), self._entry(parent_inode, attrs)

    async def open(self, inode: InodeT, flags: int, ctx: RequestContext) -> FileInfo:
        with answering():
            edit.open_file(self._view, inode, flags)
            return FileInfo(fh=FileHandleT(inode), keep_cache=not self._view.is_context_file(inode))

    async def read(self, fh: FileHandleT, off: int, size: int) -> bytes:
        with answering():
            while (large := self._view.spill_path_needed(fh)) is not None:
                await self._spill(fh, large)
            self._readahead.missed(fh)
            return self._view.read(fh, off, size)

    async def _spill(self, ino: int, oid: bytes) -> None:
        content = self._view.content
        await self._loop.aside_once(oid, partial(content.spill, oid), partial(content.use_spilled, ino, oid))

    async def write(self, fh: FileHandleT, off: int, buf: bytes) -> int:
        with answering(), await self._copied_ahead(fh):
            return edit.write(self._view, fh, off, buf)

    async def flush(self, fh: FileHandleT) -> None:
        raise FUSEError(errno.ENOSYS)

    async def release(self, fh: FileHandleT) -> None:
        with answering():
            self._view.inodes.released(fh, self._view.release)

    async def fsync(self, fh: FileHandleT, datasync: bool) -> None:
        with answering():
            write_out = large_writeout(self._view, fh)
            if write_out is not None:
                await self._loop.aside(write_out)
            durable.fsync(self._view, fh, data_only=datasync)

    # Directories

    async def opendir(self, inode: InodeT, ctx: RequestContext) -> FileHandleT:
        with answering():
            self._view.directory(inode)
            self._last_listing += 1
            self._listings[self._last_listing] = (inode, [])
            return FileHandleT(self._last_listing)

    async def readdir(self, fh: FileHandleT, start_id: int, token: pyfuse3.ReaddirToken) -> None:
        with answering():
            inode, names = self._listings[fh]
            if start_id == 0:
                names = self._list(inode)
                self._listings[fh] = (inode, names)
            directory = self._view.directory(inode)
            for position in range(start_id, len(names)):
                name, ino = names[position]
                if position >= _DOTS:
                    # the listing may be old, and the kernel believes what it is told now
                    ino = self._view.child(directory, name) or 0
                entry = self._listed(inode, name, ino)
                if entry is not None and not pyfuse3.readdir_reply(token, name, entry, position + 1):
                    return
                if entry is not None and position >= _DOTS:
                    self._view.inodes.remember(ino)

    def _list(self, inode: int) -> list[tuple[bytes, int]]:
        directory = self._view.directory(inode)
        parent = directory.parent or directory
        here = [] if directory.gone is not None else list(self._view.names(directory).items())
        return [(b".", directory.ino), (b"..", parent.ino), *here]

    def _listed(self, parent: int, name: bytes, ino: int) -> EntryAttributes | None:
        """Attributes for a listing; None for a file that vanished since the listing began."""
        try:
            return self._entry(parent, self._view.attrs(ino))
        except OSError:
            return None

    async def releasedir(self, fh: FileHandleT) -> None:
        self._listings.pop(fh, None)

    async def fsyncdir(self, fh: FileHandleT, datasync: bool) -> None:
        with answering():
            durable.fsync_directory(self._view, self._listings[fh][0])

    async def access(self, inode: InodeT, mode: int, ctx: RequestContext) -> bool:
        raise FUSEError(errno.ENOSYS)
