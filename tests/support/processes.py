"""Processes of their own that carry out operations: each has its open files, its locks and its working directory."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.operations import Native, Operation, perform

Request = Operation | tuple[str, int]
"""What to do, or the directory to work in from now on and since when."""


class Process:
    """One such process."""

    def __init__(self) -> None:
        command = [sys.executable, "-m", "tests.support.processes"]
        self._child = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=Path(__file__).parents[2]
        )

    def begin(self, request: Request) -> None:
        """Let it start with something."""
        assert self._child.stdin is not None
        pickle.dump(request, self._child.stdin)
        self._child.stdin.flush()

    def outcome(self) -> object:
        """Wait for the outcome of what it began."""
        assert self._child.stdout is not None
        return pickle.load(self._child.stdout)

    def enter(self, top: str, since_ns: int = 0) -> None:
        """Let go of everything and work in another directory."""
        self.begin((top, since_ns))
        self.outcome()

    def end(self) -> None:
        """End the process."""
        self._child.communicate()


@contextmanager
def running(count: int) -> Iterator[list[Process]]:
    """So many processes, until the end of the block."""
    processes = [Process() for _ in range(count)]
    try:
        yield processes
    finally:
        for process in processes:
            process.end()


def main() -> None:
    """Carry out requests from standard input until there are no more."""
    native = Native("/")
    while True:
        try:
            request: Request = pickle.load(sys.stdin.buffer)
        except EOFError:
            return
        if isinstance(request, Operation):
            outcome = perform(native, request)
        else:
            native.close_all()
            os.chdir(request[0])
            native, outcome = Native(*request), None
        pickle.dump(outcome, sys.stdout.buffer)
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    from tests.support import processes  # what is pickled must not belong to __main__

    processes.main()
