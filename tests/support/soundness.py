"""Is the state of a repository whole: every session complete, nothing half-made beside it?"""

from __future__ import annotations

from pathlib import Path

from tests.support.gitrepo import GitRepo
from tests.support.mounts import mounts_below
from tests.support.runner import Vibe


def session_names(repo: GitRepo) -> set[str]:
    """Sessions that exist on disk."""
    sessions = repo.vibe_dir / "sessions"
    return {entry.name for entry in sessions.iterdir() if entry.name[:1] != "."} if sessions.exists() else set()


def half_made(repo: GitRepo) -> list[str]:
    """What belongs to no session: staged directories, linked work trees, base refs and mounts."""
    names = session_names(repo)
    staged = [*repo.vibe_dir.glob(".new-*"), *repo.vibe_dir.glob("sessions/.new-*")]
    worktrees = [path for path in repo.path.glob(".git/worktrees/vibe-*") if path.name[len("vibe-") :] not in names]
    refs = [ref for ref in repo.refs("refs/vibe/base/") if ref.rpartition("/")[2] not in names]
    mounts = [path for path in mounts_below(repo.path.parent) if Path(path).name not in names]
    return [*map(str, staged), *map(str, worktrees), *refs, *mounts]


def assert_sound(vibe: Vibe, repo: GitRepo) -> None:
    """Nothing is half-made, and `git vibe doctor` and `git fsck` agree."""
    left = half_made(repo)
    assert not left, left
    if repo.vibe_dir.exists():
        assert vibe.run("doctor", "--json").data["problems"] == []
    repo.git("fsck", "--connectivity-only", "--no-dangling")
