"""Values with a checked shape. No I/O, no imports from other layers."""

from __future__ import annotations

import re
from typing import NamedTuple, NewType

from git_vibe.errors import InvalidSessionName

Inode = NewType("Inode", int)
"""Inode number of a view, equal to the FUSE node id."""

ROOT_INODE = Inode(1)

RECURSION_LIMIT = 10_000
"""How deep functions may call themselves: once or twice for each directory of a path, of which 2,048 are possible."""

_OID = re.compile(r"[0-9a-f]{40}\Z")
_SESSION_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]{0,62}[A-Za-z0-9])?\Z")


class Oid(str):
    """A full SHA-1 object name in lower-case hexadecimal."""

    __slots__ = ()

    def __new__(cls, text: str) -> Oid:
        if not _OID.match(text):
            raise ValueError(f"not an object name: {text!r}")
        return super().__new__(cls, text)


class SessionName(str):
    """A session name: 1 to 64 ASCII letters, digits and inner hyphens, so that it is a valid ref component.

    Raises InvalidSessionName.
    """

    __slots__ = ()

    def __new__(cls, text: str) -> SessionName:
        if not _SESSION_NAME.match(text):
            shown = text if len(text) <= 80 else text[:77] + "..."
            raise InvalidSessionName(
                f"invalid session name '{shown}'",
                "use 1 to 64 letters, digits and hyphens; the first and last must not be a hyphen",
            )
        return super().__new__(cls, text)


class LayerId(int):
    """Number of a layer, counted from 1; a higher number lies above a lower one."""

    __slots__ = ()

    def __new__(cls, number: int) -> LayerId:
        if number < 1:
            raise ValueError(f"not a layer number: {number}")
        return super().__new__(cls, number)

    @property
    def dirname(self) -> str:
        """Name of the layer's directory, for example '0001'."""
        return f"{self:04d}"


class Attrs(NamedTuple):
    """What stat(2) reports of one inode; times in nanoseconds since the epoch."""

    ino: int
    mode: int
    nlink: int
    uid: int
    gid: int
    rdev: int
    size: int
    blocks: int
    atime_ns: int
    mtime_ns: int
    ctime_ns: int
    generation: int = 0
