"""Fault points: nothing without GIT_VIBE_FAULT, else exactly what it says."""

from __future__ import annotations

import errno
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from git_vibe.store import faults


def killed_at(value: str, *points: str) -> int:
    """How a process ends that comes to the points."""
    calls = "; ".join(f"reached({point!r})" for point in points)
    script = f"from git_vibe.store.faults import reached; {calls}"
    environment = {"GIT_VIBE_FAULT": value, "PYTHONPATH": str(Path(__file__).parents[3])}
    return subprocess.run([sys.executable, "-c", script], env=environment, check=False).returncode


def test_without_a_wish_nothing_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(faults, "_ARMED", "")
    faults.reached("anything")


def test_a_named_point_fails_every_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(faults, "_ARMED", "here=ENOSPC")
    faults.reached("elsewhere")
    for _ in range(2):
        with pytest.raises(OSError, match="No space left") as caught:
            faults.reached("here")
        assert caught.value.errno == errno.ENOSPC


def test_a_file_makes_a_point_fail_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(faults, "_ARMED", str(tmp_path))
    (tmp_path / "here").write_text("EIO\n")
    with pytest.raises(OSError, match="Input/output"):
        faults.reached("here")
    faults.reached("here")


def test_a_process_dies(tmp_path: Path) -> None:
    (tmp_path / "two").touch()
    assert killed_at(str(tmp_path), "one", "two") == -signal.SIGKILL
    assert killed_at(str(tmp_path), "one", "two") == 0
