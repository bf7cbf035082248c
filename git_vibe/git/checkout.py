"""Letting git write files as a checkout would, into a scratch work tree with an index of its own."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Sequence
from pathlib import Path

from git_vibe.errors import FilterFailed, GitError
from git_vibe.git.attributes import specified_values
from git_vibe.git.command import run_git, run_git_status
from git_vibe.git.conversion import ATTRIBUTES

_CHUNK = 1 << 20
_PLAIN_INDEX = ("-c", "core.splitIndex=false", "-c", "core.fsmonitor=false")
_FAILED = re.compile(r"^fatal: (?P<path>.*): smudge filter (?P<driver>.*) failed$", re.MULTILINE)


class Checkout:
    """A work tree below `root` for `commit`; nothing is in it until it is asked for.

    `entries`, input of `git update-index --index-info`, are all it has where not the whole commit is wanted.
    """

    def __init__(self, common_dir: Path, commit: str, root: Path, entries: bytes | None = None) -> None:
        self._worktree = root / "tree"
        self._worktree.mkdir(parents=True)
        self._environment = {
            "GIT_DIR": os.fspath(common_dir),
            "GIT_WORK_TREE": os.fspath(self._worktree),
            "GIT_INDEX_FILE": os.fspath(root / "index"),
        }
        command = ["read-tree", commit] if entries is None else ["update-index", "-z", "--index-info"]
        run_git([*_PLAIN_INDEX, *command], cwd=self._worktree, env=self._environment, stdin=entries)

    def attributes(self, paths: Sequence[bytes]) -> dict[bytes, dict[str, str]]:
        """What the attributes of the commit, and those outside of it, say about the conversion of `paths`."""
        return specified_values(ATTRIBUTES, paths, worktree=self._worktree, env=self._environment)

    def write(self, paths: Sequence[bytes]) -> None:
        """Check these files out. Raises FilterFailed or GitError."""
        if not paths:
            return
        done = run_git_status(
            ["checkout-index", "-z", "--stdin"],
            cwd=self._worktree,
            env=self._environment,
            stdin=b"".join(path + b"\0" for path in paths),
        )
        if done.returncode != 0:
            raise _explained(done.stderr.decode(errors="replace").strip())

    def location(self, path: bytes) -> bytes:
        """Where the file `path` is after it was checked out."""
        return os.path.join(os.fsencode(self._worktree), path)


def _explained(words: str) -> FilterFailed | GitError:
    failed = _FAILED.search(words)
    if failed is None:
        return GitError(f"git checkout-index failed: {words}")
    driver = failed["driver"]
    return FilterFailed(
        f"the required filter '{driver}' failed for '{failed['path']}':\n{words}",
        f"mend filter.{driver}.smudge, or set vibe.filters to false for sessions that show files without conversion",
    )


def is_blob(path: bytes, oid: bytes, size: int) -> bool:
    """Whether the file `path` holds exactly the blob `oid`, which has `size` bytes."""
    if os.stat(path).st_size != size:
        return False
    digest = hashlib.sha1(b"blob %d\0" % size)
    with open(path, "rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.digest() == oid
