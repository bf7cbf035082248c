"""What a view remembers of an inode.

A clean file of the base has no node at all: its inode number is its row in the base table plus one. Everything that
layers or the context had a part in, and every directory that was looked into, has a node here.

Inode numbers: base rows first; files that exist only in layers are numbered by the layer file they came from, so that
hard links agree and a remount finds the same numbers; the rest is counted up. A number that cannot be derived again
is stored with the file (INODE_XATTR).
"""

from __future__ import annotations

import os

from git_vibe.types import Attrs, LayerId

LAYER_INODES = 1 << 32
COUNTED_INODES = 1 << 56
GIT_FILE_INODE = 1 << 62
MISSING_ROW = -1


class Directory:
    """A directory of the view.

    `base` maps names to inode numbers as the base table has them; `children` is the whole view without the context and
    is the same object until it differs. Both are None until the directory is loaded. `top` tells whether the top layer
    has it, `sealed` names the sealed layers that contribute, the nearest first; `row` is the base directory below,
    MISSING_ROW where a layer names a tree that the base does not have; `context` is the context directory that is
    merged in; an `opaque` one merges nothing from below the layers. `whiteouts` are the names the top layer hides,
    None until they are needed.
    """

    __slots__ = (
        "base", "children", "context", "generation", "gone", "ino", "lookups",
        "name", "opaque", "parent", "row", "sealed", "top", "unsynced", "whiteouts",
    )  # fmt: skip

    def __init__(self, ino: int, parent: Directory | None, name: bytes, row: int | None) -> None:
        self.ino = ino
        self.parent = parent
        self.name = name
        self.row = row
        self.top = False
        self.opaque = False
        self.sealed: tuple[LayerId, ...] = ()
        self.context: bytes | None = None
        self.base: dict[bytes, int] | None = None
        self.children: dict[bytes, int] | None = None
        self.whiteouts: set[bytes] | None = None
        self.unsynced = False
        """Whether its layer directory has got names that fsync of a file must make durable with it."""
        self.generation = 0
        self.lookups = 0
        self.gone: Attrs | None = None
        """Last attributes of a removed directory that somebody still holds."""

    def path(self) -> bytes:
        """Path from the root of the view with a leading slash; empty for the root."""
        parts: list[bytes] = []
        here = self
        while here.parent is not None:
            parts.append(here.name)
            here = here.parent
        parts.append(b"")
        return b"/".join(reversed(parts))

    def is_below(self, other: Directory) -> bool:
        """Whether this is `other` or lies in it."""
        here: Directory | None = self
        while here is not None and here is not other:
            here = here.parent
        return here is not None


class File:
    """Anything but a directory that is not a clean file of the base.

    Its bytes are in the layer `layer` at its own path, in the context at the absolute path `context`, or, for an
    unlinked clean file, in the base row `row`. `fd`, where there is one, is open on them. `links` are its names.
    """

    __slots__ = ("context", "fd", "generation", "gone", "ino", "layer", "links", "lookups", "row")

    def __init__(self, ino: int, layer: LayerId | None, *links: tuple[Directory, bytes]) -> None:
        self.ino = ino
        self.layer = layer
        self.links = list(links)
        self.context: bytes | None = None
        self.row: int | None = None
        self.fd: int | None = None
        self.generation = 0
        self.lookups = 0
        self.gone: Attrs | None = None
        """Last attributes of an unlinked file that nobody can have open."""

    def path(self) -> bytes:
        """One path of the file from the root of the view. Only for a linked file."""
        directory, name = self.links[0]
        return directory.path() + b"/" + name

    def close(self) -> None:
        """Close the descriptor if there is one."""
        if self.fd is not None:
            os.close(self.fd)
            self.fd = None


Node = Directory | File
