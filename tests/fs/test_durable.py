"""What fsync writes: the file, and every layer directory whose names are new because the file was copied up.

`tests/e2e/test_power_cut.py` cuts the power where it can; here the order of the system calls stands for it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from git_vibe.overlay import copyup, durable
from tests.fs.driver import Driver


@pytest.fixture
def synced(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Names of what is written to disk, in order."""
    seen: list[str] = []

    def record(fd: int) -> None:
        seen.append(os.path.basename(os.readlink(f"/proc/self/fd/{fd}")))

    monkeypatch.setattr(os, "fsync", record)
    monkeypatch.setattr(os, "fdatasync", record)
    yield seen


SESSION = ["tree", "0001", "layers"]


def fsync(driver: Driver, path: str, *, data_only: bool = False) -> None:
    """fsync(2) on a file or a directory."""
    ino = driver.ino(path)
    if driver.view.is_directory(ino):
        durable.fsync_directory(driver.view, ino)
    else:
        durable.fsync(driver.view, ino, data_only=data_only)


@pytest.mark.parametrize("data_only", [False, True])
def test_a_file_then_the_directories_up_to_the_session(driver: Driver, synced: list[str], data_only: bool) -> None:  # noqa: FBT001
    driver.patch("src/deep/er/data.bin", 0, b"X")
    fsync(driver, "src/deep/er/data.bin", data_only=data_only)
    assert synced[:7] == ["data.bin", "er", "deep", "src", *SESSION]


def test_directories_are_written_once(driver: Driver, synced: list[str]) -> None:
    driver.patch("src/deep/er/data.bin", 0, b"X")
    fsync(driver, "src/deep/er/data.bin")
    synced.clear()
    driver.patch("src/deep/er/data.bin", 0, b"Y")
    fsync(driver, "src/deep/er/data.bin")
    assert synced == ["data.bin"]
    driver.patch("src/main.py", 0, b"Y")
    fsync(driver, "src/main.py")
    assert synced == ["data.bin", "main.py", "src"]


def test_a_clean_file_needs_nothing(driver: Driver, synced: list[str]) -> None:
    fsync(driver, "README")
    fsync(driver, "src")
    assert synced == []


def test_a_directory_with_those_above_it(driver: Driver, synced: list[str]) -> None:
    driver.unlink("src/deep/er/data.bin")
    fsync(driver, "src/deep/er")
    assert synced[:6] == ["er", "deep", "src", *SESSION]
    synced.clear()
    fsync(driver, "src/deep/er")
    assert synced == ["er"]


def test_a_new_layer_is_written_too(driver: Driver, synced: list[str]) -> None:
    driver.patch("src/main.py", 0, b"X")
    fsync(driver, "src/main.py")
    driver.seal()
    synced.clear()
    driver.patch("src/main.py", 0, b"Y")
    fsync(driver, "src/main.py")
    assert synced[:2] == ["main.py", "src"]
    assert {"tree", "0002", "layers"} <= set(synced)


def test_the_bytes_of_a_copy_are_on_their_way_before_its_name(driver: Driver, monkeypatch: pytest.MonkeyPatch) -> None:
    order: list[str] = []
    rename = os.rename

    def record_rename(source: bytes, target: bytes) -> None:
        order.append(os.path.basename(os.fsdecode(target)))
        rename(source, target)

    monkeypatch.setattr(copyup, "begin_writeback", lambda path: order.append(f"write {os.stat(path).st_size}"))
    monkeypatch.setattr(os, "rename", record_rename)
    driver.patch("README", 0, b"X")
    assert order == ["write 6", "README"]
