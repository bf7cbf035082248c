"""rename(2) and renameat2(2) through the kernel, in every combination."""

from __future__ import annotations

import contextlib
import itertools
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from git_vibe.daemon.client import sealed_layers
from tests.mount.conftest import Mounted
from tests.support.beside import Pair, Script, look, opened
from tests.support.operations import EXCHANGE, NOREPLACE, renameat2, see

pytestmark = pytest.mark.fuse

WHITEOUT = 4


def nothing(path: Path) -> None:
    """Leave a clean one as it is, or leave nothing there."""


def make_full(path: Path) -> None:
    """A directory with something in it."""
    (path / "inner").mkdir(parents=True)
    (path / "inner" / "file").write_text(path.name)


def make_dirty(path: Path) -> None:
    """Change what a clean directory holds, and keep some of it."""
    (path / "file").write_text(path.name)
    (path / "more").touch()


def empty_slowly(path: Path) -> None:
    """Remove what a clean directory holds, but not the directory."""
    for entry in list(path.iterdir()):
        shutil.rmtree(entry) if entry.is_dir() else entry.unlink()


class Kind(NamedTuple):
    """What is renamed or replaced: its name in either place, and what is done there before."""

    source: str
    target: str
    prepare: Callable[[Path], object]


KINDS = {
    "nothing": Kind("source", "target", nothing),
    "deleted file": Kind("file", "other", lambda path: path.unlink()),
    "deleted directory": Kind("full", "half", shutil.rmtree),
    "clean file": Kind("file", "other", nothing),
    "dirty file": Kind("file", "other", lambda path: path.write_text("changed")),
    "new file": Kind("source", "target", lambda path: path.write_text(path.name)),
    "clean link": Kind("link", "second", nothing),
    "fifo": Kind("source", "target", os.mkfifo),
    "clean directory": Kind("full", "half", nothing),
    "dirty directory": Kind("full", "half", make_dirty),
    "emptied directory": Kind("full", "half", empty_slowly),
    "new directory": Kind("source", "target", make_full),
    "new empty directory": Kind("source", "target", lambda path: path.mkdir()),
}


def prepare(pair: Pair, source: str, target: str) -> tuple[str, str]:
    """Put what is renamed and what is replaced into both directories; their names."""
    for top in pair.both:
        KINDS[source].prepare(top / KINDS[source].source)
        KINDS[target].prepare(top / KINDS[target].target)
    return KINDS[source].source, KINDS[target].target


COMBINATIONS = [
    *itertools.product(KINDS, KINDS, [0]),
    *itertools.product(KINDS, ["nothing", "deleted file", "deleted directory", "clean file"], [NOREPLACE]),
    *((source, target, EXCHANGE) for source, target in itertools.combinations_with_replacement(KINDS, 2)),
]


@pytest.mark.parametrize(("source", "target", "flags"), COMBINATIONS)
def test_rename(stock: Pair, source: str, target: str, flags: int) -> None:
    old, new = prepare(stock, source, target)
    stock.same(lambda top: renameat2(str(top / old), str(top / new), flags))


@pytest.mark.parametrize("flags", [0, EXCHANGE])
@pytest.mark.parametrize("source", KINDS)
def test_rename_of_what_is_sealed(serving: Mounted, stock: Pair, source: str, flags: int) -> None:
    old, new = prepare(stock, source, "dirty directory")
    with sealed_layers(serving.workspace.layout, serving.record.name):
        stock.same(lambda top: renameat2(str(top / old), str(top / new), flags))
        stock.same(lambda top: renameat2(str(top / new), str(top / "half" / "inside"), flags))
    assert look(stock.mount) == look(stock.plain)


PLACES = {"a clean directory": "half/new", "the directory above": "../new-{name}", "a new directory": "made/new"}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("source", ["clean file", "dirty file", "clean directory", "dirty directory", "clean link"])
def test_rename_into_another_directory_and_back(stock: Pair, source: str, place: str) -> None:
    old, _ = prepare(stock, source, "nothing")
    new = PLACES[place].format(name=stock.mount.name)

    def there_and_back(top: Path) -> object:
        (top / "made").mkdir()
        os.rename(top / old, top / new)
        seen = see(str(top / new)) if (top / new).is_dir() else os.lstat(top / new).st_size
        os.rename(top / new, top / old)
        return seen

    stock.same(there_and_back)


