"""`python -m bench.hooks`: what the hooks of git-vibe add to a `git pull --rebase` of 50 commits.

Three clones of one repository pull and rebase in turn: one without hooks, one with them and no session, one with them
and sessions. Printed are medians and what they are of the first.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench.repos import git

COMMITS = 50
FILES = 200


def vibe(repo: Path, *args: str) -> None:
    """Run `git vibe` in a repository."""
    subprocess.run(["git", "vibe", *args], cwd=repo, check=True, capture_output=True)


def identify(repo: Path) -> None:
    """Whose commits they are, and no housekeeping in the middle of a measurement."""
    for key, value in (("user.name", "Bench"), ("user.email", "bench@example.com"), ("gc.auto", "0")):
        git(repo, "config", key, value)


def commit_files(repo: Path, prefix: str, count: int) -> None:
    """As many commits, each with a file of its own."""
    for number in range(count):
        (repo / f"{prefix}-{number}").write_text(f"{number}\n")
        git(repo, "add", ".")
        git(repo, "commit", "--quiet", "--message", f"{prefix} {number}")


def make_upstream(path: Path) -> None:
    """The repository that is pulled from, before its new commits."""
    path.mkdir()
    git(path, "init", "--quiet", "--initial-branch=main")
    identify(path)
    for number in range(FILES):
        (path / f"file-{number}").write_text(f"{number}\n")
    commit_files(path, "base", 1)


def make_clone(upstream: Path, path: Path) -> None:
    """A clone with commits of its own."""
    git(upstream, "clone", "--quiet", ".", str(path))
    identify(path)
    commit_files(path, "local", COMMITS)
    git(path, "branch", "start")


def pull(clone: Path) -> float:
    """Seconds of a pull that rebases all local commits, from the same state each time."""
    git(clone, "reset", "--quiet", "--hard", "start")
    git(clone, "update-ref", "refs/remotes/origin/main", "start~50")
    os.sync()
    start = time.perf_counter()
    git(clone, "pull", "--quiet", "--rebase")
    return time.perf_counter() - start


def prepare(directory: Path, sessions: int) -> dict[str, Path]:
    """The clones by what is measured in them."""
    upstream = directory / "upstream"
    make_upstream(upstream)
    clones = {"without hooks": directory / "plain", "with hooks": directory / "hooked"}
    clones[f"with hooks and {sessions} sessions"] = directory / "lively"
    for path in clones.values():
        make_clone(upstream, path)
    commit_files(upstream, "upstream", COMMITS)
    vibe(directory / "hooked", "init")
    for number in range(sessions):
        vibe(directory / "lively", "spawn", f"bench-{number}")
    return clones


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.hooks", description=__doc__)
    parser.add_argument("--rounds", type=int, default=7, help="how often each clone pulls")
    parser.add_argument("--sessions", type=int, default=3, help="how many sessions the third clone has")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        clones = prepare(Path(name), args.sessions)
        try:
            seconds: dict[str, list[float]] = {what: [] for what in clones}
            for number in range(args.rounds):
                for what in sorted(clones, reverse=number % 2 == 1):
                    seconds[what].append(pull(clones[what]))
        finally:
            vibe(Path(name) / "lively", "purge", "--force")
    native = statistics.median(seconds["without hooks"])
    for what, found in seconds.items():
        print(f"{what:<30} {statistics.median(found) * 1000:7.0f} ms  {statistics.median(found) / native:5.2f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
