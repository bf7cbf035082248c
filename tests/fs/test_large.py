"""Large files below the kernel: what is copied ahead of a change, and when such a copy is of no use any more."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from git_vibe.overlay import edit
from git_vibe.overlay.ahead import LargeCopy, large_copy, large_writeout
from git_vibe.overlay.content import SPILLED_BLOBS
from git_vibe.overlay.seal import seal
from tests.fs.driver import STREAM_THRESHOLD, Driver, new_session
from tests.support.gitrepo import GitRepo

CONTENT = bytes(range(256)) * (STREAM_THRESHOLD // 256 + 20)
"""Larger than what is held in memory."""


@pytest.fixture
def driver(repo: GitRepo, tmp_path: Path) -> Driver:
    repo.commit({"large": CONTENT, "small": b"small", "context/large": "tracked"})
    return Driver(new_session(repo.path, tmp_path / "session"))


def copy_of(driver: Driver, path: str) -> LargeCopy | None:
    return large_copy(driver.view, driver.find(path).ino)


def made(driver: Driver, path: str) -> LargeCopy:
    """A large copy that was made and is offered to the next change."""
    copy = copy_of(driver, path)
    assert copy is not None
    driver.view.ahead.offer(copy.make())
    return copy


def append(driver: Driver, path: str) -> None:
    ino = driver.find(path).ino
    with driver.view.ahead:
        edit.write(driver.view, ino, len(CONTENT), b"!")


def work(driver: Driver) -> list[str]:
    return [path.name for path in driver.session.layers.glob("*/work/*")]


def place_of(driver: Driver, path: str) -> int:
    """Number of the layer file that a path leads to."""
    return os.stat(driver.view.delta.root + b"/" + path.encode()).st_ino


def test_small_files_and_directories_are_not_copied_ahead(driver: Driver) -> None:
    assert [copy_of(driver, path) for path in ("small", "src", "link", "empty", "")] == [None] * 5


def test_a_clean_file(driver: Driver) -> None:
    copy = made(driver, "large")
    number = os.stat(copy.path).st_ino
    append(driver, "large")
    assert (driver.read("large"), place_of(driver, "large"), work(driver)) == (CONTENT + b"!", number, [])


def test_a_file_of_the_top_layer_is_not_copied_again(driver: Driver) -> None:
    append(driver, "large")
    assert copy_of(driver, "large") is None


def test_a_sealed_file(driver: Driver) -> None:
    append(driver, "large")
    seal(driver.view)
    number = os.stat(made(driver, "large").path).st_ino
    append(driver, "large")
    assert (driver.read("large"), place_of(driver, "large"), work(driver)) == (CONTENT + b"!", number, [])


def test_a_context_file(driver: Driver) -> None:
    (driver.session.context / "keys").write_bytes(CONTENT)
    number = os.stat(made(driver, "keys").path).st_ino
    append(driver, "keys")
    assert (driver.read("keys"), place_of(driver, "keys")) == (CONTENT + b"!", number)
    assert (driver.session.context / "keys").read_bytes() == CONTENT


def test_a_context_file_that_changed_meanwhile_is_copied_anew(driver: Driver) -> None:
    (driver.session.context / "keys").write_bytes(CONTENT[::-1])
    made(driver, "keys")
    (driver.session.context / "keys").write_bytes(CONTENT)
    os.utime(driver.session.context / "keys", (1, 1))
    append(driver, "keys")
    assert (driver.read("keys"), work(driver)) == (CONTENT + b"!", [])


def test_a_copy_that_went_away_is_made_anew(driver: Driver) -> None:
    os.unlink(made(driver, "large").path)
    append(driver, "large")
    assert driver.read("large") == CONTENT + b"!"


def test_a_seal_in_between_does_no_harm(driver: Driver) -> None:
    append(driver, "small")
    made(driver, "large")
    seal(driver.view)
    append(driver, "large")
    assert (driver.read("large"), work(driver)) == (CONTENT + b"!", [])


def test_a_copy_that_nobody_needed_vanishes(driver: Driver) -> None:
    made(driver, "large")
    with driver.view.ahead:
        pass
    assert work(driver) == []


def test_a_copy_that_fails_leaves_nothing(driver: Driver) -> None:
    def fail(path: bytes) -> None:
        Path(os.fsdecode(path)).write_bytes(b"half")
        raise OSError(28, "full")

    copy = copy_of(driver, "large")
    assert copy is not None
    with pytest.raises(OSError, match="full"):
        copy._replace(write=fail).make()
    assert work(driver) == []


def test_spilled_content_is_served_until_other_blobs_take_its_place(repo: GitRepo, driver: Driver) -> None:
    content = driver.view.content
    oid = bytes.fromhex(repo.git("rev-parse", "HEAD:large"))
    assert content.needs_spill(oid)
    content.use_spilled(oid, content.spill(oid))
    assert not content.needs_spill(oid)
    assert content.read(oid, 1, 5) == CONTENT[1:6]
    for number in range(SPILLED_BLOBS):
        content.use_spilled(b"%d" % number, os.open(os.devnull, os.O_RDONLY))
    assert content.needs_spill(oid)


def test_the_copy_is_made_from_the_spill_file(repo: GitRepo, driver: Driver, monkeypatch: pytest.MonkeyPatch) -> None:
    assert driver.read("large") == CONTENT
    monkeypatch.setattr(type(driver.objects.blobs), "stream_to", lambda *_: pytest.fail("read again"))
    append(driver, "large")
    assert driver.read("large") == CONTENT + b"!"


def test_writing_out_a_large_file_leaves_its_descriptor_open(driver: Driver) -> None:
    ino = driver.find("large").ino
    assert large_writeout(driver.view, ino) is None
    edit.write(driver.view, ino, len(CONTENT), b"!")
    write_out = large_writeout(driver.view, ino)
    assert write_out is not None
    write_out()
    assert driver.view.read(ino, len(CONTENT), 1) == b"!"
