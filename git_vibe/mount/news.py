"""Telling the daemon which paths a session changes, soon after they are changed for the first time in a layer.

Nothing runs while nobody writes. A directory that was renamed is told with a slash at its end, for all that is below
it.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Mapping, Sequence
from struct import Struct

import trio

from git_vibe.daemon import protocol
from git_vibe.errors import VibeError
from git_vibe.mount import wire
from git_vibe.mount.operations import Answer, Handler
from git_vibe.mount.wire import Request
from git_vibe.overlay.nodes import File
from git_vibe.overlay.view import View
from git_vibe.store.layout import Layout
from git_vibe.types import SessionName

SOON = 0.1
"""Seconds in which more paths are waited for, to be told together."""
TOGETHER = 5000
PATIENCE = 2.0

_NAMING = {
    wire.MKNOD: wire.MKNOD_IN.size,
    wire.SYMLINK: 0,
    wire.LINK: wire.LINK_IN.size,
    wire.UNLINK: 0,
}
"""Requests that make or remove a name in a directory, and where in their body it begins."""
_MOVING = {wire.RENAME: wire.RENAME_IN, wire.RENAME2: wire.RENAME2_IN}
_ALTERING = (wire.WRITE, wire.FALLOCATE)


class News:
    """The paths of one view that are to be told; `tell` is called with some of them in a thread."""

    def __init__(self, view: View, tell: Callable[[Sequence[bytes]], None]) -> None:
        self._view = view
        self._tell = tell
        self._turn = view.delta.turns
        self._inodes: set[int] = set()
        self._known: set[int] = set()
        self._new: list[bytes] = []
        self._some = trio.Event()

    async def run(self) -> None:
        """Tell what there is to tell, until cancelled."""
        while True:
            await self._some.wait()
            await trio.sleep(SOON)
            await trio.to_thread.run_sync(self._tell, self.take(), abandon_on_cancel=True)

    def take(self) -> list[bytes]:
        """Some of what there is to tell, which then counts as told."""
        taken, self._new = self._new[:TOGETHER], self._new[TOGETHER:]
        if not self._new:
            self._some = trio.Event()
        return taken

    def listening(self, handlers: Mapping[int, Handler]) -> dict[int, Handler]:
        """The handlers, of which those that change something note what."""
        heard = dict(handlers)
        notes: dict[int, Callable[[Request, memoryview], None]] = {opcode: self._altered for opcode in _ALTERING}
        notes |= {opcode: _named(self._name, start) for opcode, start in _NAMING.items()}
        notes |= {opcode: _moved(self._name, header) for opcode, header in _MOVING.items()}
        notes |= {wire.SETATTR: self._attributes, wire.COPY_FILE_RANGE: self._copied}
        for opcode, note in notes.items():
            heard[opcode] = self._noted(note, handlers[opcode])
        heard[wire.WRITE] = self._written(handlers[wire.WRITE])
        return heard

    def _written(self, handler: Handler) -> Handler:
        """A handler of what comes often, and hardly ever for the first time."""
        delta, inodes, first = self._view.delta, self._inodes, self._noted(self._altered, handler)

        def handle(request: Request, body: memoryview) -> Answer:
            if request.ino in inodes and delta.turns == self._turn:
                return handler(request, body)
            return first(request, body)

        return handle

    def _noted(self, note: Callable[[Request, memoryview], None], handler: Handler) -> Handler:
        def handle(request: Request, body: memoryview) -> Answer:
            self._begin_anew_with_layer()
            with contextlib.suppress(OSError):  # the request gets that error itself
                note(request, body)
            return handler(request, body)

        return handle

    def _begin_anew_with_layer(self) -> None:
        """Tell all over again what is changed after a seal: what was told before may have been brought back."""
        if self._turn != self._view.delta.turns:
            self._turn = self._view.delta.turns
            self._inodes.clear()
            self._known.clear()

    def _altered(self, request: Request, body: memoryview) -> None:
        if request.ino not in self._inodes:
            self._inode(request.ino)

    def _attributes(self, request: Request, body: memoryview) -> None:
        if wire.SetAttributes(*wire.SETATTR_IN.unpack_from(body)).valid & (wire.FATTR_SIZE | wire.FATTR_MODE):
            self._altered(request, body)

    def _copied(self, request: Request, body: memoryview) -> None:
        self._inode(wire.COPY_FILE_RANGE_IN.unpack_from(body)[1])

    def _inode(self, ino: int) -> None:
        self._inodes.add(ino)
        node = self._view.inodes.nodes.get(ino)
        if isinstance(node, File):
            for directory, name in node.links:
                self._path(directory.path() + b"/" + name)
        elif node is None and (row := self._view.base_row(ino)) is not None:
            self._name(self._view.table.parent[row] + 1, self._view.table.name(row))

    def _name(self, parent: int, name: bytes) -> None:
        directory = self._view.directory(parent)
        ino = self._view.child(directory, name)
        slash = b"/" if ino is not None and self._view.is_directory(ino) else b""
        self._path(directory.path() + b"/" + name + slash)

    def _path(self, path: bytes) -> None:
        if hash(path) not in self._known:
            self._known.add(hash(path))
            self._new.append(path[1:])
            self._some.set()


def _named(note: Callable[[int, bytes], None], start: int) -> Callable[[Request, memoryview], None]:
    def take(request: Request, body: memoryview) -> None:
        note(request.ino, body[start:].tobytes().partition(b"\0")[0])

    return take


def _moved(note: Callable[[int, bytes], None], header: Struct) -> Callable[[Request, memoryview], None]:
    def take(request: Request, body: memoryview) -> None:
        old, new = wire.names(body[header.size :])
        note(request.ino, old)
        note(header.unpack_from(body)[0], new)

    return take


def telling(layout: Layout, name: SessionName) -> Callable[[Sequence[bytes]], None]:
    """What tells the daemon; without one nobody is told, and the next look at the sessions finds out anyway."""

    def tell(paths: Sequence[bytes]) -> None:
        request = {"op": "changed", "session": name, "paths": [os.fsdecode(path) for path in paths]}
        with contextlib.suppress(OSError, VibeError):
            protocol.call(layout.daemon_socket, request, timeout=PATIENCE)

    return tell
