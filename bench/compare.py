"""`python -m bench.compare before.json after.json`: how the ratios of two runs differ."""

from __future__ import annotations

import json
import statistics
import sys
from pathlib import Path
from typing import Any

from tabulate import tabulate

from bench.figures import ratios


def rows_of(before: dict[str, Any], after: dict[str, Any]) -> list[tuple[str, str, str, str, str]]:
    """One row a work that both runs have."""
    rows = []
    for work in before["seconds"].keys() & after["seconds"].keys():
        old, new = (statistics.median(ratios(run["seconds"][work])) for run in (before, after))
        rows.append((before["kind"], work, f"{old:.2f}", f"{new:.2f}", f"{new / old:.2f}"))
    return sorted(rows)


def main() -> int:
    """Print the comparison."""
    old, new = ({run["kind"]: run for run in json.loads(Path(name).read_text())} for name in sys.argv[1:3])
    rows = [row for kind in old.keys() & new.keys() for row in rows_of(old[kind], new[kind])]
    print(tabulate(rows, headers=("repository", "work", "before", "after", "change"), disable_numparse=True))
    return 0


if __name__ == "__main__":
    sys.exit(main())
