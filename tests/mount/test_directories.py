"""Listings, also while the directory changes, and directories that are deep, large, held or gone."""

# mypy: disable-error-code="func-returns-value"

from __future__ import annotations

import os
import shutil
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.mount.conftest import Mounted
from tests.support.beside import Pair, Script, opened, outcome
from tests.support.gitrepo import GitRepo
from tests.support.mounts import sweep
from tests.support.runner import Vibe
from tests.support.syscalls import Stream, listing

pytestmark = pytest.mark.fuse

MANY = 3000
PART = 500
DOTS = {b".", b".."}


def fill(top: Path, count: int = PART) -> list[bytes]:
    """Create files with numbers for names."""
    names = [b"%05d" % number for number in range(count)]
    for name in names:
        (top / name.decode()).touch()
    return names


@pytest.fixture
def many(pair: Pair) -> Path:
    """A directory of the session with PART files, more than one answer of the kernel holds."""
    fill(pair.mount)
    return pair.mount


def test_a_listing_has_the_dots_and_everything_once(everywhere: Pair) -> None:
    def script(top: Path) -> object:
        with listing(top) as stream:
            return sorted(stream.names())

    everywhere.same(script)


def test_types_in_a_listing(everywhere: Pair) -> None:
    def script(top: Path) -> object:
        os.mkfifo(top / "fifo")
        os.mknod(top / "socket", stat.S_IFSOCK | 0o600)
        with listing(top) as stream:
            return sorted((name, kind) for name, _, kind in iter(stream.next, None))

    everywhere.same(script)


def test_places_in_a_listing(many: Path) -> None:
    with listing(many) as stream:
        places = [stream.tell()]
        names = []
        for name, _, _ in iter(stream.next, None):
            names.append(name)
            places.append(stream.tell())
        for index in (400, 3, 250, 0, PART):
            stream.seek(places[index])
            assert stream.names() == names[index:]
    assert len(set(names)) == len(names) == PART + 2


def read_some(stream: Stream, count: int) -> list[bytes]:
    """The names of the next few entries."""
    return [entry[0] for entry in (stream.next() for _ in range(count)) if entry]


def test_a_listing_goes_on_where_it_was_after_changes(many: Path) -> None:
    with listing(many) as stream:
        before = read_some(stream, 100)
        place = stream.tell()
        after = stream.names()
        for name in (*before[5:50], *after[50:60]):
            if name not in DOTS:
                (many / os.fsdecode(name)).unlink()
        (many / "new").touch()
        stream.seek(place)
        again = stream.names()
    kept = [name for name in after if name not in after[50:60]]
    assert [name for name in again if name in kept] == kept
    assert not set(again) & set(before)
    assert len(set(again)) == len(again)


def test_a_rewound_listing_is_a_new_one(everywhere: Pair) -> None:
    def script(top: Path) -> object:
        with listing(top) as stream:
            before = stream.names()
            (top / "new").touch()
            (top / "file").unlink()
            (top / "full").rename(top / "moved")
            stream.rewind()
            return sorted(before), sorted(stream.names())

    everywhere.same(script)


def test_what_stays_is_listed_once_while_the_rest_changes(pair: Pair) -> None:
    names = fill(pair.mount, MANY)
    kept = set(names[::2])
    with listing(pair.mount) as stream:
        seen = read_some(stream, 20)
        for name in names[1::2]:
            (pair.mount / os.fsdecode(name)).unlink()
        (pair.mount / "new").touch()
        seen += stream.names()
    assert len(seen) == len(set(seen))
    assert kept <= set(seen)
    assert {os.fsencode(name) for name in os.listdir(pair.mount)} == kept | {b"new"}
    assert [name for name in names[1::2] if os.path.lexists(os.path.join(os.fsencode(pair.mount), name))] == []


def test_removing_while_listing(everywhere: Pair) -> None:
    def script(top: Path) -> object:
        with os.scandir(top / "full") as entries:
            for entry in entries:
                shutil.rmtree(entry.path) if entry.is_dir() else os.unlink(entry.path)
        return os.listdir(top / "full")

    everywhere.same(script)


def test_a_name_that_was_replaced_since_the_listing_began(pair: Pair) -> None:
    last = pair.mount / os.fsdecode(fill(pair.mount, MANY)[-1])
    with listing(pair.mount) as stream:
        read_some(stream, 10)
        last.unlink()
        last.mkdir()
        seen = {name: number for name, number, _ in iter(stream.next, None)}
    assert stat.S_ISDIR(last.stat().st_mode)
    assert seen.get(os.fsencode(last.name), last.stat().st_ino) == last.stat().st_ino


