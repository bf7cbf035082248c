"""Locks between processes."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from git_vibe.errors import SessionBusy
from git_vibe.store.lock import locked


def test_one_holder_at_a_time(tmp_path: Path) -> None:
    with (
        locked(tmp_path / "lock"),
        pytest.raises(SessionBusy, match="the thing is busy"),
        locked(tmp_path / "lock", timeout=0.0, what="the thing"),
    ):
        pass
    with locked(tmp_path / "lock", timeout=0.0):
        pass


def test_whoever_waits_gets_it(tmp_path: Path) -> None:
    order = []
    held = threading.Event()

    def hold() -> None:
        with locked(tmp_path / "lock"):
            held.set()
            order.append("first")

    with locked(tmp_path / "lock"):
        thread = threading.Thread(target=hold)
        thread.start()
        assert not held.wait(0.05)
        order.append("main")
    thread.join()
    assert order == ["main", "first"]


def test_a_lock_whose_directory_went_away(tmp_path: Path) -> None:
    (tmp_path / "session").mkdir()
    path = tmp_path / "session" / "lock"
    failures: list[Exception] = []

    def wait() -> None:
        try:
            with locked(path):
                pass
        except FileNotFoundError as error:
            failures.append(error)

    with locked(path):
        thread = threading.Thread(target=wait)
        thread.start()
        os.rename(tmp_path / "session", tmp_path / "closed")
    thread.join()
    assert len(failures) == 1
