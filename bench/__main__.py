"""`python -m bench`: run works in a session and natively, in turn, and print ratios (median, minimum, maximum)."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.figures import Figures, as_table
from bench.repos import MAKERS, git, repository
from bench.works import change_ten_files, private_memory, selected


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("works", nargs="*", help="only works whose name contains one of these words")
    parser.add_argument("--repo", choices=tuple(MAKERS), default="real", help="what to measure on")
    parser.add_argument("--full", action="store_true", help="measure on all repositories")
    parser.add_argument("--rounds", type=int, default=3, help="how often each work runs on either side")
    parser.add_argument("--directory", type=Path, default=Path(".bench"), help="where repositories are kept")
    parser.add_argument("--json", type=Path, help="also write all figures to this file, for bench.compare")
    return parser.parse_args()


@contextmanager
def native_checkout(repo: Path, number: int) -> Iterator[tuple[Path, float]]:
    """A fresh `git worktree add` checkout and the seconds until its first listing."""
    path = repo.with_name(f"{repo.name}-native-{number}")
    start = time.perf_counter()
    git(repo, "worktree", "add", "--quiet", "--detach", str(path), "HEAD")
    os.listdir(path)
    seconds = time.perf_counter() - start
    try:
        yield path, seconds
    finally:
        git(repo, "worktree", "remove", "--force", str(path))


@contextmanager
def session_checkout(repo: Path, name: str) -> Iterator[tuple[Path, float]]:
    """A fresh session and the seconds until its first listing."""
    start = time.perf_counter()
    path = Path(git(repo, "vibe", "spawn", name))
    os.listdir(path)
    seconds = time.perf_counter() - start
    try:
        yield path, seconds
    finally:
        git(repo, "vibe", "close", "--force", name)


def measure(repo: Path, kind: str, rounds: int, names: list[str]) -> Figures:
    """Pairs of (session, native) seconds for each work, and figures that have no native side."""
    works = selected(names)
    figures = Figures(kind, len(git(repo, "ls-files").splitlines()))
    for number in range(rounds):
        with (
            session_checkout(repo, f"bench-{number}") as (session, ours),
            native_checkout(repo, number) as (native, theirs),
        ):
            figures.add("spawn to first ls", ours, theirs)
            for name, work in works.items():
                figures.add(name, work(session), work(native))
            change_ten_files(session)
            start = time.perf_counter()
            git(repo, "vibe", "promote", f"bench-{number}")
            figures.note("promote of 10 files, ms", (time.perf_counter() - start) * 1000)
            figures.note("memory of a session, MB", private_memory(repo, f"bench-{number}") / 1e6)
    return figures


def prepared(directory: Path, kind: str, rounds: int, names: list[str]) -> Figures:
    """Measure on one kind of repository, with the daemon running as it does in daily use."""
    repo = repository(directory.absolute(), kind)
    git(repo, "vibe", "init")
    try:
        with session_checkout(repo, "bench-warm"):
            return measure(repo, kind, rounds, names)
    finally:
        subprocess.run(["git", "-C", str(repo), "vibe", "daemon", "stop"], check=False, capture_output=True)


def main() -> int:
    """Measure and print."""
    args = parse()
    kinds = tuple(MAKERS) if args.full else (args.repo,)
    results = []
    for kind in kinds:
        results.append(prepared(args.directory, kind, args.rounds, args.works))
        print(f"{results[-1].title()}, {args.rounds} rounds, {os.cpu_count()} CPUs\n\n{as_table(results[-1])}\n")
    if args.json is not None:
        args.json.write_text(json.dumps([figures.as_json() for figures in results], indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
