"""`python -m bench.compare before.json after.json`: how the ratios and figures of two runs differ."""

from __future__ import annotations

import json
import statistics
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tabulate import tabulate

from bench.figures import ratios, shown

Rounds = list[float]
Row = tuple[str, str, str, str, str, str]


def rows_of(before: dict[str, Any], after: dict[str, Any]) -> Iterator[Row]:
    """One row for each thing that both runs of a repository measured."""
    old, new = (_rounds(run) for run in (before, after))
    for what in [what for what in old if what in new]:
        yield (before["kind"], what, *_compared(sorted(old[what]), sorted(new[what])))


def _rounds(run: dict[str, Any]) -> dict[str, Rounds]:
    """What each round gave: the ratio of a work, the value of a figure."""
    return {**{work: ratios(pairs) for work, pairs in run["seconds"].items()}, **run["figures"]}


def _compared(old: Rounds, new: Rounds) -> tuple[str, str, str, str]:
    """Medians, their quotient, and a verdict where all rounds of one run lie on one side of those of the other."""
    medians = statistics.median(old), statistics.median(new)
    verdict = "better" if new[-1] < old[0] else "worse" if new[0] > old[-1] else ""
    return shown(medians[0]), shown(medians[1]), f"{medians[1] / medians[0]:.2f}", verdict


def main() -> int:
    """Print the comparison."""
    old, new = ({run["kind"]: run for run in _read(name)["repositories"]} for name in sys.argv[1:3])
    rows = [row for kind in old if kind in new for row in rows_of(old[kind], new[kind])]
    headers = ("repository", "work", "before", "after", "change", "verdict")
    print(tabulate(rows, headers=headers, disable_numparse=True))
    return 0


def _read(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(Path(name).read_text())
    return found


if __name__ == "__main__":
    sys.exit(main())