ODD: dict[str, Script] = {
    "into itself": lambda top: os.rename(top / "full", top / "full" / "inside"),
    "deep into itself": lambda top: os.rename(top / "full", top / "full" / "deep" / "inside"),
    "onto its child": lambda top: os.rename(top / "full", top / "full" / "deep"),
    "onto its parent": lambda top: os.rename(top / "full" / "deep", top / "full"),
    "exchange with its child": lambda top: renameat2(str(top / "full"), str(top / "full" / "deep"), EXCHANGE),
    "onto the same name": lambda top: os.rename(top / "full", top / "full"),
    "onto the same file": lambda top: os.rename(top / "file", top / "file"),
    "the same name, not replacing": lambda top: renameat2(str(top / "file"), str(top / "file"), NOREPLACE),
    "exchange with the same name": lambda top: renameat2(str(top / "file"), str(top / "file"), EXCHANGE),
    "below a file": lambda top: os.rename(top / "other", top / "file" / "other"),
    "below nothing": lambda top: os.rename(top / "other", top / "none" / "other"),
    "a file as a directory": lambda top: os.rename(f"{top}/file/", top / "new"),
    "onto a name with a slash": lambda top: os.rename(top / "file", f"{top}/new/"),
    "a directory onto a name with a slash": lambda top: os.rename(top / "full", f"{top}/new/"),
    "the dot": lambda top: os.rename(f"{top}/full/.", top / "new"),
    "the dots": lambda top: os.rename(f"{top}/full/..", top / "new"),
    "onto the dot": lambda top: os.rename(top / "full", f"{top}/half/."),
    "flags that exclude each other": lambda top: renameat2(str(top / "file"), str(top / "other"), NOREPLACE | EXCHANGE),
    "flags nobody knows": lambda top: renameat2(str(top / "file"), str(top / "other"), 1 << 10),
    "to another file system": lambda top: os.rename(top / "file", "/proc/file"),
}


@pytest.mark.parametrize("name", ODD)
def test_odd_renames(everywhere: Pair, name: str) -> None:
    everywhere.same(ODD[name])


def test_the_top_stays_where_it_is(fresh: Mounted) -> None:
    with pytest.raises(OSError, match="busy"):
        fresh.path.rename(fresh.path.with_name("moved"))


def test_a_whiteout_is_not_left_by_an_application(stock: Pair) -> None:
    with pytest.raises(OSError, match="Invalid argument"):
        renameat2(str(stock.mount / "file"), str(stock.mount / "new"), WHITEOUT)
    assert look(stock.mount) == look(stock.plain)


@pytest.mark.parametrize("flags", [0, EXCHANGE])
def test_source_and_target_are_open(everywhere: Pair, flags: int) -> None:
    def script(top: Path) -> object:
        with open(top / "file", "r+b", buffering=0) as source, open(top / "other", "r+b", buffering=0) as target:
            renameat2(str(top / "file"), str(top / "other"), flags)
            source.write(b"SOURCE")
            target.write(b"TARGET")
            os.fchmod(target.fileno(), 0o600)
            handles = [(os.pread(fd, 99, 0), os.fstat(fd).st_nlink) for fd in (source.fileno(), target.fileno())]
            return handles, (top / "other").read_bytes()

    everywhere.same(script)


@pytest.mark.parametrize("flags", [0, EXCHANGE])
def test_directories_are_open(everywhere: Pair, flags: int) -> None:
    def script(top: Path) -> object:
        empty_slowly(top / "half")
        with opened(top / "full") as source, opened(top / "half") as target:
            renameat2(str(top / "full"), str(top / "half"), flags)
            with contextlib.suppress(FileNotFoundError):
                os.mkdir("made", dir_fd=target)
            os.mkdir("made too", dir_fd=source)
            return [sorted(os.listdir(directory)) for directory in (source, target)]

    everywhere.same(script)


def test_working_directory_moves_along(everywhere: Pair) -> None:
    script = "cd full/deep && mv ../../full ../../moved && cat file ../file && echo more >file && cd -P .. && ls"
    everywhere.same(lambda top: subprocess.run(["sh", "-c", script], cwd=top, capture_output=True, check=True).stdout)


def test_names_of_one_file(everywhere: Pair) -> None:
    def script(top: Path) -> object:
        os.link(top / "file", top / "full" / "name")
        os.rename(top / "file", top / "full" / "name")
        both = os.stat(top / "file").st_nlink, os.stat(top / "full" / "name").st_nlink
        renameat2(str(top / "file"), str(top / "other"), EXCHANGE)
        return both, os.path.samefile(top / "other", top / "full" / "name")

    everywhere.same(script)


def test_a_ring_of_clean_files(everywhere: Pair) -> None:
    def script(top: Path) -> None:
        for _ in range(3):
            os.rename(top / "file", top / "spare")
            os.rename(top / "other", top / "file")
            os.rename(top / "tool", top / "other")
            os.rename(top / "spare", top / "tool")

    everywhere.same(script)


def test_rename_of_a_clean_directory_and_back(fresh: Mounted) -> None:
    before = see(str(fresh.path))
    numbers = {name: (fresh.path / "clean" / name).stat().st_ino for name in os.listdir(fresh.path / "clean")}
    (fresh.path / "clean").rename(fresh.path / "moved")
    (fresh.path / "moved").rename(fresh.path / "src" / "deep" / "clean")
    inside = fresh.path / "src" / "deep" / "clean"
    assert {name: (inside / name).stat().st_ino for name in os.listdir(inside)} == numbers
    inside.rename(fresh.path / "clean")
    assert see(str(fresh.path)) == before
    assert subprocess.run(["git", "status", "--porcelain"], cwd=fresh.path, capture_output=True).stdout == b""
