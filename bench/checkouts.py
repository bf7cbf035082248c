"""The places to work in: sessions and native work trees of one repository, made in turn and taken away at the end.

Nothing is deleted while there is something to measure (see `bench.works`): what is finished goes to `trash`.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from bench.repos import git
from bench.works import Checkout

SESSIONS = 100
FEW_SESSIONS = 10


def spread_directories(directory: Path) -> None:
    """Have ext4 put directories made in here far from each other, so that none pays for what was deleted in another."""
    subprocess.run(["chattr", "+T", str(directory)], check=False, capture_output=True)


def spawn(repo: Path, name: str) -> tuple[Checkout, float]:
    """A fresh session and the seconds until its first listing."""
    start = time.perf_counter()
    path = Path(git(repo, "-c", "vibe.maxSessions=1000", "vibe", "spawn", name))
    os.listdir(path)
    return Checkout(path, repo, name), time.perf_counter() - start


def add_worktree(repo: Path, name: str) -> tuple[Checkout, float]:
    """A fresh `git worktree add` checkout and the seconds until its first listing."""
    path = repo.with_name(f"{repo.name}-{name}")
    start = time.perf_counter()
    git(repo, "worktree", "add", "--quiet", "--detach", str(path), "HEAD")
    os.listdir(path)
    return Checkout(path, repo, None), time.perf_counter() - start


def prepare(repo: Path) -> float:
    """Make a repository be as if git-vibe had never been there; seconds of `git vibe init` then."""
    clear(repo)
    start = time.perf_counter()
    git(repo, "vibe", "init")
    seconds = time.perf_counter() - start
    spread_directories(repo / ".git" / "vibe" / "sessions")
    return seconds


def clear(repo: Path) -> None:
    """Take sessions, their refs and native work trees away without archiving anything."""
    if (repo / ".git" / "vibe").exists():
        git(repo, "vibe", "daemon", "stop", "--all")
        _throw_away(repo, repo / ".git" / "vibe")
    for path in repo.parent.glob(f"{repo.name}-*"):
        _throw_away(repo, path)
    for path in (repo / ".git" / "worktrees").glob("*"):
        shutil.rmtree(path)
    shutil.rmtree(repo.with_name(f"{repo.name}.vibe"), ignore_errors=True)
    refs = git(repo, "for-each-ref", "--format=delete %(refname)", "refs/vibe", "refs/vibes", "refs/notes/vibe")
    git(repo, "update-ref", "--stdin", stdin=f"{refs}\n".encode() if refs else b"")


def _throw_away(repo: Path, path: Path) -> None:
    trash = repo.parent / "trash"
    trash.mkdir(exist_ok=True)
    path.rename(trash / f"{path.name}-{time.time_ns()}")


def empty_trash(directory: Path) -> None:
    """Delete what was thrown away."""
    shutil.rmtree(directory / "trash", ignore_errors=True)


# What a session takes


def memory(repo: Path, *names: str) -> int:
    """Bytes of memory (proportional set size) of the workers of sessions."""
    return sum(_proportional_size(_worker(repo, name)) for name in names)


def _worker(repo: Path, name: str) -> int:
    """Process that serves a session."""
    return int(json.loads((repo / ".git" / "vibe" / "sessions" / name / "worker.json").read_text())["pid"])


def _proportional_size(pid: int) -> int:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:")) * 1024


def disk(checkout: Checkout) -> int:
    """Bytes on disk of a checkout and of what git keeps for it; of a session without its view."""
    git_dir = Path(git(checkout.path, "rev-parse", "--absolute-git-dir"))
    files = checkout.path
    if checkout.session is not None:
        files = checkout.repo / ".git" / "vibe" / "sessions" / checkout.session
    return sum(path.lstat().st_blocks * 512 for top in (files, git_dir) for path in top.rglob("*"))


def many_sessions(repo: Path) -> Iterator[tuple[str, float]]:
    """What a hundred sessions take, all of which are usable: (what, value)."""
    names = [f"many-{number}" for number in range(SESSIONS)]
    seconds = 0.0
    for number, name in enumerate(names, 1):
        seconds += spawn(repo, name)[1]
        if number in (FEW_SESSIONS, SESSIONS):
            yield f"memory of {number} sessions, MB", memory(repo, *names[:number]) / 1e6
    yield f"{SESSIONS} sessions to first ls of each, s", seconds
