"""Blob names of files as `git add` would compute them: with filters, line endings and encodings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from git_vibe.errors import GitError
from git_vibe.git.command import WRITTEN_OUT, run_git
from git_vibe.types import Oid

_PLAIN = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_./+@%=, ")


def hash_files(paths: Sequence[bytes], *, worktree: Path, env: Mapping[str, str], write: bool) -> list[Oid]:
    """Names of the blobs of `paths` (relative to the top of `worktree`), in one run of git; `write` stores them.

    Raises GitError, also when a file is gone.
    """
    if not paths:
        return []
    listing = b"".join(quoted(path) + b"\n" for path in paths)
    # core.safecrlf only guards people against `git add`; it must not keep work from being saved.
    command = [*WRITTEN_OUT, "-c", "core.safecrlf=false", "hash-object", *(["-w"] if write else []), "--stdin-paths"]
    names = run_git(command, cwd=worktree, env=env, stdin=listing).split()
    if len(names) != len(paths):
        raise GitError(f"git hash-object named {len(names)} of {len(paths)} files")
    return [Oid(name.decode()) for name in names]


def quoted(path: bytes) -> bytes:
    """A path as git's line-based input wants it: C-quoted where a plain line would be ambiguous."""
    if _PLAIN.issuperset(path):
        return path
    return b'"' + b"".join(bytes([byte]) if byte in _PLAIN else b"\\%03o" % byte for byte in path) + b'"'
