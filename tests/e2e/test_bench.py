"""`python -m bench` measures what it is asked for, leaves nothing running, and two runs can be compared."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from bench import compare
from tests.support.mounts import mounts_below

pytestmark = pytest.mark.fuse


def bench(directory: Path, *args: str) -> str:
    """What the bench prints, with its files in `directory`."""
    command = [sys.executable, "-m", "bench", "--directory", str(directory), *args]
    return subprocess.run(command, cwd=Path(__file__).parents[2], stdout=subprocess.PIPE, check=True, text=True).stdout


def figures_in(file: Path) -> dict[str, Any]:
    """The figures of the first repository of a run."""
    found: dict[str, Any] = json.loads(file.read_text())["repositories"][0]
    return found


def test_selected_works_are_measured_on_both_sides(tmp_path: Path) -> None:
    file, directory = tmp_path / "figures.json", tmp_path / "bench"
    printed = bench(directory, "--repo", "small", "--rounds", "2", "--json", str(file), "promote", "C build")
    figures = figures_in(file)
    assert set(figures["ratios"]) == {"spawn to first ls", "promote of 10 files"}
    assert [len(rounds) for rounds in figures["seconds"].values()] == [2, 2]
    assert all(line in printed for line in ("promote of 10 files", "left out: C build from clean", "init, ms"))
    assert (mounts_below(directory), list(directory.glob("trash"))) == ([], [])


def test_every_work_can_be_listed() -> None:
    listing = bench(Path("unused"), "--list").splitlines()
    assert {"tar, cold", "unpack 20,000 files (heavy)", "100 sessions (heavy)"} <= set(listing)


@pytest.mark.parametrize(
    ("before", "after", "verdict"),
    [([1.0, 1.2], [0.5, 0.6], "better"), ([1.0, 1.2], [1.3, 1.4], "worse"), ([1.0, 1.2], [0.9, 1.1], "")],
)
def test_runs_differ_only_where_all_their_rounds_do(before: list[float], after: list[float], verdict: str) -> None:
    old, new = (
        {"kind": "small", "seconds": {"tar": [(value, 1.0) for value in rounds]}, "figures": {}}
        for rounds in (before, after)
    )
    assert [row[-1] for row in compare.rows_of(old, new)] == [verdict]
