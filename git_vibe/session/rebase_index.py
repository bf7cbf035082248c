"""The index of a session that is rebased: what was staged stays staged, what is in conflict becomes unmerged.

While it changes, its lock is held, as git does: no git in the session stages or commits meanwhile.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

from git_vibe.daemon.client import wait_until
from git_vibe.errors import GitError, SessionBusy
from git_vibe.git.command import run_git, run_git_status
from git_vibe.session.merging import index_lines, merge_trees
from git_vibe.session.rebase_state import RebaseState
from git_vibe.session.scratch import Scratch
from git_vibe.store.atomic import temporary_name
from git_vibe.store.layout import SessionPaths
from git_vibe.types import Oid

_OURS = b"held by git vibe rebase\n"
_PATIENCE = 5.0


@contextlib.contextmanager
def index_lock(paths: SessionPaths) -> Iterator[None]:
    """Keep every git from changing the session's index. Raises SessionBusy where one does so for long."""
    lock = _lock(paths)
    drop_stale_lock(paths)
    if not wait_until(lambda: _taken(lock), _PATIENCE):
        raise SessionBusy(
            f"git is at work in session '{paths.name}' ({lock} exists)",
            "try again when it has finished; where no git runs there, remove that file",
        )
    try:
        yield
    finally:
        lock.unlink(missing_ok=True)


def _lock(paths: SessionPaths) -> Path:
    return paths.git_dir / "index.lock"


def _taken(lock: Path) -> bool:
    try:
        with open(lock, "xb") as file:
            file.write(_OURS)
    except FileExistsError:
        return False
    return True


def drop_stale_lock(paths: SessionPaths) -> None:
    """Remove the lock that a rebase left which was killed. The caller holds the session's own lock."""
    with contextlib.suppress(FileNotFoundError):
        if _lock(paths).read_bytes() == _OURS:
            _lock(paths).unlink()


def same_index(scratch: Scratch) -> bool:
    """Whether the session's index still lists what it did when the scratch was made."""
    current = scratch.paths.git_dir / "index"
    if current.exists() and current.read_bytes() == scratch.index.read_bytes():
        return True
    environment = {**scratch.environment, "GIT_INDEX_FILE": os.fspath(current)}
    return _listing(scratch, environment) == _listing(scratch, scratch.environment)


def _listing(scratch: Scratch, environment: Mapping[str, str]) -> bytes:
    return run_git(["ls-files", "-s", "-v", "-z"], cwd=scratch.worktree, env=environment)


def _index_tree(scratch: Scratch) -> Oid | None:
    """The tree that the session's index stands for, or None where it stands for none."""
    try:
        return Oid(run_git(["write-tree"], cwd=scratch.worktree, env=scratch.environment).decode().strip())
    except GitError:
        return None


def moved_index(scratch: Scratch, old_head: Oid, new_head: Oid) -> tuple[Oid, bool]:
    """The tree for the index on top of another HEAD, and whether all that was staged is in it."""
    new = scratch.sink.tree_of(new_head)
    if _is_unstaged(scratch, old_head):
        return new, True
    staged = _index_tree(scratch)
    if staged is None:
        return new, False
    merge = merge_trees(scratch, base=scratch.sink.tree_of(old_head), ours=new, theirs=staged)
    return (new, False) if merge.conflicts else (merge.tree, True)


def _is_unstaged(scratch: Scratch, head: Oid) -> bool:
    """Whether the index holds exactly what a commit does."""
    command = ["diff-index", "--cached", "--quiet", head]
    return run_git_status(command, cwd=scratch.worktree, env=scratch.environment).returncode == 0


def build_index(scratch: Scratch, source: Path, state: RebaseState) -> Path:
    """The index after the rebase; it keeps what the index `source` knows of unchanged files.

    Files that were changed right after they were staged git finds by the time of the index and by their content, so
    it gets both: the session is mounted.
    """
    built, mount = scratch.root / "index.new", scratch.record.mount
    environment = {**scratch.environment, "GIT_INDEX_FILE": os.fspath(built), "GIT_WORK_TREE": mount}
    with contextlib.suppress(FileNotFoundError):
        shutil.copy2(source, built)
    keep = ["-m", "-i"] if built.exists() else []
    run_git(["read-tree", *keep, state.staged], cwd=mount, env=environment)
    unmerged = b"".join(map(index_lines, state.conflicts))
    if unmerged:
        run_git(["update-index", "-z", "--index-info"], cwd=mount, env=environment, stdin=unmerged)
    if state.skipped:
        listing = b"".join(path + b"\0" for path in state.skipped)
        command = ["update-index", "--skip-worktree", "-z", "--stdin"]
        run_git(command, cwd=mount, env=environment, stdin=listing)
    return built


def put_index(paths: SessionPaths, content: Path) -> None:
    """Replace the session's index. The caller holds its lock."""
    staged = temporary_name(paths.git_dir / "index")
    try:
        shutil.copy2(content, staged)
        with open(staged, "rb") as file:
            os.fsync(file.fileno())
        os.rename(staged, paths.git_dir / "index")
    except BaseException:
        staged.unlink(missing_ok=True)
        raise
