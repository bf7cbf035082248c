"""What was measured, as a table and as JSON."""

from __future__ import annotations

import statistics
from typing import Any

from tabulate import tabulate


class Figures:
    """Figures of one repository: pairs of (session, native) seconds by work, and numbers without a native side."""

    def __init__(self, kind: str, files: int) -> None:
        self.kind = kind
        self.files = files
        self.pairs: dict[str, list[tuple[float, float]]] = {}
        self.notes: dict[str, list[float]] = {}

    def add(self, work: str, session: float, native: float) -> None:
        """Record one round of a work, in seconds."""
        self.pairs.setdefault(work, []).append((session, native))

    def note(self, what: str, value: float) -> None:
        """Record a number that has no native side."""
        self.notes.setdefault(what, []).append(value)

    def title(self) -> str:
        """What was measured on."""
        return f"{self.kind} repository, {self.files:,} files"

    def as_json(self) -> dict[str, Any]:
        """Everything, for `bench.compare`."""
        return {"kind": self.kind, "files": self.files, "seconds": self.pairs, "figures": self.notes}


def ratios(pairs: list[tuple[float, float]]) -> list[float]:
    """Session over native, sorted."""
    return sorted(session / native for session, native in pairs)


def as_table(figures: Figures) -> str:
    """The figures as text: medians in milliseconds, ratios with their spread."""
    rows = []
    for work, pairs in figures.pairs.items():
        found = ratios(pairs)
        medians = [f"{statistics.median(side) * 1000:.0f}" for side in zip(*pairs, strict=True)]
        rows.append((work, *medians, f"{statistics.median(found):.2f}", f"{found[0]:.2f} to {found[-1]:.2f}"))
    table = tabulate(rows, headers=("work", "session ms", "native ms", "ratio", "spread"), disable_numparse=True)
    notes = "\n".join(f"{what}: {statistics.median(values):.0f}" for what, values in figures.notes.items())
    return f"{table}\n\n{notes}"
