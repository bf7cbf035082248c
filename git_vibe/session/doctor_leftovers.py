"""Checks for what commands that were killed left beside the sessions: claims, pins and throw-away directories."""

from __future__ import annotations

import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from git_vibe.git.command import run_git
from git_vibe.git.refs import delete_ref
from git_vibe.git.submodule import all_stores
from git_vibe.git.worktree import LOCK_REASON
from git_vibe.session.doctor import Finding, Problem
from git_vibe.session.workspace import Workspace
from git_vibe.store.atomic import is_held, remove_tree
from git_vibe.store.layout import ASIDE, PINS, own_refs
from git_vibe.store.record import session_names
from git_vibe.types import SessionName

HALF_MADE_AGE = 60.0
"""Seconds after which a half-made directory that nobody holds cannot be another command's that still runs."""
SCRATCH_AGE = 3600.0
"""The same for the work of a promote, which may take long."""


def check_leftovers(ws: Workspace) -> Iterator[Finding]:
    """Is anything left of a command that was killed?"""
    for path in _half_made(ws):
        yield Problem(f"{path} was left half-made", "it may be deleted", partial(remove_tree, path))
    for claim in _stale_claims(ws):
        yield Problem(f"{claim} belongs to no session", "it may be deleted", partial(_drop_claim, ws, claim))
    for ref in _stale_pins(ws):
        yield Problem(f"{ref} belongs to no session", f"`git update-ref -d {ref}`", partial(_drop_pin, ws, ref))
    for path in _written_unmounted(ws):
        yield Problem(f"{path} was written while the session was not mounted", "move what you need, then delete it")


def _written_unmounted(ws: Workspace) -> Iterator[Path]:
    """What workers moved aside before they mounted."""
    for root in {Path(record.mount).parent for record in ws.records()}:
        yield from sorted(root.glob(f"*{ASIDE}*"))


def _half_made(ws: Workspace) -> Iterator[Path]:
    """Directories that were to be renamed, removed or thrown away."""
    for directory in (ws.layout.sessions, ws.layout.cache / "base"):
        for pattern in (".new-*", ".old-*", ".tmp-*"):
            yield from (path for path in sorted(directory.glob(pattern)) if _is_abandoned(path))
    yield from (path for path in sorted(ws.layout.cache.glob("scratch-*")) if _is_older(path, SCRATCH_AGE))


def _is_abandoned(path: Path) -> bool:
    return _is_older(path, HALF_MADE_AGE) and not is_held(path)


def _is_older(path: Path, seconds: float) -> bool:
    try:
        return time.time() - path.lstat().st_mtime > seconds
    except FileNotFoundError:
        return False


# Claims: linked work trees whose session never came to be, or is gone


def _claims(ws: Workspace) -> list[Path]:
    repositories = (ws.layout.common_dir, *all_stores(ws.layout.common_dir))
    return sorted(path for each in repositories for path in (each / "worktrees").glob("vibe-*"))


def _stale_claims(ws: Workspace) -> list[Path]:
    known = {ws.paths(name).git_dir.name for name in session_names(ws.layout)}
    unknown = [path for path in _claims(ws) if path.name not in known]
    return [path for path in unknown if _is_older(path, HALF_MADE_AGE) and _is_ours(path)]


def _is_ours(claim: Path) -> bool:
    """A user may call a work tree of his own like that."""
    try:
        return (claim / "locked").read_text().strip() == LOCK_REASON
    except (OSError, ValueError):
        return False


def _drop_claim(ws: Workspace, claim: Path) -> None:
    """Remove a claim, unless a spawn took it over meanwhile."""
    if claim in _stale_claims(ws):
        remove_tree(claim)


# Pins: refs that keep the base of a session which is not there


def _stale_pins(ws: Workspace) -> list[str]:
    """While a session is made or removed, its claim is there."""
    stale = _stale_claims(ws)
    names = [path.name.removeprefix("vibe-") for path in _claims(ws) if path not in stale]
    known = {ref for name in (*session_names(ws.layout), *map(SessionName, names)) for ref in own_refs(name)}
    listing = run_git(["for-each-ref", "--format=%(refname)", *PINS], cwd=ws.repo.common_dir)
    return [ref for ref in listing.decode().splitlines() if ref not in known]


def _drop_pin(ws: Workspace, ref: str) -> None:
    if ref in _stale_pins(ws):
        delete_ref(ref, cwd=ws.repo.common_dir)
