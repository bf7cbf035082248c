"""Serving the kernel's requests without a scheduler between two of them.

pyfuse3 mounts and unmounts. Its own loop hands neither inode nor path to a read, so files would have to be opened and
closed by requests, and it makes a coroutine and several objects of each request. So the requests are read here:
`pyfuse3.trio` is a replaceable module attribute (its own asyncio support works that way), and in the place where
pyfuse3 would wait for the FUSE descriptor the stand-in serves it until the mount ends.

The descriptor is polled for a moment before waiting in trio: while requests keep coming, no scheduler runs. Real trio
runs every `CHECKPOINT_EVERY` requests, so control requests are answered under load. An answer that takes long is a
coroutine; it goes on in a task of its own and does its slow part in a thread (`Loop.aside`).
"""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import select
import time
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, TypeVar

import pyfuse3
import trio

from git_vibe.errors import VibeError
from git_vibe.mount import wire
from git_vibe.mount.wire import Request

if TYPE_CHECKING:
    from git_vibe.mount.operations import Answer, Handler, Reply

POLL_SECONDS = 50e-6
CHECKPOINT_EVERY = 256

_TRY_AGAIN = (errno.EAGAIN, errno.EINTR, errno.ENOENT)
"""What reading a request answers when there is none, or its process gave up."""
_DAMAGE = (errno.EIO, errno.EUCLEAN)
"""What the file system of the layers answers when it is damaged."""
_SESSIONS = b"/vibe/sessions/"

log = logging.getLogger(__name__)

T = TypeVar("T")


class Loop:
    """Reads requests and sends answers; the stand-in for `trio` inside pyfuse3."""

    def __init__(self) -> None:
        self.lowlevel = _LowLevel(self._serve)
        self._handlers: dict[int, Handler] = {}
        self._buffer = memoryview(bytearray(wire.MESSAGE_MAX))
        self._running: dict[object, _Running] = {}
        self._nursery: trio.Nursery | None = None
        self._fd = -1
        self._ended = False

    def __getattr__(self, name: str) -> Any:
        return getattr(trio, name)

    async def run(self, handlers: dict[int, Handler]) -> None:
        """Serve the mount, which pyfuse3 has made, until it ends."""
        self._handlers = traced(handlers) if log.isEnabledFor(logging.DEBUG) else handlers
        pyfuse3.trio = self  # type: ignore[attr-defined]
        async with trio.open_nursery() as self._nursery:
            await pyfuse3.main(max_tasks=1)

    def end(self) -> None:
        """Stop serving."""
        self._ended = True
        pyfuse3.terminate()

    def notify(self, code: int, body: bytes) -> None:
        """Tell the kernel what it did not ask for. It may wait for a request to be answered: only in a thread."""
        with contextlib.suppress(FileNotFoundError):
            os.write(self._fd, wire.pack_notification(code, body))

    # What takes long

    async def aside(self, function: Callable[[], T]) -> T:
        """Run a slow `function` in a thread while other requests are served."""
        return await trio.to_thread.run_sync(function)

    async def aside_once(self, key: object, function: Callable[[], T], then: Callable[[T], None]) -> None:
        """Like `aside` with `then` called on the result; who asks for the same `key` meanwhile waits for the first.

        Who waited must look again for what it needs. All of them get the error of the first.
        """
        if key in self._running:
            await self._running[key].wait()
            return
        running = self._running[key] = _Running()
        try:
            then(await self.aside(function))
        except BaseException as error:
            running.error = error
            raise
        finally:
            del self._running[key]
            running.ended.set()

    # Requests

    async def _serve(self, fd: int) -> None:
        """Serve until the mount has ended. Raises ClosedResourceError then, which ends pyfuse3's loop."""
        self._fd = fd
        os.set_blocking(fd, False)
        poll = select.poll()
        poll.register(fd, select.POLLIN)
        served = 0
        while not self._ended:
            if not _ready_soon(poll):
                await trio.lowlevel.wait_readable(fd)
                continue
            self._answer_next()
            served += 1
            if served % CHECKPOINT_EVERY == 0:
                await trio.lowlevel.checkpoint()
        raise trio.ClosedResourceError

    def _answer_next(self) -> None:
        try:
            length = os.readv(self._fd, (self._buffer,))
        except OSError as error:
            self._ended = error.errno not in _TRY_AGAIN
            return
        request = Request._make(wire.IN_HEADER.unpack_from(self._buffer))
        handler = self._handlers.get(request.opcode)
        if handler is None:
            self._refuse(request.unique, errno.ENOSYS)
            return
        try:
            answer = handler(request, self._buffer[wire.IN_HEADER.size : length])
        except Exception as error:
            self._refuse(request.unique, error_number(error))
            return
        if isinstance(answer, Coroutine):
            assert self._nursery is not None
            self._nursery.start_soon(self._answer_later, request.unique, answer)
        elif answer is not None:
            self._answer(request.unique, answer)

    async def _answer_later(self, unique: int, answer: Coroutine[None, None, Reply]) -> None:
        try:
            reply = await answer
        except Exception as error:
            self._refuse(unique, error_number(error))
            return
        if reply is not None:
            self._answer(unique, reply)

    def _answer(self, unique: int, reply: bytes) -> None:
        self._send(wire.OUT_HEADER.pack(wire.OUT_HEADER.size + len(reply), 0, unique), reply)

    def _refuse(self, unique: int, code: int) -> None:
        self._send(wire.OUT_HEADER.pack(wire.OUT_HEADER.size, -code, unique))

    def _send(self, *parts: bytes) -> None:
        try:
            os.writev(self._fd, parts)
        except OSError as error:
            if error.errno != errno.ENOENT:  # its process gave up
                log.error("an answer of %d bytes was not taken: %s", sum(map(len, parts)), error)


