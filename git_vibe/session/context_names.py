"""Which names of a session come from the context and are therefore nobody's work."""

from __future__ import annotations

import os
import stat
from pathlib import Path


class ContextNames:
    """One directory of the context as it shows in the view; `path` is where it lies.

    A symbolic link in the context itself stands for what it points to; `own` tells that this directory is part of the
    context and not of something a link leads to.
    """

    def __init__(self, path: bytes, *, own: bool = True) -> None:
        self._path = path
        self._own = own
        self.names = frozenset(os.listdir(path))

    def directory(self, name: bytes) -> ContextNames | None:
        """The directory `name` when it is one, else None."""
        path = os.path.join(self._path, name)
        linked = os.path.islink(path)
        if (linked and not self._own) or not os.path.isdir(path):
            return None
        return ContextNames(path, own=self._own and not linked)

    def is_leaf(self, name: bytes) -> bool:
        """Whether the context has `name` and it is not a directory."""
        return name in self.names and self.directory(name) is None

    def content(self, name: bytes) -> bytes | None:
        """Content of a regular file of the context, else None."""
        path = os.path.join(self._path, name)
        try:
            if name in self.names and stat.S_ISREG(os.stat(path).st_mode):
                return Path(os.fsdecode(path)).read_bytes()
        except OSError:
            pass
        return None


def context_names(directory: Path) -> ContextNames | None:
    """The names at the root of every session, or None where there is no context."""
    try:
        names = ContextNames(os.fsencode(directory))
    except (FileNotFoundError, NotADirectoryError):
        return None
    return names if names.names else None
