"""Names and paths, ordinary and not, and the names that are the session's own."""

from __future__ import annotations

import errno
import os
import shutil
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.mount.conftest import Mounted
from tests.support.beside import Pair, Script, look, opened
from tests.support.operations import EXCHANGE, renameat2
from tests.support.waiting import wait_until

pytestmark = pytest.mark.fuse

ODD_NAMES = {
    "not utf-8": b"\xff\xfe not utf-8",
    "a line feed": b"\n",
    "an option": b"-rf *",
    "japanese": "日本語".encode(),
    "decomposed": "e\u0301".encode(),
    "the longest": b"x" * 255,
    "the longest in utf-8": "é".encode() * 127,
    "a space": b" ",
    "a backslash": b"a\\b",
    "three dots": b"...",
    "of a whiteout": b".wh.file",
    "a control character": b"\x01\x7f",
    "git's own but longer": b".git2",
    "fuse's own": b".fuse_hidden0001",
}


@pytest.mark.parametrize("name", ODD_NAMES)
def test_odd_names(everywhere: Pair, name: str) -> None:
    def script(top: Path) -> object:
        path = os.path.join(os.fsencode(top), ODD_NAMES[name])
        os.mkdir(path)
        os.rmdir(path)
        os.symlink(ODD_NAMES[name], path)
        seen = os.readlink(path)
        os.rename(os.fsencode(top / "file"), path)
        os.rename(path, path[:-1] + b"2")
        with open(path[:-1] + b"2", "r+b") as file:
            file.write(ODD_NAMES[name])
        return seen, sorted(os.listdir(os.fsencode(top)))

    everywhere.same(script)


LONG = "x" * 256
TOO_LONG: dict[str, Script] = {
    "create": lambda top: (top / LONG).touch(),
    "make a directory": lambda top: (top / LONG).mkdir(),
    "make a link": lambda top: (top / LONG).symlink_to("file"),
    "link": lambda top: os.link(top / "file", top / LONG),
    "look": lambda top: os.stat(top / LONG),
    "remove": lambda top: (top / LONG).unlink(),
    "rename": lambda top: os.rename(top / "file", top / LONG),
    "rename from": lambda top: os.rename(top / LONG, top / "file"),
    "exchange": lambda top: renameat2(str(top / "file"), str(top / LONG), EXCHANGE),
    "a long path": lambda top: os.stat(f"{top}/{'d/' * 2100}"),
    "an empty path": lambda top: os.stat(""),
    "a directory's dot": lambda top: sorted(os.listdir(f"{top}/./full/../full//")),
    "case": lambda top: os.stat(top / "FILE"),
}


@pytest.mark.parametrize("name", TOO_LONG)
def test_names_that_cannot_be(everywhere: Pair, name: str) -> None:
    everywhere.same(TOO_LONG[name])


def test_long_paths(pair: Pair) -> None:
    def script(top: Path) -> object:
        path = top.joinpath(*["n" * 250] * 15)
        path.mkdir(parents=True)
        (path / "file").write_text("far")
        (path / "file").rename(path / "moved")
        os.link(path / "moved", path / "linked")
        return sorted(os.listdir(path)), (path / "linked").read_text()

    pair.same(script)


def test_deeper_than_a_layer_reaches(pair: Pair) -> None:
    """A layer's own path is longer than the session's, so it ends a little earlier; natively there is no end."""
    made = 0
    here = os.open(pair.mount, os.O_DIRECTORY)
    with pytest.raises(OSError) as caught:
        while made < 40:
            os.mkdir("n" * 250, dir_fd=here)
            below = os.open("n" * 250, os.O_DIRECTORY, dir_fd=here)
            os.close(here)
            here = below
            made += 1
    assert caught.value.errno == errno.ENAMETOOLONG
    assert made >= 15
    os.close(here)
    shutil.rmtree(pair.mount / ("n" * 250))
    assert look(pair.mount) == look(pair.plain)


# What a session has of its own


def test_the_git_file_cannot_be_touched(mounted: Mounted) -> None:
    git, other = mounted.path / ".git", mounted.path / "other"
    other.touch()
    before = git.read_bytes()
    attempts: list[Callable[[], object]] = [
        git.unlink,
        lambda: git.write_bytes(b""),
        lambda: os.truncate(git, 0),
        lambda: os.close(os.open(git, os.O_RDONLY | os.O_TRUNC)),
        lambda: git.rename(mounted.path / "elsewhere"),
        lambda: other.rename(git),
        lambda: renameat2(str(other), str(git), EXCHANGE),
        lambda: os.link(git, mounted.path / "linked"),
        lambda: os.setxattr(git, "user.x", b"1"),
    ]
    for attempt in attempts:
        with pytest.raises(PermissionError):
            attempt()
    with pytest.raises(FileExistsError):
        git.mkdir()
    with opened(git) as fd:
        assert os.read(fd, 999) == before
    other.unlink()


def test_modes_owners_and_times_of_everything_are_changed_at_once(fresh: Mounted) -> None:
    git = fresh.path / ".git"
    before = git.read_bytes()
    assert stat.S_IMODE(git.stat().st_mode) == 0o644
    commands = "chmod -R go-rwx . && chown -hR $(id -u):$(id -g) . && find . -exec touch -hd @1000 {} +"
    subprocess.run(["sh", "-euc", commands], cwd=fresh.path, check=True)
    status = git.stat()
    assert (stat.S_IMODE(status.st_mode), status.st_uid, status.st_mtime) == (0o600, os.getuid(), 1000)
    assert git.read_bytes() == before


@pytest.mark.parametrize(
    ("name", "blocks"), [("a/b/b", 16), ("c", 8), ("a", 8), (".git", 8), ("empty", 0), ("link", 0)]
)
def test_clean_files_take_as_much_space_as_on_a_disk(fresh: Mounted, name: str, blocks: int) -> None:
    assert (fresh.path / name).lstat().st_blocks == blocks


def test_a_git_directory_deeper_down_is_an_ordinary_one(pair: Pair) -> None:
    def script(top: Path) -> object:
        subprocess.run(["git", "init", "--quiet", top / "inner"], check=True)
        (top / "inner" / "file").write_text("x")
        subprocess.run(["git", "add", "."], cwd=top / "inner", check=True)
        listed = subprocess.run(["git", "ls-files"], cwd=top / "inner", capture_output=True, check=True).stdout
        shutil.rmtree(top / "inner")
        return listed

    pair.same(script)


def test_the_context_shows_within_a_second(mounted: Mounted) -> None:
    source, shown = mounted.context / "notes.md", mounted.path / "notes.md"
    assert not shown.exists()
    source.write_text("one")
    wait_until(shown.exists, what="a new context file")
    assert shown.read_text() == "one"
    source.write_text("two, longer")
    wait_until(lambda: shown.read_text() == "two, longer", what="a changed context file")
    source.unlink()
    wait_until(lambda: not shown.exists(), what="a deleted context file")