class _Running:
    """Something slow that runs aside, and the error it ended with."""

    def __init__(self) -> None:
        self.ended = trio.Event()
        self.error: BaseException | None = None

    async def wait(self) -> None:
        await self.ended.wait()
        if self.error is not None:
            raise self.error


class _LowLevel:
    """`trio.lowlevel` whose `wait_readable` is another."""

    def __init__(self, wait_readable: Callable[[int], Coroutine[None, None, None]]) -> None:
        self.wait_readable = wait_readable

    def __getattr__(self, name: str) -> Any:
        return getattr(trio.lowlevel, name)


def traced(handlers: dict[int, Handler]) -> dict[int, Handler]:
    """The same handlers, which log each request first."""

    def trace(handler: Handler) -> Handler:
        def handle(request: Request, body: memoryview) -> Answer:
            log.debug("request %d: opcode %d, inode %d", request.unique, request.opcode, request.ino)
            return handler(request, body)

        return handle

    return {opcode: trace(handler) for opcode, handler in handlers.items()}


def error_number(error: Exception) -> int:
    """The errno a request is answered with; damage and what is unexpected is logged.

    Nobody else removes layer files, so none may be missing.
    """
    if isinstance(error, VibeError):
        log.error("%s", error.message)
        return error.errno
    if not isinstance(error, OSError):
        log.error("request failed", exc_info=error)
        return errno.EIO
    lost = error.errno == errno.ENOENT and isinstance(error.filename, bytes) and _SESSIONS in error.filename
    if lost or error.errno in _DAMAGE:
        log.error("a layer is damaged: %s", error)
        return errno.EIO
    return error.errno or errno.EIO


def _ready_soon(poll: select.poll) -> bool:
    """Whether the descriptor becomes readable within POLL_SECONDS; other processes may run meanwhile."""
    if poll.poll(0):
        return True
    deadline = time.perf_counter() + POLL_SECONDS
    while time.perf_counter() < deadline:
        os.sched_yield()
        if poll.poll(0):
            return True
    return False
