"""Installing hooks, removing them, and telling how they stand. Doing either again changes nothing."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from git_vibe.githooks import directory, redirect
from git_vibe.githooks.included import exclude, include, included
from git_vibe.githooks.places import CONFIG, DIRECTORY, REDIRECT, git_version, own_path, way
from git_vibe.session.shims import BUSIEST, EVENTS, wake
from git_vibe.session.workspace import Workspace
from git_vibe.store.atomic import write_atomically
from git_vibe.store.lock import locked
from git_vibe.store.record import session_names


class Hook(NamedTuple):
    """One hook: its state (of those in `directory`) and the user's hook that runs first."""

    event: str
    state: str
    first: str | None = None


class Hooks(NamedTuple):
    """How hooks get to git ('config', 'directory', 'redirect', or None), where they are, and each of them."""

    way: str | None
    path: str
    hooks: list[Hook]


class Installed(NamedTuple):
    """What there is now, or why nothing was done."""

    hooks: Hooks
    refusal: str = ""


class Removed(NamedTuple):
    """Whether hooks of ours were there, and hooks that were kept and not put back."""

    removed: bool
    left: list[str]


def install(ws: Workspace, *, may_redirect: bool, version: tuple[int, int] | None = None) -> Installed:
    """Put our hooks where git finds them. Raises GitError, SessionBusy."""
    chosen = way(ws, version or git_version())
    if chosen == REDIRECT and not may_redirect and not redirect.is_in_force(ws):
        return Installed(status(ws), _refusal(ws))
    with _alone(ws):
        _undo_others(ws, chosen)
        {CONFIG: _configure, DIRECTORY: _fill_directory, REDIRECT: redirect.redirect}[chosen](ws)
    if session_names(ws.layout):
        wake(ws)
    return Installed(status(ws))


def _refusal(ws: Workspace) -> str:
    path = own_path(ws) or os.fspath(ws.layout.hooks)
    return (
        f"hooks were not installed: git takes them from '{path}'; run `git vibe hook install` to have git run those of"
        f" git-vibe after them (sets core.hooksPath for this repository; nothing in '{path}' changes)"
    )


@contextlib.contextmanager
def _alone(ws: Workspace) -> Iterator[None]:
    with locked(ws.layout.hooks_lock, what="the installation of hooks"):
        yield


def _undo_others(ws: Workspace, chosen: str) -> None:
    """What an earlier way left, from before git was upgraded or core.hooksPath was set."""
    if chosen != CONFIG:
        exclude(ws, _config_file(ws))
    if chosen != DIRECTORY:
        _empty_directory(ws)
    if chosen != REDIRECT:
        redirect.undo(ws)


# By configuration


def _config_file(ws: Workspace) -> Path:
    return ws.layout.live / "hooks.config"


def _configure(ws: Workspace) -> None:
    include(ws, _config_file(ws))


# In the directory


def _fill_directory(ws: Workspace) -> None:
    place = ws.layout.hooks
    if not place.is_dir():
        place.mkdir(parents=True, exist_ok=True)
        write_atomically(ws.layout.hooks_state, b'{"made": true}\n')
    for event in EVENTS:
        directory.place(place / event, ws.layout.hooks_before, sleeping=event == BUSIEST)
    directory.link_neighbours(place, ws.layout.hooks_before)


def _empty_directory(ws: Workspace) -> list[Path]:
    place, before = ws.layout.hooks, ws.layout.hooks_before
    for event in EVENTS:
        directory.restore(place / event, before)
    left = directory.drop_neighbours(place, before)
    if _made_directory(ws):
        with contextlib.suppress(OSError):
            place.rmdir()
    ws.layout.hooks_state.unlink(missing_ok=True)
    return left


def _made_directory(ws: Workspace) -> bool:
    try:
        return bool(json.loads(ws.layout.hooks_state.read_bytes())["made"])
    except (OSError, ValueError, KeyError, TypeError):
        return False


# Removal and status


def remove(ws: Workspace) -> Removed:
    """Take all our hooks away and put back what was there before. Raises GitError, SessionBusy."""
    found = status(ws).way is not None
    with _alone(ws) if ws.layout.root.is_dir() else contextlib.nullcontext():
        exclude(ws, _config_file(ws))
        left = _empty_directory(ws)
        redirect.undo(ws)
    return Removed(found, [str(path) for path in left])


def status(ws: Workspace) -> Hooks:
    """How our hooks stand."""
    if os.fspath(_config_file(ws).relative_to(ws.layout.common_dir)) in included(ws):
        return Hooks(CONFIG, str(ws.repo.common_dir / "config"), [Hook(event, directory.OURS) for event in EVENTS])
    if ws.layout.hooks_redirected.is_dir():
        first = redirect.former_path(ws)
        return _seen(REDIRECT, ws.layout.hooks_redirected, ws.repo.main_worktree / first if first else None)
    found = _seen(DIRECTORY, ws.layout.hooks, ws.layout.hooks_before)
    ours = any(hook.state not in (directory.FREE, directory.FOREIGN) for hook in found.hooks)
    return found if ours else found._replace(way=None)


def _seen(how: str, place: Path, before: Path | None) -> Hooks:
    return Hooks(how, str(place), [_hook(place / event, before) for event in EVENTS])


def _hook(slot: Path, before: Path | None) -> Hook:
    first = before / slot.name if before else None
    chained = first is not None and first.is_file() and os.access(first, os.X_OK)
    return Hook(slot.name, directory.state(slot), str(first) if chained else None)
