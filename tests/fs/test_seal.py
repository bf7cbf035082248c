"""Sealing a view: what is sealed does not change, what is done meanwhile is there afterwards."""

from __future__ import annotations

import errno
import os
import stat

import pytest

from git_vibe.overlay import attributes
from tests.fs.conftest import OrdinaryUser
from tests.fs.driver import Driver, open_objects


def snapshot(driver: Driver) -> dict[str, tuple[int, int, bytes]]:
    """Everything the first layer holds."""
    found = {}
    for path in driver.layer_path("").rglob("*"):
        status = path.lstat()
        content = path.read_bytes() if stat.S_ISREG(status.st_mode) else b""
        found[str(path)] = (status.st_ino, status.st_mode, content)
    return found


def settle(driver: Driver) -> None:
    """Unseal and remount; both show what was there before, with the same times."""
    expected, times = driver.see(), {path: attrs.mtime_ns for path, attrs in driver.walk().items()}
    driver.unseal()
    assert driver.see() == expected
    driver.remount()
    assert driver.see() == expected
    assert {path: attrs.mtime_ns for path, attrs in driver.walk().items()} == times
    assert [path.name for path in driver.session.layers.iterdir()] == ["0001"]


def test_sealing_shows_nothing(driver: Driver) -> None:
    driver.write("README", b"changed")
    driver.chmod("", 0o711)
    driver.setxattr("", b"root")
    before, root = driver.see(), driver.view.attrs(1)
    assert [int(layer) for layer in driver.seal()] == [1]
    assert driver.see() == before
    assert driver.view.attrs(1)._replace(ctime_ns=0, size=0, blocks=0, atime_ns=0) == root._replace(
        ctime_ns=0, size=0, blocks=0, atime_ns=0
    )
    settle(driver)
    assert driver.view.attrs(1).mtime_ns == root.mtime_ns


def test_sealing_again_without_a_change_adds_no_layer(driver: Driver) -> None:
    driver.write("README", b"changed")
    assert driver.seal() == driver.seal()
    driver.write("README", b"again")
    assert [int(layer) for layer in driver.seal()] == [1, 2]
    driver.write("README", b"and again")
    settle(driver)
    assert driver.read("README") == b"and again"


def test_writes_while_sealed_leave_the_sealed_layer_alone(driver: Driver) -> None:
    driver.write("README", b"sealed")
    driver.write("src/made", b"sealed")
    driver.mkdir("src/folder")
    driver.open(0, "README")
    driver.open(1, "src/made")
    driver.handle_read(0)
    driver.seal()
    before = snapshot(driver)
    driver.handle_write(0, 0, b"SEAL")
    driver.unlink("src/made")
    driver.handle_write(1, 0, b"SEAL")
    driver.chmod("src/folder", 0o700)
    driver.setxattr("src", b"value")
    assert driver.handle_read(1) == b"SEALed"
    assert snapshot(driver) == before
    settle(driver)
    assert driver.read("README") == b"SEALed"
    assert not driver.exists("src/made")


def test_an_attribute_removed_while_sealed_stays_removed(driver: Driver) -> None:
    driver.setxattr("src", b"value")
    driver.seal()
    attributes.removexattr(driver.view, driver.ino("src"), b"user.test")
    settle(driver)
    assert attributes.listxattr(driver.view, driver.ino("src")) == []


@pytest.mark.parametrize("form", ["device", "attribute"])
def test_removing_while_sealed(driver: Driver, request: pytest.FixtureRequest, form: str) -> None:
    if form == "attribute":
        request.getfixturevalue("no_devices")
    driver.write("src/made", b"made")
    driver.mkdir("folder")
    driver.write("folder/file", b"file")
    driver.seal()
    driver.unlink("src/made")
    driver.unlink("src/main.py")
    driver.unlink("folder/file")
    driver.rmdir("folder")
    settle(driver)
    assert (driver.listdir("src"), driver.exists("folder")) == (["deep"], False)
    driver.write("src/main.py", b"back")
    driver.seal()
    driver.unlink("src/main.py")
    driver.write("src/main.py", b"back again")
    settle(driver)
    assert driver.read("src/main.py") == b"back again"


@pytest.mark.parametrize("form", ["device", "attribute"])
@pytest.mark.parametrize("removed", ["before", "after"])
def test_making_a_directory_over_a_whiteout_while_sealed(
    driver: Driver, request: pytest.FixtureRequest, removed: str, form: str
) -> None:
    if form == "attribute":
        request.getfixturevalue("no_devices")
    driver.write("src/deep/er/made", b"")
    if removed == "after":
        driver.seal()
    for name in ("data.bin", "made"):
        driver.unlink(f"src/deep/er/{name}")
    driver.rmdir("src/deep/er")
    if removed == "before":
        driver.seal()
    driver.mkdir("src/deep/er")
    driver.write("src/deep/er/new", b"new")
    settle(driver)
    assert driver.listdir("src/deep/er") == ["new"]


