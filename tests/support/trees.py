"""Directory trees as values that can be compared."""

from __future__ import annotations

import os
import stat
from pathlib import Path


def tree(top: Path, *, skip: tuple[bytes, ...] = (b".git",)) -> dict[bytes, tuple[str, int, bytes]]:
    """Every path below `top`: (kind, permission bits, content or link target)."""
    found: dict[bytes, tuple[str, int, bytes]] = {}
    root = os.fsencode(top)
    for directory, directories, files in os.walk(root):
        if directory == root:
            directories[:] = [name for name in directories if name not in skip]
            files = [name for name in files if name not in skip]
        for name in [*directories, *files]:
            path = os.path.join(directory, name)
            found[os.path.relpath(path, root)] = describe(path)
    return found


def describe(path: bytes) -> tuple[str, int, bytes]:
    """What one path is."""
    status = os.lstat(path)
    bits = stat.S_IMODE(status.st_mode)
    if stat.S_ISLNK(status.st_mode):
        return "link", 0, os.readlink(path)
    if stat.S_ISDIR(status.st_mode):
        return "directory", bits, b""
    if stat.S_ISREG(status.st_mode):
        return "file", bits, Path(os.fsdecode(path)).read_bytes()
    return "special", bits, b""
