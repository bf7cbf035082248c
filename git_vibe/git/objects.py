"""Reading objects: content for the view, and the repository handle that writers share."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from git_vibe.errors import GitError, ObjectMissing
from git_vibe.git.command import run_git, stream_git

if TYPE_CHECKING:
    import pygit2

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
    """Content of blobs. Open it after a fork: the handle must not be shared between processes."""

    def __init__(self, common_dir: Path) -> None:
        self._common_dir = common_dir
        self._odb = open_repository(common_dir).odb

    def content(self, oid: bytes) -> bytes:
        """The whole content of a blob. Raises ObjectMissing.

        What libgit2 cannot find or read is asked of git itself: it fetches what a partial clone left out.
        """
        try:
            _, data = self._odb.read(oid.hex())
            return bytes(data)
        except Exception:
            return self._content_from_git(oid.hex())

    def stream_to(self, oid: bytes, output: int) -> None:
        """Write a blob to a descriptor without holding it in memory. Raises ObjectMissing, or OSError such as ENOSPC.

        Slow; safe in a thread.
        """
        try:
            with open(output, "wb", closefd=False) as file:
                stream_git([*_STREAMING, "cat-file", "blob", oid.hex()], cwd=self._common_dir, output=file)
        except GitError as error:
            os.posix_fallocate(output, os.lseek(output, 0, os.SEEK_END), _ROOM)  # raises when the disk is the reason
            raise _missing(oid.hex(), error) from error

    def _content_from_git(self, oid: str) -> bytes:
        try:
            return run_git(["cat-file", "blob", oid], cwd=self._common_dir)
        except GitError as error:
            raise _missing(oid, error) from error


def _missing(oid: str, error: GitError) -> ObjectMissing:
    return ObjectMissing(
        f"object {oid} is missing or damaged: {error.message}", "`git fsck` shows what the repository lacks"
    )
