"""Submodules in a session: each whose commit is here is a linked work tree of its own repository below `modules`.

Its content comes from that repository, as the base table says. What is committed there is in that repository at once.
`vibe.submodules` is `show`, `empty` for empty directories, or `error` to refuse where one is not here.
"""

from __future__ import annotations

import contextlib
import os
import time
from pathlib import Path

from git_vibe.errors import SubmoduleUnavailable, UsageError
from git_vibe.git.refs import read_ref, unreachable_tips, update_ref
from git_vibe.git.submodule import Submodule, all_stores, listed
from git_vibe.git.worktree import gitfile_content, reflog_commits, write_first_reflog, write_worktree
from git_vibe.session.workspace import Workspace
from git_vibe.store.atomic import begin_writeback_below, remove_tree
from git_vibe.store.layout import archive_ref
from git_vibe.store.record import SessionRecord
from git_vibe.types import Oid, SessionName

GET_SUBMODULES = "`git submodule update --init` in your work tree gets it for new sessions"
_SETTINGS = ("show", "empty", "error")


def shows_submodules(ws: Workspace) -> bool:
    """Whether content of submodules is wanted. Raises UsageError for an unknown setting."""
    setting = _setting(ws)
    if setting not in _SETTINGS:
        raise UsageError(f"bad value '{setting}' for 'vibe.submodules'", f"it is one of: {', '.join(_SETTINGS)}")
    return setting != "empty"


def _setting(ws: Workspace) -> str:
    return ws.repo.config.text("vibe.submodules", "show") or ""


def shown_submodules(directory: Path) -> list[Submodule]:
    """The submodules whose content a base shows; `directory` is its cache."""
    return [each for each in listed(directory) if each.shown]


def missing_submodules(directory: Path) -> list[Submodule]:
    """Those that a base shows as empty directories because their commit is not here."""
    return [each for each in listed(directory) if not each.shown]


def refuse_missing(ws: Workspace, directory: Path) -> None:
    """Raises SubmoduleUnavailable where the setting wants all of them and one is not here."""
    missing = missing_submodules(directory)
    if missing and _setting(ws) == "error":
        first = missing[0]
        raise SubmoduleUnavailable(
            f"submodule '{os.fsdecode(first.path)}' is not here at {first.commit[:12]}",
            f"{GET_SUBMODULES}; or set vibe.submodules to show",
        )


def submodule_index(index: Path, submodule: Submodule) -> Path:
    """The pre-filled index of a submodule, beside that of the base."""
    return index.with_name(f"{index.name}-{submodule.path.hex()}")


# In the life of a session


def _git_dir(ws: Workspace, name: SessionName, store: Path) -> Path:
    return store / "worktrees" / ws.paths(name).git_dir.name


def _placed(ws: Workspace, record: SessionRecord) -> list[tuple[Submodule, Path]]:
    """The submodules that a session shows, each with the private git directory of its work tree."""
    found = shown_submodules(ws.layout.base_cache(record.base_key))
    return [(each, _git_dir(ws, record.name, ws.layout.common_dir / str(each.store))) for each in found]


def add_worktrees(ws: Workspace, record: SessionRecord, index: Path, identity: str) -> None:
    """Make the linked work trees of a new session; `index` is the pre-filled one of its base."""
    for submodule, git_dir in _placed(ws, record):
        with contextlib.suppress(FileNotFoundError):
            remove_tree(git_dir)  # left by a spawn that was killed
        git_dir.mkdir(parents=True)
        mount = f"{record.mount}/{os.fsdecode(submodule.path)}"
        filled = submodule_index(index, submodule)
        write_worktree(git_dir, mount=mount, head=submodule.commit, index=filled, may_move=True)
        message = f"checkout: moving from vibe/{record.name} to {submodule.commit}"
        write_first_reflog(git_dir, submodule.commit, identity, message)
        begin_writeback_below(git_dir)
        _offer_to_git(ws, record.name, submodule, git_dir)


def _offer_to_git(ws: Workspace, name: SessionName, submodule: Submodule, git_dir: Path) -> None:
    """Let git find a submodule's git directory where it would clone it to: below that of the outer work tree."""
    outer = ws.layout.common_dir / submodule.outer
    inner = (ws.layout.common_dir / str(submodule.store)).relative_to(outer / "modules")
    link = (ws.paths(name).git_dir if submodule.outer == "." else _git_dir(ws, name, outer)) / "modules" / inner
    link.parent.mkdir(parents=True, exist_ok=True)
    link.symlink_to(os.path.relpath(git_dir, link.parent))


def write_git_files(ws: Workspace, record: SessionRecord, tree: Path) -> None:
    """Put the `.git` file of each submodule into the layer whose files are at `tree`."""
    for submodule, git_dir in _placed(ws, record):
        directory = tree
        for part in os.fsdecode(submodule.path).split("/"):
            directory = directory / part
            directory.mkdir(exist_ok=True)
            directory.chmod(0o755)
        (directory / ".git").write_bytes(gitfile_content(git_dir))
        (directory / ".git").chmod(0o644)


def keep_commits(ws: Workspace, name: SessionName) -> list[str]:
    """Pin what was committed in submodules of a session and no ref reaches; the new refs."""
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    kept = []
    for store in all_stores(ws.layout.common_dir):
        for number, tip in enumerate(_lost_commits(store, _git_dir(ws, name, store))):
            ref = archive_ref(name, f"{stamp}-{number}" if number else stamp)
            update_ref(ref, tip, old=None, message=f"archive: session '{name}'", cwd=store)
            kept.append(ref)
    return kept


def _lost_commits(store: Path, git_dir: Path) -> list[Oid]:
    if not git_dir.is_dir():
        return []
    head = read_ref("HEAD", cwd=store, git_dir=os.fsencode(git_dir))
    return unreachable_tips([*([head] if head is not None else []), *reflog_commits(git_dir)], cwd=store)


def remove_worktrees(ws: Workspace, name: SessionName) -> None:
    """Remove the linked work trees of a session that ends."""
    for store in all_stores(ws.layout.common_dir):
        with contextlib.suppress(FileNotFoundError):
            remove_tree(_git_dir(ws, name, store))
        with contextlib.suppress(OSError):
            (store / "worktrees").rmdir()
