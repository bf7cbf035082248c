"""A command whose standard error is a terminal, as a person at work has it."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from contextlib import contextmanager

from tests.support.runner import Vibe


class Terminal:
    """What has been shown on the terminal of a running command, and the command."""

    def __init__(self, vibe: Vibe, *args: str) -> None:
        self._screen, terminal = os.openpty()
        self.command = vibe.start(*args, stderr=terminal)
        os.close(terminal)
        os.set_blocking(self._screen, False)
        self._seen = b""

    def shown(self) -> str:
        """Everything up to now."""
        with contextlib.suppress(BlockingIOError, OSError):
            while part := os.read(self._screen, 1 << 16):
                self._seen += part
        return self._seen.decode()

    def close(self) -> None:
        """Take the terminal away."""
        self.shown()
        os.close(self._screen)


@contextmanager
def on_terminal(vibe: Vibe, *args: str) -> Iterator[Terminal]:
    """A command that runs on a terminal; killed at the end of the block if it still does."""
    terminal = Terminal(vibe, *args)
    with terminal.command as command:
        try:
            yield terminal
        finally:
            if command.poll() is None:
                command.kill()
            terminal.close()
