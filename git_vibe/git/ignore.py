"""Which paths git would ignore, by the patterns alone: whether a path is tracked is the caller's question."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from git_vibe.git.command import run_git


def ignored_paths(paths: Sequence[bytes], *, worktree: Path, env: Mapping[str, str]) -> set[bytes]:
    """Those of `paths` (relative to the top of `worktree`) that a pattern excludes.

    `env` binds git to the repository. Whether a path is a directory is looked up in `worktree`. Raises GitError.
    """
    if not paths:
        return set()
    # "./" keeps a leading colon from being read as pathspec magic.
    listing = b"".join(b"./" + path + b"\0" for path in paths)
    found = run_git(["check-ignore", "--no-index", "-z", "--stdin"], cwd=worktree, env=env, stdin=listing, ok=(0, 1))
    return {path[2:] for path in found.split(b"\0") if path}
