"""Driving pyfuse3 without a scheduler between two requests.

pyfuse3 asks trio for every request; that costs more than handling it. `pyfuse3.trio` is a replaceable module attribute
(its own asyncio support works that way). The stand-in polls the FUSE descriptor for a moment before it parks in real
trio, and keeps one task in the loop: while requests keep coming, no scheduler runs. It lets real trio run every
`CHECKPOINT_EVERY` requests, so control requests are answered under load.

With one task, a slow handler would stall the mount. `Loop.aside` therefore starts a second loop task, runs the slow
part in a thread, and lets the task that waited end afterwards (`min_tasks=0`: a task ends when another one is idle).
"""

from __future__ import annotations

import os
import select
import time
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Any, TypeVar

import pyfuse3
import trio

POLL_SECONDS = 50e-6
CHECKPOINT_EVERY = 256

T = TypeVar("T")


class Loop:
    """The stand-in for `trio` inside pyfuse3, and the owner of its loop tasks."""

    ClosedResourceError = trio.ClosedResourceError

    def __init__(self) -> None:
        self.lowlevel = _LowLevel()
        self._nursery: trio.Nursery | None = None
        self._task: tuple[Callable[..., Awaitable[Any]], tuple[Any, ...]] | None = None
        self._running: dict[object, _Running] = {}

    def Lock(self) -> _NoLock:  # noqa: N802  (the name pyfuse3 uses)
        """Only one task ever waits for the descriptor."""
        return _NoLock()

    def open_nursery(self) -> _Nursery:
        """Called by pyfuse3 once, around its loop."""
        return _Nursery(self)

    def start(self, nursery: trio.Nursery, function: Callable[..., Awaitable[Any]], args: tuple[Any, ...]) -> None:
        """Start the loop task the first time; pyfuse3's wish for more of them is not followed."""
        if self._task is None:
            self._nursery, self._task = nursery, (function, args)
            nursery.start_soon(function, *args)

    async def aside(self, function: Callable[[], T]) -> T:
        """Run a slow `function` in a thread while another task serves the mount."""
        self._serve_on()
        return await trio.to_thread.run_sync(function)

    async def aside_once(self, key: object, function: Callable[[], T], then: Callable[[T], None]) -> None:
        """Like `aside` with `then` called on the result; who asks for the same `key` meanwhile waits for the first.

        Who waited must look again for what it needs. All of them get the error of the first.
        """
        if key in self._running:
            await self._wait_for(self._running[key])
            return
        running = self._running[key] = _Running(trio.Event())
        try:
            then(await self.aside(function))
        except BaseException as error:
            running.error = error
            raise
        finally:
            del self._running[key]
            running.ended.set()

    async def _wait_for(self, running: _Running) -> None:
        self._serve_on()
        await running.ended.wait()
        if running.error is not None:
            raise running.error

    def _serve_on(self) -> None:
        """Have another task serve the mount while this one waits."""
        assert self._nursery is not None and self._task is not None
        task, args = self._task
        self._nursery.start_soon(task, *args)

    async def run(self) -> None:
        """Serve the mounted session until it ends."""
        pyfuse3.trio = self  # type: ignore[attr-defined]
        await pyfuse3.main(min_tasks=0, max_tasks=1)


class _Running:
    """Something slow that runs aside, and the error it ended with."""

    def __init__(self, ended: trio.Event) -> None:
        self.ended = ended
        self.error: BaseException | None = None


class _Nursery:
    def __init__(self, loop: Loop) -> None:
        self._loop = loop
        self._manager = trio.open_nursery()

    async def __aenter__(self) -> _Nursery:
        self._nursery = await self._manager.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        return await self._manager.__aexit__(kind, error, trace)

    def start_soon(self, function: Callable[..., Awaitable[Any]], *args: Any, name: str | None = None) -> None:
        self._loop.start(self._nursery, function, args)


class _NoLock:
    async def __aenter__(self) -> None:
        return None

    async def __aexit__(self, *_: object) -> None:
        return None


class _LowLevel:
    """`trio.lowlevel` with a `wait_readable` that polls first."""

    def __init__(self) -> None:
        self._polls: dict[int, select.poll] = {}
        self._served = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(trio.lowlevel, name)

    async def wait_readable(self, fd: int) -> None:
        poll = self._polls.get(fd)
        if poll is None:
            poll = self._polls[fd] = select.poll()
            poll.register(fd, select.POLLIN)
        self._served += 1
        if self._served % CHECKPOINT_EVERY == 0:
            await trio.lowlevel.checkpoint()
        if not _ready_soon(poll):
            await trio.lowlevel.wait_readable(fd)


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
