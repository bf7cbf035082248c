"""Telling changes by their content: two patches with the same lines are alike, wherever in history they are.

This is what `git patch-id` is for, but it tells binary files apart in every version of git and keeps white space.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from git_vibe.git.command import run_git
from git_vibe.types import Oid

_PLAINLY = ("--full-index", "--no-renames", "--no-color", "--no-ext-diff", "--no-textconv")
_PATCH = ("diff-tree", "-r", "-p", "-U3", *_PLAINLY)
_LITERALLY = {"GIT_LITERAL_PATHSPECS": "1"}
_PATHS_MAX = 1000


def likeness(old: Oid, new: Oid, *, cwd: Path, env: Mapping[str, str]) -> str:
    """What tells the change from one commit or tree to another from different changes."""
    return _digest(run_git([*_PATCH, old, new], cwd=cwd, env=env).split(b"\n"))


def likenesses(old: Oid, new: Oid, paths: Sequence[bytes], *, cwd: Path, env: Mapping[str, str]) -> dict[Oid, str]:
    """The likeness of each commit that `new` has and `old` has not, but for merges, as far as it is about `paths`."""
    limit = list(paths) if len(paths) <= _PATHS_MAX else []
    literally = {**env, **_LITERALLY}
    commits = run_git(["rev-list", "--no-merges", f"{old}..{new}", "--", *limit], cwd=cwd, env=literally)
    if not commits:
        return {}
    patches = run_git([*_PATCH, "--root", "--stdin", "--", *limit], cwd=cwd, env=literally, stdin=commits)
    return {commit: _digest(lines) for commit, lines in _split(patches, set(commits.split()))}


def _split(patches: bytes, commits: set[bytes]) -> Iterator[tuple[Oid, list[bytes]]]:
    """The patch of each commit; a line that is the name of a commit begins one, since all others begin otherwise."""
    found: list[tuple[Oid, list[bytes]]] = []
    for line in patches.split(b"\n"):
        if line in commits:
            found.append((Oid(line.decode()), []))
        elif found:
            found[-1][1].append(line)
    return iter(found)


def _digest(lines: Sequence[bytes]) -> str:
    """Line numbers do not count, and names of blobs only where there are no lines to compare."""
    digest, blobs = hashlib.sha256(), b""
    for line in lines:
        if line.startswith(b"index "):
            blobs = line
        elif line.startswith(b"Binary files "):
            digest.update(blobs + b"\n")
        elif line and not line.startswith(b"@@ "):
            digest.update(line + b"\n")
    return digest.hexdigest()
