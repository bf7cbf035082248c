"""Attributes of paths, as `.gitattributes` and its relatives give them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from git_vibe.git.command import run_git


def values_of(
    names: Sequence[str], paths: Sequence[bytes], *, worktree: Path, env: Mapping[str, str]
) -> dict[bytes, dict[str, str]]:
    """For each path the value of each attribute: 'set', 'unset', 'unspecified' or a text. Raises GitError."""
    if not paths:
        return {}
    listing = b"".join(path + b"\0" for path in paths)
    fields = run_git(["check-attr", "-z", "--stdin", *names], cwd=worktree, env=env, stdin=listing).split(b"\0")
    values: dict[bytes, dict[str, str]] = {path: {} for path in paths}
    for path, name, value in zip(fields[0:-1:3], fields[1:-1:3], fields[2:-1:3], strict=True):
        values[path][name.decode()] = value.decode(errors="replace")
    return values
