"""One line of `.git/config` that includes a file of ours, and is taken away without a trace.

It holds for this very place of the repository only: hooks are configured by absolute paths, and where the repository
has moved the user's own settings are in force again.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from git_vibe.git.command import run_git, run_git_status
from git_vibe.session.workspace import Workspace


def include(ws: Workspace, file: Path) -> None:
    """Include a file below the repository, unless that is done already. Raises GitError."""
    path = _path(ws, file)
    if path not in included(ws):
        exclude(ws, file)
        run_git(["config", "--local", "--add", _key(ws), path], cwd=ws.layout.common_dir)


def included(ws: Workspace) -> list[str]:
    """What is included for this place of the repository."""
    return [path for key, path in _entries(ws) if key.lower() == _key(ws).lower()]


def exclude(ws: Workspace, file: Path) -> None:
    """Include a file no more, neither here nor where the repository was before it moved. Raises GitError."""
    for key, path in _entries(ws):
        if path == _path(ws, file):
            run_git(["config", "--local", "--fixed-value", "--unset", key, path], cwd=ws.layout.common_dir)


def _path(ws: Workspace, file: Path) -> str:
    return str(file.relative_to(ws.layout.common_dir))


def _entries(ws: Workspace) -> list[tuple[str, str]]:
    """Keys and paths of all conditional includes."""
    command = ["config", "--local", "-z", "--get-regexp", r"^includeif\..*\.path$"]
    items = run_git_status(command, cwd=ws.layout.common_dir).stdout.split(b"\0")[:-1]
    pairs = (os.fsdecode(item).partition("\n") for item in items)
    return [(key, path) for key, _, path in pairs]


def _key(ws: Workspace) -> str:
    # A slash at the end stands for everything below: the git directory itself and those of linked work trees.
    pattern = re.sub(r"([\\*?\[])", r"\\\1", f"{ws.layout.common_dir.parent}/")
    return f"includeIf.gitdir:{pattern}.path"
