"""Inode and device numbers: what tells a program that two files are the same."""

# mypy: disable-error-code="func-returns-value"

from __future__ import annotations

import os
from pathlib import Path

import pytest

from git_vibe.daemon.client import mount_session, sealed_layers, unmount_session
from tests.mount.conftest import Mounted
from tests.support.beside import Pair, Script, opened
from tests.support.operations import EXCHANGE, renameat2
from tests.support.syscalls import listing

pytestmark = pytest.mark.fuse


def numbers(top: Path) -> dict[str, int]:
    """Inode number of everything below a directory."""
    return {str(path.relative_to(top)): os.lstat(path).st_ino for path in sorted(top.rglob("*"))}


STAYING: dict[str, Script] = {
    "write": lambda top: (top / "file").write_text("changed"),
    "append": lambda top: os.truncate(top / "file", 5000),
    "chmod": lambda top: os.chmod(top / "file", 0o600),
    "chown": lambda top: os.chown(top / "file", 7, 8),
    "touch": lambda top: (top / "file").touch(),
    "setxattr": lambda top: os.setxattr(top / "file", "user.x", b"1"),
    "write inside": lambda top: (top / "full" / "deep" / "file").write_text("changed"),
    "chmod of a directory": lambda top: os.chmod(top / "full", 0o700),
    "make and remove": lambda top: ((top / "full" / "new").touch(), (top / "full" / "new").unlink()),
    "link and unlink": lambda top: (os.link(top / "file", top / "new"), os.unlink(top / "new")),
    "away and back": lambda top: (os.rename(top / "full", top / "half" / "x"), os.rename(top / "half/x", top / "full")),
    "exchange twice": lambda top: [renameat2(str(top / "file"), str(top / "full"), EXCHANGE) for _ in range(2)],
}


@pytest.mark.parametrize("name", STAYING)
def test_numbers_stay(everywhere: Pair, name: str) -> None:
    before = numbers(everywhere.mount)
    STAYING[name](everywhere.mount)
    assert numbers(everywhere.mount) == before


@pytest.mark.parametrize("name", ["file", "full", "link"])
def test_numbers_move_with_the_file(everywhere: Pair, name: str) -> None:
    before = numbers(everywhere.mount)[name]
    (everywhere.mount / name).rename(everywhere.mount / "half" / "moved")
    assert numbers(everywhere.mount)["half/moved"] == before


def test_no_two_files_have_one_number(everywhere: Pair) -> None:
    for name in ("one", "two", "full/three"):
        (everywhere.mount / name).write_text(name)
        (everywhere.mount / f"{name}-directory").mkdir()
    found = numbers(everywhere.mount)
    assert len(set(found.values())) == len(found)


def test_a_number_is_not_given_away_while_the_file_is_open(everywhere: Pair) -> None:
    with opened(everywhere.mount / "file", os.O_RDWR) as fd:
        (everywhere.mount / "file").unlink()
        for number in range(20):
            (everywhere.mount / f"new-{number}").touch()
        assert os.fstat(fd).st_ino not in numbers(everywhere.mount).values()


def test_an_open_file_and_its_name_are_the_same(everywhere: Pair) -> None:
    with opened(everywhere.mount / "file", os.O_RDWR) as fd:
        os.write(fd, b"changed")
        (everywhere.mount / "file").rename(everywhere.mount / "moved")
        assert os.path.samestat(os.fstat(fd), os.stat(everywhere.mount / "moved"))


def test_listings_and_stat_agree(everywhere: Pair) -> None:
    for folder in (everywhere.mount, everywhere.mount / "full"):
        with listing(folder) as stream:
            listed = {name: number for name, number, _ in iter(stream.next, None)}
        assert listed == {name: os.lstat(os.path.join(os.fsencode(folder), name)).st_ino for name in listed}
        assert {b".", b".."} < listed.keys()


def test_numbers_survive_a_seal_and_a_remount(fresh: Mounted) -> None:
    layout, name = fresh.workspace.layout, fresh.record.name
    (fresh.path / "README").write_text("changed")
    (fresh.path / "made").mkdir()
    (fresh.path / "made" / "new").touch()
    os.link(fresh.path / "c", fresh.path / "made" / "linked")
    (fresh.path / "clean").rename(fresh.path / "moved")
    before = numbers(fresh.path)
    with sealed_layers(layout, name):
        (fresh.path / "README").write_text("changed again")
        assert numbers(fresh.path) == before
    assert numbers(fresh.path) == before
    unmount_session(layout, name)
    mount_session(layout, name)
    assert numbers(fresh.path) == before


def test_each_session_is_a_device_of_its_own(mounted: Mounted, stocked: Mounted) -> None:
    devices = [session.path.stat().st_dev for session in (mounted, stocked)]
    assert len({*devices, mounted.path.parent.stat().st_dev}) == 3
    inside = [path for path in mounted.path.rglob("*") if not path.is_symlink()]
    assert {path.stat().st_dev for path in inside} == {devices[0]}
    assert os.path.ismount(mounted.path)


def test_one_file_in_two_sessions_is_two_files(mounted: Mounted, fresh: Mounted) -> None:
    assert not os.path.samefile(mounted.path / "a" / "a", fresh.path / "a" / "a")
    with pytest.raises(OSError, match="cross-device"):
        os.rename(mounted.path / "a" / "a", fresh.path / "moved")
    with pytest.raises(OSError, match="cross-device"):
        os.link(mounted.path / "a" / "a", fresh.path / "linked")
