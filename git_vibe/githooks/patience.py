"""Doing work for a hook in a process of its own, and waiting for it only so long."""

from __future__ import annotations

import contextlib
import os
import select
import time
from collections.abc import Callable, Iterable


def gathered(work: Callable[[], Iterable[str]], seconds: float | None) -> tuple[list[str], bool]:
    """Lines that `work` gives within `seconds` (None: all of them), and whether it has ended by then.

    Otherwise it goes on in the background, where nobody hears it. An error of it ends it quietly.
    """
    reader, writer = os.pipe()
    if os.fork() == 0:
        os.close(reader)
        _work(work, writer)
    os.close(writer)
    text, ended = _read(reader, None if seconds is None else time.monotonic() + seconds)
    os.close(reader)
    return os.fsdecode(text).split("\n")[:-1], ended


def _work(work: Callable[[], Iterable[str]], writer: int) -> None:
    """Work in the child, which lets go of everything that git or a shell waits for."""
    try:
        os.setsid()
        nothing = os.open(os.devnull, os.O_RDWR)
        for fd in (0, 1, 2):
            os.dup2(nothing, fd)
        for line in work():
            _tell(writer, line)
    finally:
        os._exit(0)


def _tell(writer: int, line: str) -> None:
    with contextlib.suppress(OSError):  # nobody may listen any more
        os.write(writer, os.fsencode(line.replace("\n", " ")) + b"\n")


def _read(reader: int, deadline: float | None) -> tuple[bytes, bool]:
    text = b""
    while True:
        left = None if deadline is None else max(0.0, deadline - time.monotonic())
        if not select.select([reader], [], [], left)[0]:
            return text, False
        piece = os.read(reader, 1 << 16)
        if not piece:
            return text, True
        text += piece
