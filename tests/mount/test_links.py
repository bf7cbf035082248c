"""Hard and symbolic links."""

# mypy: disable-error-code="func-returns-value"

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from git_vibe.daemon.client import sealed_layers
from tests.mount.conftest import Mounted
from tests.support.beside import Pair, Script, opened
from tests.support.syscalls import link_descriptor

pytestmark = pytest.mark.fuse

LINKS: dict[str, Script] = {
    "beside": lambda top: os.link(top / "file", top / "name"),
    "into another directory": lambda top: os.link(top / "file", top / "full" / "deep" / "name"),
    "over an existing name": lambda top: os.link(top / "file", top / "other"),
    "over itself": lambda top: os.link(top / "file", top / "file"),
    "of a directory": lambda top: os.link(top / "full", top / "name"),
    "of a symbolic link": lambda top: os.link(top / "link", top / "name", follow_symlinks=False),
    "of what a symbolic link means": lambda top: os.link(top / "link", top / "name", follow_symlinks=True),
    "of nothing": lambda top: os.link(top / "none", top / "name"),
    "below nothing": lambda top: os.link(top / "file", top / "none" / "name"),
    "below a file": lambda top: os.link(top / "file", top / "other" / "name"),
    "of a fifo": lambda top: (os.mkfifo(top / "fifo"), os.link(top / "fifo", top / "name")),
    "to another file system": lambda top: os.link(top / "file", "/proc/name"),
    "over a deleted name": lambda top: ((top / "other").unlink(), os.link(top / "file", top / "other")),
    "with a slash": lambda top: os.link(top / "file", f"{top}/name/"),
}


@pytest.mark.parametrize("name", LINKS)
def test_hard_link(everywhere: Pair, name: str) -> None:
    everywhere.same(LINKS[name])


def counts(top: Path, *names: str) -> list[int]:
    """Link counts of files."""
    return [os.lstat(top / name).st_nlink for name in names]


def test_all_names_are_the_same_file(everywhere: Pair) -> None:
    def script(top: Path) -> object:
        os.link(top / "file", top / "one")
        os.link(top / "one", top / "full" / "two")
        (top / "full" / "two").write_bytes(b"shared")
        (top / "one").chmod(0o600)
        os.setxattr(top / "file", "user.x", b"1")
        seen = counts(top, "file", "one", "full/two")
        numbers = {os.stat(top / name).st_ino for name in ("file", "one", "full/two")}
        (top / "file").unlink()
        return seen, len(numbers), counts(top, "one", "full/two")

    everywhere.same(script)


def test_names_come_and_go_while_the_file_is_open(everywhere: Pair) -> None:
    def script(top: Path) -> object:
        with opened(top / "file", os.O_RDWR) as fd:
            seen = []
            for name in ("one", "two"):
                os.link(top / "file", top / name)
                seen.append(os.fstat(fd).st_nlink)
            for name in ("file", "two", "one"):
                os.unlink(top / name)
                seen.append(os.fstat(fd).st_nlink)
            return seen, os.read(fd, 99)

    everywhere.same(script)


def test_a_name_is_replaced_by_rename(everywhere: Pair) -> None:
    def script(top: Path) -> object:
        os.link(top / "file", top / "name")
        os.rename(top / "other", top / "name")
        return counts(top, "file", "name")

    everywhere.same(script)


def test_a_directory_of_links_is_removed_and_moved(everywhere: Pair) -> None:
    def script(top: Path) -> object:
        for number in range(5):
            os.link(top / "full" / "file", top / "half" / str(number))
        os.rename(top / "half", top / "moved")
        shutil.rmtree(top / "full")
        return counts(top, "moved/0", "moved/4")

    everywhere.same(script)


def test_an_open_file_gets_a_name(everywhere: Pair) -> None:
    def script(top: Path) -> object:
        with opened(top / "file", os.O_RDWR) as fd:
            link_descriptor(fd, top / "name")
            os.write(fd, b"BOTH")
            os.link(f"/proc/self/fd/{fd}", top / "third", follow_symlinks=True)
            return counts(top, "file", "name", "third")

    everywhere.same(script)


@pytest.mark.parametrize("flags", [os.O_RDWR, os.O_PATH])
def test_a_deleted_file_gets_no_name(everywhere: Pair, flags: int) -> None:
    def script(top: Path) -> object:
        with opened(top / "file", flags) as fd:
            (top / "file").unlink()
            return link_descriptor(fd, top / "name")

    assert everywhere.same(script) == "ENOENT"


SYMLINKS: dict[str, Script] = {
    "of 4095 bytes": lambda top: (os.symlink("x" * 4095, top / "new"), os.lstat(top / "new").st_size),
    "of 4096 bytes": lambda top: os.symlink("x" * 4096, top / "new"),
    "to nothing": lambda top: os.symlink("", top / "new"),
    "over an existing name": lambda top: os.symlink("x", top / "file"),
    "over a link": lambda top: os.symlink("x", top / "link"),
    "not utf-8": lambda top: (os.symlink(b"\xff\n", os.fsencode(top / "new")), os.readlink(top / "new")),
    "read": lambda top: os.readlink(top / "link"),
    "read a file": lambda top: os.readlink(top / "file"),
    "read a directory": lambda top: os.readlink(top / "full"),
    "its mode": lambda top: os.lstat(top / "link").st_mode,
    "its size": lambda top: os.lstat(top / "link").st_size,
    "its owner": lambda top: (
        os.lchown(top / "link", 7, 8),
        os.lstat(top / "link").st_uid,
        os.stat(top / "file").st_uid,
    ),
    "its time": lambda top: (
        os.utime(top / "link", ns=(5, 7), follow_symlinks=False),
        os.lstat(top / "link").st_mtime_ns,
    ),
    "a user's attribute": lambda top: os.setxattr(top / "link", "user.x", b"1", follow_symlinks=False),
    "forty of them": lambda top: (chain(top, 40), (top / "40").read_text()),
    "forty-one of them": lambda top: (chain(top, 41), (top / "41").read_text()),
    "written through": lambda top: (top / "link").write_text("through"),
    "removed": lambda top: (top / "link").unlink(),
    "to a directory, removed as one": lambda top: ((top / "to").symlink_to("full"), os.rmdir(top / "to")),
    "to a directory, with a slash": lambda top: ((top / "to").symlink_to("full"), sorted(os.listdir(f"{top}/to/"))),
}


def chain(top: Path, length: int) -> None:
    """So many links, one leading to the next, the first to a file."""
    for number in range(length):
        (top / str(number + 1)).symlink_to(str(number) if number else "file")


@pytest.mark.parametrize("name", SYMLINKS)
def test_symbolic_link(everywhere: Pair, name: str) -> None:
    everywhere.same(SYMLINKS[name])


@pytest.mark.parametrize("last", ["file", "one", "full/two"])
def test_names_that_are_sealed_go_one_by_one(serving: Mounted, stock: Pair, last: str) -> None:
    def script(top: Path) -> object:
        seen = []
        for name in {"file", "one", "full/two"} - {last}:
            (top / name).unlink()
            seen.append(counts(top, last))
        os.rename(top / "other", top / last)
        return seen

    for top in stock.both:
        os.link(top / "file", top / "one")
        os.link(top / "one", top / "full" / "two")
    with sealed_layers(serving.workspace.layout, serving.record.name):
        stock.same(script)
