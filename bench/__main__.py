"""`python -m bench`: do works in a session and natively, in turn, and print ratios (median, minimum, maximum).

Without arguments it takes a minute or two: the real repository without the heavy works, and of the large one what its
size could slow down. `git vibe` is the one on PATH, so that one bench measures several versions.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from bench.checkouts import (
    add_worktree,
    clear,
    disk,
    empty_trash,
    many_sessions,
    memory,
    prepare,
    spawn,
    spread_directories,
)
from bench.figures import Figures, as_table
from bench.repos import MAKERS, NotDownloaded, git, repository
from bench.works import WORKS, Checkout, Unavailable, Work, selected

MANY = "100 sessions"
EVERY_DAY_IN_LARGE = ("git status", "promote", "edit one file")


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("works", nargs="*", help="only works whose name contains one of these words")
    parser.add_argument("--repo", choices=tuple(MAKERS), help="measure on this one only")
    parser.add_argument("--full", action="store_true", help="all works, on all repositories unless --repo is given")
    parser.add_argument("--list", action="store_true", help="list the works and do nothing")
    parser.add_argument("--rounds", type=int, default=3, help="how often each work runs on either side")
    parser.add_argument("--directory", type=Path, default=Path(".bench"), help="where repositories are kept")
    parser.add_argument("--json", type=Path, help="also write all figures to this file, for bench.compare")
    parser.add_argument("--leave", action="store_true", help="delete nothing at the end: another run follows at once")
    return parser.parse_args()


def plan(args: argparse.Namespace) -> list[tuple[str, list[str]]]:
    """Which works to do on which repository: (kind, words), no words for all."""
    if args.repo or args.full:
        return [(kind, args.works) for kind in ((args.repo,) if args.repo else tuple(MAKERS))]
    return [("real", args.works)] if args.works else [("real", []), ("large", list(EVERY_DAY_IN_LARGE))]


def in_turn(number: int) -> tuple[int, int]:
    """Which side goes first in a round: 0 is the session."""
    return (0, 1) if number % 2 == 0 else (1, 0)


def measure_round(repo: Path, number: int, works: Sequence[Work], figures: Figures) -> None:
    """Each work once on either side, in a fresh session and a fresh native work tree."""
    sides: dict[int, tuple[Checkout, float]] = {}
    for side in in_turn(number):
        os.sync()
        sides[side] = (spawn, add_worktree)[side](repo, f"bench-{number}")
    figures.add("spawn to first ls", sides[0][1], sides[1][1])
    session, native = sides[0][0], sides[1][0]
    if number == 0:
        figures.note("disk of a fresh session, KB", disk(session) / 1000)
        figures.note("disk of a native work tree, KB", disk(native) / 1000)
    figures.note("memory of a fresh session, MB", memory(repo, str(session.session)) / 1e6)
    for work in works:
        measure_work(work, (session, native), in_turn(number), figures)
    figures.note("memory of a session after the works, MB", memory(repo, str(session.session)) / 1e6)


def measure_work(work: Work, places: tuple[Checkout, Checkout], order: Sequence[int], figures: Figures) -> None:
    """One work on either side."""
    seconds = {}
    try:
        for side in order:
            os.sync()
            seconds[side] = work.measure(places[side])
    except Unavailable as reason:
        figures.leave_out(work.name, str(reason))
    else:
        figures.add(work.name, seconds[0], seconds[1])


def measure(repo: Path, kind: str, words: list[str], args: argparse.Namespace) -> Figures:
    """All rounds on one repository, with the daemon running as it does in daily use."""
    figures = Figures(kind, git(repo, "ls-files").count("\n") + 1)
    try:
        figures.note("init, ms", prepare(repo) * 1000)
        spawn(repo, "bench-warm")
        works = selected(words, heavy=args.full)
        for number in range(args.rounds):
            measure_round(repo, number, works, figures)
        if (args.full and not words) or any(word in MANY for word in words):
            for what, value in many_sessions(repo):
                figures.note(what, value)
    finally:
        clear(repo)
    return figures


def measure_all(directory: Path, args: argparse.Namespace) -> Iterator[Figures]:
    """Measure on each repository that can be had, and print what came out."""
    for kind, words in plan(args):
        try:
            figures = measure(repository(directory, kind), kind, words, args)
        except NotDownloaded as reason:
            print(f"the repository '{kind}' is left out: {reason}\n", file=sys.stderr)
            continue
        print(f"{figures.title()}, {args.rounds} rounds, {os.cpu_count()} CPUs\n\n{as_table(figures)}\n", flush=True)
        yield figures


def about(args: argparse.Namespace) -> dict[str, Any]:
    """What the figures were measured with."""
    versions = {
        "git": subprocess.run(["git", "version"], capture_output=True, check=True, text=True).stdout.strip(),
        "git-vibe": subprocess.run(["git", "vibe", "--version"], capture_output=True, check=True, text=True).stdout,
    }
    own = {"kernel": platform.release(), "python": platform.python_version(), "cpus": os.cpu_count()}
    return {**own, **versions, "rounds": args.rounds}


def main() -> int:
    """Measure and print."""
    args = parse()
    if args.list:
        print("\n".join([f"{work.name}{' (heavy)' if work.heavy else ''}" for work in WORKS] + [f"{MANY} (heavy)"]))
        return 0
    start = time.monotonic()
    directory = args.directory.absolute()
    directory.mkdir(parents=True, exist_ok=True)
    spread_directories(directory)
    results = list(measure_all(directory, args))
    if args.json is not None:
        found = {"about": about(args), "repositories": [figures.as_json() for figures in results]}
        args.json.write_text(json.dumps(found, indent=1) + "\n")
    if not args.leave:
        empty_trash(directory)
    print(f"measured in {time.monotonic() - start:.0f} s")
    return 0 if results else 1


if __name__ == "__main__":
    sys.exit(main())
