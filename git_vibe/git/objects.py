"""Reading objects: content for the view, and the repository handle that writers share."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from git_vibe.errors import GitError, ObjectMissing
from git_vibe.git.command import run_git, stream_git

if TYPE_CHECKING:
    import pygit2

T = TypeVar("T")

_STREAMING = ("-c", "core.bigFileThreshold=1m")
"""Makes git itself write packed blobs of this size piece by piece."""

_ROOM = 1 << 16


def load_library() -> None:
    """Import libgit2 before processes are forked that need it: they share what it takes then."""
    import pygit2  # noqa: F401


def open_repository(common_dir: Path) -> pygit2.Repository:
    """Open the object database and refs below a common git directory; hashes are verified on every read."""
    import pygit2

    return pygit2.Repository(os.fspath(common_dir))


class BlobReader:
    """Content of blobs of a repository, or else of its `submodules` that are there.

    Open it after a fork: the handles must not be shared between processes.
    """

    def __init__(self, common_dir: Path, submodules: Iterable[Path] = ()) -> None:
        self._directories = [common_dir, *(path for path in submodules if (path / "HEAD").exists())]
        self._odbs = [open_repository(path).odb for path in self._directories]

    def content(self, oid: bytes) -> bytes:
        """The whole content of a blob. Raises ObjectMissing.

        What libgit2 cannot find or read is asked of git itself: it fetches what a partial clone left out.
        """
        name = oid.hex()
        for odb in self._odbs:
            with contextlib.suppress(Exception):
                return bytes(odb.read(name)[1])
        return self._ask_git(lambda directory: run_git(["cat-file", "blob", name], cwd=directory), name)

    def stream_to(self, oid: bytes, output: int) -> None:
        """Write a blob to a descriptor without holding it in memory. Raises ObjectMissing, or OSError such as ENOSPC.

        Slow; safe in a thread.
        """
        name = oid.hex()
        with open(output, "wb", closefd=False) as file:
            command = [*_STREAMING, "cat-file", "blob", name]
            try:
                self._ask_git(lambda directory: stream_git(command, cwd=directory, output=file), name)
            except ObjectMissing:
                end = os.lseek(output, 0, os.SEEK_END)
                os.posix_fallocate(output, end, _ROOM)  # raises when the disk is the reason
                raise

    def _ask_git(self, ask: Callable[[Path], T], name: str) -> T:
        """The answer of the first repository that has one; what the first one says when none has."""
        failures = []
        for directory in self._directories:
            try:
                return ask(directory)
            except GitError as error:
                failures.append(error)
        raise _missing(name, failures[0]) from failures[0]


def _missing(oid: str, error: GitError) -> ObjectMissing:
    return ObjectMissing(
        f"object {oid} is missing or damaged: {error.message}", "`git fsck` shows what the repository lacks"
    )
