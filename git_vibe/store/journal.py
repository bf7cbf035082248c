"""Files that only grow: one JSON object a line, added by any number of processes at once without a lock.

A line is one write to a file opened for appending, which the kernel does not interleave with others.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple


class Journal(NamedTuple):
    """The objects of a file in the order they were added, and how many lines could not be read."""

    entries: list[dict[str, Any]]
    damaged: int


def append_entries(path: Path, entries: Iterable[Mapping[str, Any]], mode: int = 0o666) -> None:
    """Add objects to a file that need not exist. Raises OSError."""
    lines = "".join(json.dumps(entry, default=str) + "\n" for entry in entries).encode()
    fd = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, mode)
    try:
        whole = lines if _ends_a_line(fd) else b"\n" + lines
        while whole:
            whole = whole[os.write(fd, whole) :]
    finally:
        os.close(fd)


def _ends_a_line(fd: int) -> bool:
    """False after a write that a full disk or a power cut tore: what follows must not be lost with it."""
    size = os.fstat(fd).st_size
    return size == 0 or os.pread(fd, 1, size - 1) == b"\n"


def read_journal(path: Path) -> Journal:
    """All that can be read of a file. Raises FileNotFoundError or OSError."""
    lines = [line for line in path.read_bytes().split(b"\n") if line.strip()]
    found = [entry for line in lines if (entry := _parsed(line)) is not None]
    return Journal(found, len(lines) - len(found))


def _parsed(line: bytes) -> dict[str, Any] | None:
    try:
        entry = json.loads(line)
    except ValueError:
        return None
    return entry if isinstance(entry, dict) else None
