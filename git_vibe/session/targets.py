"""Which branch a session is to land on, and where that is now."""

from __future__ import annotations

from git_vibe.errors import UsageError
from git_vibe.git.command import run_git_status
from git_vibe.git.refs import read_ref
from git_vibe.session.workspace import Workspace
from git_vibe.store.record import SessionRecord
from git_vibe.types import Oid


def find_target(ws: Workspace, revision: str | None) -> str | None:
    """Full ref of the branch that a session spawned from `revision` (None: HEAD) is to land on, if that is one."""
    done = run_git_status(["rev-parse", "--symbolic-full-name", revision or "HEAD"], cwd=ws.repo.worktree)
    name = done.stdout.decode(errors="replace").strip()
    return name if done.returncode == 0 and name.startswith(("refs/heads/", "refs/remotes/")) else None


def target_ref(ws: Workspace, record: SessionRecord) -> str:
    """The ref a session is to land on; where that is not known any more, the HEAD of the main work tree."""
    if record.target is not None and read_ref(record.target, cwd=ws.repo.common_dir) is not None:
        return record.target
    return "HEAD"


def target_commit(ws: Workspace, record: SessionRecord) -> Oid:
    """The commit a session is to land on. Raises UsageError where there is none."""
    ref = target_ref(ws, record)
    found = read_ref(ref, cwd=ws.repo.main_worktree)
    if found is None:
        raise UsageError(f"{ref} has no commit", "name the new base with --onto <revision>")
    return found
