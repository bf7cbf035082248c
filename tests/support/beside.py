"""Two directories beside each other in which the same is done: one in a session, one plain, whose answers are right."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from tests.support.operations import see

Script = Callable[[Path], object]
"""Something that is done in a directory, and what comes of it."""


class Pair(NamedTuple):
    """The two directories."""

    mount: Path
    plain: Path

    @property
    def both(self) -> tuple[Path, Path]:
        """First the plain one, whose answers are right."""
        return self.plain, self.mount

    def same(self, script: Script) -> object:
        """Do it in both. What came of it, or the name of the error it ended with, is equal, and so is what is left."""
        plain, mount = (outcome(script, top) for top in self.both)
        assert mount == plain, f"it gave {mount!r}, natively {plain!r}"
        left, expected = look(self.mount), look(self.plain)
        unlike = {name: (left.get(name), expected.get(name)) for name in left.keys() | expected.keys()}
        assert left == expected, {name: both for name, both in unlike.items() if both[0] != both[1]}
        return plain


def outcome(script: Script, top: Path) -> object:
    """What a script gives, or the name of the error it ends with."""
    try:
        return script(top)
    except OSError as error:
        return errno.errorcode[error.errno or 0]


@contextlib.contextmanager
def opened(path: Path | str, flags: int = os.O_RDONLY, mode: int = 0o644) -> Iterator[int]:
    """A descriptor of what open(2) opens."""
    fd = os.open(path, flags, mode)
    try:
        yield fd
    finally:
        os.close(fd)


def look(top: Path) -> dict[str, tuple[object, ...]]:
    """Everything below a directory, with what it is and whose it is."""
    return {".": _owned(top), **{name: (seen, *_owned(top / name)) for name, seen in see(str(top)).items()}}


def _owned(path: Path) -> tuple[int, int, int]:
    status = os.lstat(path)
    return status.st_mode, status.st_uid, status.st_gid
