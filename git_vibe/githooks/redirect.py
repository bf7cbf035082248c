"""A directory of ours in the place of core.hooksPath, whose shims run what lies at the former path first."""

from __future__ import annotations

import os

from git_vibe.errors import GitError
from git_vibe.git.command import run_git_status
from git_vibe.githooks import directory
from git_vibe.githooks.included import exclude, include
from git_vibe.githooks.places import own_path
from git_vibe.session.shims import BUSIEST, EVENTS
from git_vibe.session.workspace import Workspace
from git_vibe.store.atomic import remove_dir_atomically, write_atomically

PASSED_ON = (
    "applypatch-msg", "commit-msg", "post-applypatch", "post-commit", "pre-applypatch", "pre-auto-gc",
    "pre-merge-commit", "pre-rebase", "prepare-commit-msg",
)  # fmt: skip
"""Hooks that only run what lies at the former path, also what is put there later."""


def redirect(ws: Workspace) -> None:
    """Point git to shims of ours. Raises GitError when another setting is stronger."""
    place, path = ws.layout.hooks_redirected, own_path(ws) or os.fspath(ws.layout.hooks)
    place.mkdir(exist_ok=True)
    write_atomically(place / "before", os.fsencode(path) + b"\n")
    found = {name for name in _names(ws, path) if not name.endswith(".sample")}
    for event in sorted({*EVENTS, *PASSED_ON, *found}):
        _place(ws, event, sleeping=event == BUSIEST and event not in found)
    write_atomically(place / "config", os.fsencode(f'[core]\n\thooksPath = "{_quoted(os.fspath(place))}"\n'))
    include(ws, place / "config")
    if not is_in_force(ws):
        undo(ws)
        raise GitError(
            f"core.hooksPath stays {path}: a setting that comes later in the configuration wins",
            "`git config --show-origin --get-all core.hooksPath` shows them; or call `git vibe hook run <event>` there",
        )


def _place(ws: Workspace, event: str, *, sleeping: bool) -> None:
    slot = ws.layout.hooks_redirected / event
    if not sleeping and slot.is_symlink():
        slot.unlink()
    directory.place(slot, slot.parent, sleeping=sleeping)


def _names(ws: Workspace, path: str) -> list[str]:
    """Hooks at the former path, followed from the main work tree as git follows it there."""
    try:
        entries = list(os.scandir(ws.repo.main_worktree / path))
    except OSError:
        return []
    return [entry.name for entry in entries if entry.is_file() and os.access(entry.path, os.X_OK)]


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')


def is_in_force(ws: Workspace) -> bool:
    """Whether git looks for hooks in our directory."""
    done = run_git_status(["config", "--type=path", "core.hooksPath"], cwd=ws.repo.main_worktree)
    return os.fsdecode(done.stdout).rstrip("\n") == os.fspath(ws.layout.hooks_redirected)


def former_path(ws: Workspace) -> str | None:
    """The path whose hooks our shims run first, as it was when they were made."""
    try:
        return os.fsdecode((ws.layout.hooks_redirected / "before").read_bytes()).rstrip("\n")
    except OSError:
        return None


def undo(ws: Workspace) -> None:
    """Let git look where it looked before. Raises GitError."""
    exclude(ws, ws.layout.hooks_redirected / "config")
    remove_dir_atomically(ws.layout.hooks_redirected)
