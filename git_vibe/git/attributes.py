"""Attributes of paths, as `.gitattributes` and its relatives give them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from git_vibe.git.command import run_git


def values_of(
    names: Sequence[str], paths: Sequence[bytes], *, worktree: Path, env: Mapping[str, str]
) -> dict[bytes, dict[str, str]]:
    """For each path the value of each attribute: 'set', 'unset', 'unspecified' or a text. Raises GitError."""
    values: dict[bytes, dict[str, str]] = {path: {} for path in paths}
    for path, name, value in _ask(names, paths, worktree=worktree, env=env):
        values[path][name.decode()] = value.decode(errors="replace")
    return values


def specified_values(
    names: Sequence[str], paths: Sequence[bytes], *, worktree: Path, env: Mapping[str, str]
) -> dict[bytes, dict[str, str]]:
    """The attributes among `names` that the index gives, without unspecified ones and paths that have none.

    Raises GitError.
    """
    found: dict[bytes, dict[str, str]] = {}
    for path, name, value in _ask(["--cached", *names], paths, worktree=worktree, env=env):
        if value != b"unspecified":
            found.setdefault(path, {})[name.decode()] = value.decode(errors="replace")
    return found


def _ask(
    names: Sequence[str], paths: Sequence[bytes], *, worktree: Path, env: Mapping[str, str]
) -> Iterator[tuple[bytes, bytes, bytes]]:
    """What `git check-attr` says: path, attribute, value."""
    if not paths:
        return iter(())
    listing = b"".join(path + b"\0" for path in paths)
    fields = run_git(["check-attr", "-z", "--stdin", *names], cwd=worktree, env=env, stdin=listing).split(b"\0")
    return zip(fields[0:-1:3], fields[1:-1:3], fields[2:-1:3], strict=True)
