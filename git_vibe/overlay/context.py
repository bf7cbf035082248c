"""The context: files of `.git/vibe/context/` that appear in every session.

A symbolic link in the context directory stands for what it points to, wherever that is; links inside a directory it
points to are served as they are. A link that points nowhere does not appear. Nothing is cached: the user changes these
files behind the view.
"""

from __future__ import annotations

import os
import stat


class Context:
    """Read access to one context directory, whose absolute path is `root`. All paths are bytes."""

    def __init__(self, root: bytes) -> None:
        self.root = root
        self._root = os.path.realpath(root)

    def status(self, path: bytes) -> os.stat_result | None:
        """What `path` (absolute, below the context) shows in the view, or None when it shows nothing."""
        try:
            status = os.lstat(path)
            if stat.S_ISLNK(status.st_mode) and self._is_own_link(path):
                return os.stat(path)
            return status
        except OSError:
            return None

    def source(self, path: bytes) -> bytes:
        """Path of what `path` stands for: the target of a link in the context itself, else the same path."""
        return os.path.realpath(path) if self._is_own_link(path) else path

    def _is_own_link(self, path: bytes) -> bool:
        """Whether the link lies in the context itself and not in a directory some link leads to."""
        parent = os.path.realpath(os.path.dirname(path))
        return parent == self._root or parent.startswith(self._root + b"/")

    def names(self, directory: bytes) -> list[bytes]:
        """Names below a context directory; empty when it is gone or not readable."""
        try:
            return os.listdir(directory)
        except OSError:
            return []
