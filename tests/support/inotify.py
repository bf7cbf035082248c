"""inotify(7), which the standard library does not have: what a file watcher is told of a directory."""

from __future__ import annotations

import ctypes
import os
import select
import struct
from pathlib import Path
from types import TracebackType

ALL_EVENTS = 0xFFF
NAMES = {
    0x2: "modify", 0x4: "attrib", 0x8: "close_write", 0x40: "moved_from", 0x80: "moved_to",
    0x100: "create", 0x200: "delete", 0x400: "delete_self", 0x800: "move_self",
}  # fmt: skip
_HEADER = struct.Struct("iIII")
_LIBC = ctypes.CDLL(None, use_errno=True)


class Watch:
    """Watches some directories or files. What only reads is left out of the events."""

    def __init__(self, *paths: Path) -> None:
        self._fd = _LIBC.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        self._watched = {self._add(path): path.name for path in paths}

    def _add(self, path: Path) -> int:
        number: int = _LIBC.inotify_add_watch(self._fd, os.fsencode(path), ALL_EVENTS)
        if number < 0:
            raise OSError(ctypes.get_errno(), "inotify_add_watch", str(path))
        return number

    def __enter__(self) -> Watch:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._fd)

    def events(self, seconds: float = 0) -> list[str]:
        """What has happened so far as 'watched/name: events'; waits for the first event as long as told."""
        found: list[str] = []
        while select.select([self._fd], [], [], seconds if not found else 0)[0]:
            found += self._parse(os.read(self._fd, 1 << 16))
        return found

    def _parse(self, data: bytes) -> list[str]:
        found = []
        while data:
            number, mask, _, length = _HEADER.unpack_from(data)
            name = os.fsdecode(data[_HEADER.size : _HEADER.size + length].rstrip(b"\0"))
            what = " ".join(text for bit, text in NAMES.items() if mask & bit)
            if what:
                found.append(f"{self._watched[number]}/{name}: {what}")
            data = data[_HEADER.size + length :]
        return found
