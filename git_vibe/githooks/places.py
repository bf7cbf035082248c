"""Where git looks for hooks, and which way ours get there.

"config":    git 2.54 and later run hooks from the configuration; no file of the user's is touched.
"directory": the shims lie in `.git/hooks`; a hook that was there is moved beside it and runs first.
"redirect":  core.hooksPath leads elsewhere, to files that may be tracked or shared with other repositories: none of
             them is touched. `.git/config` includes a file that points git to a directory of ours, whose shims run
             first what lies at the former path. Only a user who asks for it gets that.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from git_vibe.git.command import run_git, run_git_status
from git_vibe.session.workspace import Workspace

CONFIG = "config"
DIRECTORY = "directory"
REDIRECT = "redirect"

_FIRST_WITH_CONFIG = (2, 54)


def git_version() -> tuple[int, int]:
    """Major and minor number of the git that runs."""
    found = re.search(rb"(\d+)\.(\d+)", run_git(["version"], cwd=None))
    return (int(found[1]), int(found[2])) if found else (0, 0)


def way(ws: Workspace, version: tuple[int, int]) -> str:
    """The way that hooks of this repository get to git."""
    if version >= _FIRST_WITH_CONFIG:
        return CONFIG
    elsewhere = own_path(ws)
    return DIRECTORY if elsewhere is None and not ws.layout.hooks.is_symlink() else REDIRECT


def own_path(ws: Workspace) -> str | None:
    """The user's core.hooksPath where it leads elsewhere than to `.git/hooks`; a relative one stays relative."""
    found = run_git_status(
        ["config", "-z", "--type=path", "--get-all", "core.hooksPath"], cwd=ws.repo.main_worktree
    ).stdout.split(b"\0")[:-1]
    paths = [path for path in map(os.fsdecode, found) if Path(path) != ws.layout.hooks_redirected]
    if not paths or _is_default(ws, paths[-1]):
        return None
    return paths[-1]


def _is_default(ws: Workspace, path: str) -> bool:
    """Whether a path is that of `.git/hooks` wherever it is followed from."""
    return os.path.isabs(path) and os.path.realpath(path) == os.path.realpath(ws.layout.hooks)
