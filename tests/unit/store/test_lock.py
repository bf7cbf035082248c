"""Locks between processes."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from git_vibe.errors import SessionBusy
from git_vibe.store.lock import locked, locked_inside

Lock = Callable[..., AbstractContextManager[None]]


@pytest.mark.parametrize("lock", [locked, locked_inside])
def test_one_holder_at_a_time(lock: Lock, tmp_path: Path) -> None:
    with (
        lock(tmp_path / "lock"),
        pytest.raises(SessionBusy, match="the thing is busy"),
        lock(tmp_path / "lock", timeout=0.0, what="the thing"),
    ):
        pass
    with lock(tmp_path / "lock", timeout=0.0):
        pass


@pytest.mark.parametrize("lock", [locked, locked_inside])
def test_whoever_waits_gets_it(lock: Lock, tmp_path: Path) -> None:
    order = []
    held = threading.Event()

    def hold() -> None:
        with lock(tmp_path / "lock"):
            held.set()
            order.append("first")

    with lock(tmp_path / "lock"):
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
            with locked_inside(path):
                pass
        except FileNotFoundError as error:
            failures.append(error)

    with locked_inside(path):
        thread = threading.Thread(target=wait)
        thread.start()
        os.rename(tmp_path / "session", tmp_path / "closed")
    thread.join()
    assert len(failures) == 1