def test_hard_links_stay_together_while_sealed(driver: Driver) -> None:
    driver.link("README", "src/second")
    driver.link("README", "src/deep/third")
    driver.seal()
    driver.remount()
    driver.patch("README", 0, b"J")
    names = ("README", "src/second", "src/deep/third")
    assert {driver.read(name) for name in names} == {b"Jello\n"}
    assert len({driver.ino(name) for name in names}) == 1
    settle(driver)
    assert driver.find("README").nlink == 3


def test_a_remount_finds_a_seal_that_was_not_taken_back(driver: Driver) -> None:
    driver.write("README", b"sealed")
    driver.seal()
    driver.unlink("README")
    driver.rename("src", "moved")
    driver.remount()
    assert driver.listdir() == sorted([".git", ".gitignore", "empty", "link", "moved", "run.sh"])
    settle(driver)


def test_a_fold_that_was_cut_short_goes_on(driver: Driver, monkeypatch: pytest.MonkeyPatch) -> None:
    """Kill the fold at every step: the view is the same whenever it is looked at."""
    prepare_a_rich_pair_of_layers(driver)
    expected, done = driver.see(), False
    for steps in range(60):
        if not done:
            done = fold_some(driver, monkeypatch, steps % 7 + 1)
            driver.remount()
            assert driver.see() == expected
    assert done


def prepare_a_rich_pair_of_layers(driver: Driver) -> None:
    """Everything that can be in an upper layer over something in a lower one."""
    driver.write("src/made", b"1")
    driver.mkdir("folder")
    driver.write("folder/file", b"2")
    driver.rename("src/deep", "deep")
    driver.seal()
    driver.unlink("src/made")
    driver.unlink("src/main.py")
    driver.write("README", b"3")
    driver.write("folder/file", b"4")
    driver.mkdir("src/deep")
    driver.write("src/deep/inside", b"5")
    driver.rename("deep", "folder/deep")
    driver.unlink("empty")
    driver.mkdir("empty")


def fold_some(driver: Driver, monkeypatch: pytest.MonkeyPatch, steps: int) -> bool:
    """Unseal, failing after some renames; whether it came to its end."""
    left, rename = steps, os.rename

    def failing(source: bytes, target: bytes) -> None:
        nonlocal left
        left -= 1
        if left < 0:
            raise OSError(errno.EIO, "killed")
        rename(source, target)

    with monkeypatch.context() as patch:
        patch.setattr(os, "rename", failing)
        try:
            driver.unseal()
        except OSError:
            return False
    return True


def test_directories_that_may_not_be_written(driver: Driver, ordinary_user: OrdinaryUser) -> None:
    """A tool makes directories read-only, as Go's module cache is; everything but changing their names works."""
    objects = open_objects(driver.session)
    with ordinary_user.owning(driver.session.layers.parent.parent):
        driver = Driver(driver.session, objects)
        driver.mkdir("cache")
        driver.write("cache/module", b"module", 0o444)
        driver.mkdir("cache/inner")
        driver.write("cache/inner/secret", b"secret", 0o000)
        for name, mode in (("cache/inner", 0o500), ("cache", 0o555), ("src/deep", 0o555)):
            attributes.chmod(driver.view, driver.ino(name), mode)
        driver.seal()
        driver.patch("src/deep/er/data.bin", 0, b"X")
        driver.chmod("cache/module", 0o644)
        driver.write("cache/module", b"changed")
        driver.chmod("cache/inner/secret", 0o600)
        driver.rename("cache", "renamed")
        settle(driver)
        assert stat.S_IMODE(driver.find("renamed").mode) == 0o555
        assert stat.S_IMODE(driver.find("renamed/inner").mode) == 0o500
        assert driver.read("renamed/inner/secret") == b"secret"
        assert driver.read("renamed/module") == b"changed"
        driver.mkdir("over")
        attributes.chmod(driver.view, driver.ino("over"), 0o555)
        driver.mkdir("moved")
        driver.rename("moved", "over")
        settle(driver)


def test_a_handle_outlives_a_change_of_the_mode(driver: Driver, ordinary_user: OrdinaryUser) -> None:
    objects = open_objects(driver.session)
    with ordinary_user.owning(driver.session.layers.parent.parent):
        driver = Driver(driver.session, objects)
        driver.write("file", b"text")
        driver.open(0, "file")
        driver.chmod("file", 0o000)
        driver.handle_write(0, 0, b"TEXT")
        assert driver.handle_read(0) == b"TEXT"
        assert stat.S_IMODE(driver.find("file").mode) == 0
        driver.close(0)
