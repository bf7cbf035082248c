"""Ignored files that `promote --include-ignored` took: from then on the session treats them like tracked ones."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from git_vibe.store.atomic import write_atomically
from git_vibe.store.layout import SessionPaths


class Included:
    """Paths of files that are taken although git ignores them."""

    def __init__(self, paths: Iterable[bytes]) -> None:
        self.paths = frozenset(paths)
        self._parents = {parent for path in self.paths for parent in _parents(path)}

    def __contains__(self, path: bytes) -> bool:
        """Whether a path is such a file or a directory above one."""
        return path in self.paths or path in self._parents


def included_file(paths: SessionPaths) -> Path:
    """Where the paths are kept, separated by NUL."""
    return paths.root / "included"


def read_included(paths: SessionPaths) -> Included:
    """What earlier promotes of a session took."""
    try:
        return Included(path for path in included_file(paths).read_bytes().split(b"\0") if path)
    except FileNotFoundError:
        return Included([])


def include(paths: SessionPaths, more: Iterable[bytes]) -> None:
    """Add files to those that are taken."""
    known = read_included(paths).paths
    wanted = known | set(more)
    if wanted != known:
        write_atomically(included_file(paths), b"\0".join(sorted(wanted)))


def _parents(path: bytes) -> Iterable[bytes]:
    while path := os.path.dirname(path):
        yield path
