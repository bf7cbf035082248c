"""The linked work tree of a session: what `git worktree add` would write, without the checkout.

See gitrepository-layout(5). `git worktree list` and gc treat it like any other; `locked` keeps
`git worktree prune` from dropping it while its mount is away.
"""

from __future__ import annotations

import os
from pathlib import Path

from git_vibe.git.index import with_untracked_cache
from git_vibe.types import Oid

LOCK_REASON = "git-vibe session; end it with `git vibe close`"


def gitfile_content(git_dir: Path) -> bytes:
    """Content of the `.git` file in the work tree whose private git directory is `git_dir`."""
    return b"gitdir: " + os.fsencode(git_dir) + b"\n"


def write_worktree(git_dir: Path, *, mount: str, head: str, index: Path, may_move: bool = False) -> None:
    """Fill `git_dir` (which must exist, possibly under a temporary name) for a work tree at `mount`.

    `head` is what HEAD holds: an object name, or 'ref: refs/heads/...'. `index` is the base's pre-filled one.
    It gets an untracked cache unless the work tree `may_move`: git would complain then.
    """
    (git_dir / "commondir").write_bytes(b"../..\n")
    (git_dir / "gitdir").write_bytes(os.fsencode(mount) + b"/.git\n")
    (git_dir / "HEAD").write_bytes(head.encode() + b"\n")
    (git_dir / "locked").write_bytes(LOCK_REASON.encode() + b"\n")
    filled = index.read_bytes()
    (git_dir / "index").write_bytes(filled if may_move else with_untracked_cache(filled, mount))


def read_head(git_dir: Path) -> str | None:
    """What HEAD of a linked work tree holds, or None where it is lost."""
    try:
        return (git_dir / "HEAD").read_text().strip()
    except (OSError, ValueError):
        return None


def write_first_reflog(git_dir: Path, commit: Oid, identity: str, message: str) -> None:
    """Start the HEAD reflog, so that the base stays reachable whatever the agent checks out.

    `identity` is 'Name <mail> <seconds> <zone>', as `git var GIT_COMMITTER_IDENT` prints it.
    """
    logs = git_dir / "logs"
    logs.mkdir()
    (logs / "HEAD").write_text(f"{'0' * 40} {commit} {identity}\t{message}\n")


def reflog_commits(git_dir: Path) -> list[Oid]:
    """Every commit that HEAD of a linked work tree has named, as far as its reflog tells."""
    try:
        lines = (git_dir / "logs" / "HEAD").read_bytes().splitlines()
    except OSError:
        return []
    names = dict.fromkeys(line[41:81].decode(errors="replace") for line in lines)
    return [Oid(name) for name in names if len(name) == 40 and name.strip("0123456789abcdef") == "" and name.strip("0")]
