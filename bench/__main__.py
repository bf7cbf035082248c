"""`python -m bench`: run works in a session and natively, in turn, and print ratios (median, minimum, maximum)."""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tabulate import tabulate

from bench.repos import git, repository
from bench.works import selected


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("works", nargs="*", help="only works whose name contains one of these words")
    parser.add_argument("--repo", choices=("small", "real", "large"), default="real", help="what to measure on")
    parser.add_argument("--rounds", type=int, default=3, help="how often each work runs on either side")
    parser.add_argument("--directory", type=Path, default=Path(".bench"), help="where repositories are kept")
    parser.add_argument("--json", type=Path, help="also write all figures to this file")
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
def session_checkout(repo: Path, number: int) -> Iterator[tuple[Path, float]]:
    """A fresh session and the seconds until its first listing."""
    name = f"bench-{number}"
    start = time.perf_counter()
    path = Path(git(repo, "vibe", "spawn", name))
    os.listdir(path)
    seconds = time.perf_counter() - start
    try:
        yield path, seconds
    finally:
        git(repo, "vibe", "close", "--force", name)


def measure(repo: Path, rounds: int, names: list[str]) -> dict[str, list[tuple[float, float]]]:
    """Pairs of (session, native) seconds for each work."""
    works = selected(names)
    pairs: dict[str, list[tuple[float, float]]] = {"spawn to first ls": [], **{name: [] for name in works}}
    for number in range(rounds):
        with session_checkout(repo, number) as (session, ours), native_checkout(repo, number) as (native, theirs):
            pairs["spawn to first ls"].append((ours, theirs))
            for name, work in works.items():
                pairs[name].append((work(session), work(native)))
    return pairs


def table(pairs: dict[str, list[tuple[float, float]]]) -> str:
    """The figures as text."""
    rows = []
    for name, seconds in pairs.items():
        ratios = sorted(ours / theirs for ours, theirs in seconds)
        medians = [statistics.median(side) for side in zip(*seconds, strict=True)]
        spread = f"{ratios[0]:.2f} to {ratios[-1]:.2f}"
        rows.append((name, *(f"{m * 1000:.0f}" for m in medians), f"{statistics.median(ratios):.2f}", spread))
    return tabulate(rows, headers=("work", "session ms", "native ms", "ratio", "spread"), disable_numparse=True)


def main() -> int:
    """Measure and print."""
    args = parse()
    repo = repository(args.directory.absolute(), args.repo)
    git(repo, "vibe", "init")
    warm = Path(git(repo, "vibe", "spawn", "bench-warm"))
    try:
        pairs = measure(repo, args.rounds, args.works)
    finally:
        git(repo, "vibe", "close", "--force", warm.name)
        subprocess.run(["git", "-C", str(repo), "vibe", "daemon", "stop"], check=False, capture_output=True)
    files = len(git(repo, "ls-files").splitlines())
    print(f"{args.repo} repository, {files:,} files, {args.rounds} rounds, {os.cpu_count()} CPUs\n\n{table(pairs)}")
    if args.json is not None:
        args.json.write_text(json.dumps({"repo": args.repo, "files": files, "seconds": pairs}, indent=1) + "\n")
    return 0


sys.exit(main())