DIRECTORIES: dict[str, Script] = {
    "make": lambda top: (top / "new").mkdir(0o700),
    "make what exists": lambda top: (top / "full").mkdir(),
    "make a file's name": lambda top: (top / "file").mkdir(),
    "make a link's name": lambda top: (top / "link").mkdir(),
    "make below nothing": lambda top: (top / "none" / "new").mkdir(),
    "make below a file": lambda top: (top / "file" / "new").mkdir(),
    "make the dot": lambda top: os.mkdir(f"{top}/full/."),
    "make with a slash": lambda top: os.mkdir(f"{top}/new/"),
    "make where one was": lambda top: (shutil.rmtree(top / "full"), (top / "full").mkdir()),
    "remove a full one": lambda top: (top / "full").rmdir(),
    "remove an emptied one": lambda top: (
        shutil.rmtree(top / "full/deep"),
        (top / "full/file").unlink(),
        (top / "full").rmdir(),
    ),
    "remove nothing": lambda top: (top / "none").rmdir(),
    "remove a file": lambda top: (top / "file").rmdir(),
    "remove a link": lambda top: (top / "link").rmdir(),
    "remove the dot": lambda top: os.rmdir(f"{top}/full/."),
    "remove the dots": lambda top: os.rmdir(f"{top}/full/deep/.."),
    "unlink one": lambda top: (top / "full").unlink(),
    "remove a tree": lambda top: shutil.rmtree(top / "full"),
    "list a file": lambda top: os.listdir(top / "file"),
    "list nothing": lambda top: os.listdir(top / "none"),
    "read one": lambda top: (top / "full").read_bytes(),
}


@pytest.mark.parametrize("name", DIRECTORIES)
def test_directory(everywhere: Pair, name: str) -> None:
    everywhere.same(DIRECTORIES[name])


def test_a_removed_directory_that_is_held(everywhere: Pair) -> None:
    def script(top: Path) -> object:
        with opened(top / "full", os.O_DIRECTORY) as fd:
            shutil.rmtree(top / "full")
            actions: list[Script] = [
                lambda _: os.listdir(fd),
                lambda _: os.mkdir("new", dir_fd=fd),
                lambda _: os.open("new", os.O_CREAT, dir_fd=fd),
                lambda _: os.stat("file", dir_fd=fd),
                lambda _: os.stat("..", dir_fd=fd).st_ino == os.stat(top).st_ino,
                lambda _: os.fsync(fd),
                lambda _: os.rename(top / "file", "new", dst_dir_fd=fd),
                lambda _: stat.S_IFMT(os.fstat(fd).st_mode),
            ]
            return [outcome(action, top) for action in actions]

    everywhere.same(script)


def test_a_directory_says_nothing_by_its_link_count(everywhere: Pair) -> None:
    """1, as on btrfs: programs then look for directories themselves."""
    assert [os.stat(everywhere.mount / name).st_nlink for name in ("full", "half")] == [1, 1]
    found = subprocess.run(["find", ".", "-type", "d"], cwd=everywhere.mount, capture_output=True, check=True).stdout
    assert sorted(found.split()) == [b".", b"./full", b"./full/deep", b"./half"]


# Deep trees

DEEP = 990
"""Levels; one function call for each is more than Python allows by default, one open file for each is not too many."""


@pytest.fixture(scope="module")
def deep(top: Path, mounted: Mounted) -> Iterator[Path]:
    """A session with a clean file below DEEP directories."""
    repo = GitRepo.create(top / "deep")
    commit = "commit refs/heads/main\ncommitter V <v@example.org> 0 +0000\ndata 0\n"
    repo.git("fast-import", "--quiet", stdin=f"{commit}M 644 inline {'d/' * DEEP}file\ndata 5\ndeep\n".encode())
    yield Path(Vibe(repo.path)("spawn", "alpha"))
    sweep(repo.path)
    subprocess.run(["rm", "-r", repo.path], check=True)


def test_a_deep_file_is_changed_promoted_and_archived(deep: Path) -> None:
    inside = deep / ("d/" * DEEP)
    assert (inside / "file").read_text() == "deep\n"
    (inside / "file").write_text("changed\n")
    (inside / "new").mkdir()
    assert sorted(os.listdir(inside)) == ["file", "new"]
    (inside / "file").rename(deep / "up")
    assert (deep / "up").read_text() == "changed\n"
    vibe = Vibe(deep.parents[1] / "deep")
    assert vibe("promote", "alpha")
    (inside / "later").write_text("not promoted\n")
    assert "refs/vibe/archive/alpha/" in vibe("purge", "--force")


def test_a_deep_tree_is_made_moved_and_removed(pair: Pair) -> None:
    def script(top: Path) -> object:
        deepest = top / ("d/" * 400)
        deepest.mkdir(parents=True)
        (deepest / "file").write_text("deep")
        (top / "d" / "d").rename(top / "moved")
        (top / ("moved/" + "d/" * 398) / "file").write_text("changed")
        subprocess.run(["rm", "-r", top / "moved"], check=True)
        return os.listdir(top / "d")

    pair.same(script)
