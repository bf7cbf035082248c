"""Reading objects: content for the view, and the repository handle that writers share."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from git_vibe.errors import GitError, ObjectMissing
from git_vibe.git.command import run_git, stream_git

if TYPE_CHECKING:
    import pygit2


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

    def stream_to(self, oid: bytes, path: Path) -> None:
        """Write a blob to the file `path` without holding it in memory. Raises ObjectMissing."""
        try:
            with open(path, "wb") as output:
                stream_git(["cat-file", "blob", oid.hex()], cwd=self._common_dir, output=output)
        except GitError as error:
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
