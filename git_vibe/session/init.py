"""`git vibe init`: prepare a repository. Adds `.git/vibe` and nothing else."""

from __future__ import annotations

import os
from typing import NamedTuple

from git_vibe.errors import StoreUnsuitable
from git_vibe.git.command import run_git
from git_vibe.session.base import count_files, ensure_base, warnings
from git_vibe.session.submodules import refuse_missing
from git_vibe.session.workspace import Workspace
from git_vibe.store.atomic import create_dir_atomically
from git_vibe.store.layer import supports_xattrs
from git_vibe.store.layout import FORMAT

README = """\
This directory belongs to git-vibe. It holds the state of the sessions of this repository, including work that is
nowhere else yet: do not edit it by hand. `git vibe status` lists the sessions, `git vibe purge` removes everything.
The format is described in git-vibe-layout(5).
"""


class InitResult(NamedTuple):
    """Whether anything was created, how many files HEAD has, how many uncommitted changes sessions will not see.

    `warnings` are for the user.
    """

    created: bool
    files: int
    uncommitted: int
    warnings: tuple[str, ...] = ()


def initialise(ws: Workspace, *, reindex: bool = False) -> InitResult:
    """Prepare `.git/vibe` and the base of HEAD; doing it again changes nothing.

    Raises UnbornHead, StateCorrupt, StoreUnsuitable or FilterFailed.
    """
    created = not ws.is_initialised()
    head = ws.repo.resolve_commit("HEAD")
    if created:
        create_state(ws)
    base = ensure_base(ws, head, rebuild=reindex)
    refuse_missing(ws, base.directory)
    return InitResult(created, count_files(base), count_uncommitted(ws), warnings(base))


def create_state(ws: Workspace) -> None:
    """Create an empty `.git/vibe`. Raises StoreUnsuitable where the file system has no user xattrs."""
    layout = ws.layout
    if not supports_xattrs(os.fsencode(layout.common_dir)):
        raise StoreUnsuitable(
            f"the file system of {layout.common_dir} has no user extended attributes",
            "move the repository to a file system that has them (ext4, xfs, btrfs, tmpfs since Linux 6.6)",
        )
    try:
        with create_dir_atomically(layout.root) as staged:
            for part in ("sessions", "context", "cache", "logs"):
                (staged / part).mkdir()
            (staged / "README").write_text(README)
            (staged / "version").write_text(f"{FORMAT}\n")
    except FileExistsError:
        pass  # another command initialised the repository meanwhile


def count_uncommitted(ws: Workspace) -> int:
    """Paths that `git status` reports in the user's work tree: sessions start from the commit without them."""
    listing = run_git(["--no-optional-locks", "status", "--porcelain", "-z", "--no-renames"], cwd=ws.repo.worktree)
    return listing.count(b"\0")
