"""A line on the terminal that tells how long something has been at work."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from types import TracebackType


class Ticker:
    """While the block runs: after `after` seconds one line, renewed every second; removed at the end."""

    def __init__(self, title: str, *, after: float, write: Callable[[str], None]) -> None:
        self._title = title
        self._after = after
        self._write = write
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._tick, daemon=True)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._done.set()
        self._thread.join()

    def _tick(self) -> None:
        started = time.monotonic()
        if self._done.wait(self._after):
            return
        while True:
            self._write(f"\r{self._title} ... {time.monotonic() - started:.0f}s")
            if self._done.wait(1.0):
                break
        self._write("\r\x1b[K")
