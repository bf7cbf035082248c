"""What was measured, as a table and as JSON."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import Any

from tabulate import tabulate

Pair = Sequence[float]
"""Seconds in a session and natively."""


class Figures:
    """Figures of one repository: pairs of seconds by work, numbers without a native side, works that were left out."""

    def __init__(self, kind: str, files: int) -> None:
        self.kind = kind
        self.files = files
        self.pairs: dict[str, list[Pair]] = {}
        self.notes: dict[str, list[float]] = {}
        self.left_out: dict[str, str] = {}

    def add(self, work: str, session: float, native: float) -> None:
        """Record one round of a work, in seconds."""
        self.pairs.setdefault(work, []).append((session, native))

    def note(self, what: str, value: float) -> None:
        """Record a number that has no native side."""
        self.notes.setdefault(what, []).append(value)

    def leave_out(self, work: str, reason: str) -> None:
        """Record that a work cannot be done here."""
        self.left_out[work] = reason

    def title(self) -> str:
        """What was measured on."""
        return f"{self.kind} repository, {self.files:,} files"

    def as_json(self) -> dict[str, Any]:
        """Everything, for `bench.compare`."""
        ours = {"kind": self.kind, "files": self.files, "left out": self.left_out, "figures": self.notes}
        return {**ours, "seconds": self.pairs, "ratios": {work: median(found) for work, found in self.pairs.items()}}


def ratios(pairs: Sequence[Pair]) -> list[float]:
    """Session over native, sorted."""
    return sorted(session / native for session, native in pairs)


def median(pairs: Sequence[Pair]) -> float:
    """The median of the ratios."""
    return statistics.median(ratios(pairs))


def as_table(figures: Figures) -> str:
    """The figures as text: medians in milliseconds, ratios with their spread."""
    rows = []
    for work, pairs in figures.pairs.items():
        found = ratios(pairs)
        medians = [shown(statistics.median(side) * 1000) for side in zip(*pairs, strict=True)]
        rows.append((work, *medians, f"{median(pairs):.2f}", f"{found[0]:.2f} to {found[-1]:.2f}"))
    table = tabulate(rows, headers=("work", "session ms", "native ms", "ratio", "spread"), disable_numparse=True)
    notes = [f"{what}: {shown(statistics.median(values))}" for what, values in figures.notes.items()]
    left_out = [f"left out: {work} ({reason})" for work, reason in figures.left_out.items()]
    return "\n".join([table, "", *notes, *left_out])


def shown(number: float) -> str:
    """A number with as many digits as tell something."""
    return f"{number:,.0f}" if number >= 20 else f"{number:.2f}"
