"""Listing directories in parts, whatever changes meanwhile.

The kernel names no open directory, only a position, which must go on meaning the same place. It names one listing and
a place in it; a listing is the names that were there when it began.
"""

from __future__ import annotations

import stat
from collections import OrderedDict
from collections.abc import Callable

from git_vibe.mount import wire
from git_vibe.overlay.view import View
from git_vibe.types import Attrs

LIMIT = 128
"""How many listings are kept for those who are in the middle of one."""
_POSITION_BITS = 32
_DOTS = (b".", b"..")

PackEntry = Callable[[int, Attrs], bytes]
"""Makes the entry of something in the directory with this inode number."""


class Listings:
    """The listings of a view that somebody may go on reading."""

    def __init__(self, view: View) -> None:
        self._view = view
        self._names: OrderedDict[int, list[bytes]] = OrderedDict()
        self._last = 0

    def read(self, ino: int, position: int, room: int, pack: PackEntry | None) -> bytes:
        """Entries of the directory `ino` from a position on, as many as `room` bytes hold.

        With `pack` each comes with what its name leads to, which counts as a reference that the kernel was given.
        """
        listing, start = divmod(position, 1 << _POSITION_BITS)
        if listing not in self._names:
            listing = self._begin(ino)
        names, reply = self._names[listing], bytearray()
        for index in range(start, len(names)):
            behind = (listing << _POSITION_BITS) + index + 1
            child, entry = self._pack(ino, names[index], behind, pack)
            if len(reply) + len(entry) > room:
                break
            reply += entry
            if pack is not None:
                self._view.inodes.remember(child)
        return bytes(reply)

    def _begin(self, ino: int) -> int:
        """Note the names in a directory and return the number of the listing."""
        directory = self._view.directory(ino)
        here = [] if directory.gone is not None else self._view.names(directory)
        self._last += 1
        self._names[self._last] = [*_DOTS, *here]
        if len(self._names) > LIMIT:
            self._names.popitem(last=False)
        return self._last

    def _pack(self, parent: int, name: bytes, behind: int, pack: PackEntry | None) -> tuple[int, bytes]:
        """Inode and entry of a name; nothing for one that is gone since the listing began."""
        if name in _DOTS:
            return 0, self._dot(parent, name, behind, plus=pack is not None)
        try:
            ino = self._view.child(self._view.directory(parent), name)
            attrs = None if ino is None else self._view.attrs(ino)
        except OSError:
            attrs = None
        if attrs is None:
            return 0, b""
        entry = wire.pack_dirent(attrs.ino, attrs.mode, name, behind)
        return attrs.ino, entry if pack is None else pack(parent, attrs) + entry

    def _dot(self, ino: int, name: bytes, behind: int, *, plus: bool) -> bytes:
        """The entry of `.` or `..`, of which nothing more is said."""
        here = self._view.directory(ino)
        there = here if name == b"." else here.parent or here
        return (wire.NO_ENTRY if plus else b"") + wire.pack_dirent(there.ino, stat.S_IFDIR, name, behind)
