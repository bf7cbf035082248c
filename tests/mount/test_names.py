"""Names and directories through the kernel: what a plain directory gives, the mount gives."""

from __future__ import annotations

import ctypes
import errno
import os
import socket
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.mount.conftest import Mounted, Pair
from tests.support.operations import EXCHANGE, NOREPLACE, renameat2, see
from tests.support.waiting import wait_until

pytestmark = pytest.mark.fuse

KINDS = ("nothing", "file", "empty", "full", "link", "fifo")
MANY = 5000


def make(path: Path, kind: str) -> None:
    """Put something of a kind at a path."""
    makers: dict[str, Callable[[], object]] = {
        "nothing": lambda: None,
        "file": lambda: path.write_text(path.name),
        "empty": path.mkdir,
        "full": lambda: make_full(path),
        "link": lambda: path.symlink_to("nowhere"),
        "fifo": lambda: os.mkfifo(path),
    }
    makers[kind]()


def make_full(path: Path) -> None:
    """A directory with something in it."""
    (path / "inner").mkdir(parents=True)
    (path / "inner" / "file").write_text(path.name)


@pytest.mark.parametrize("flags", [0, NOREPLACE, EXCHANGE])
@pytest.mark.parametrize("target", KINDS)
@pytest.mark.parametrize("source", KINDS)
def test_rename(pair: Pair, source: str, target: str, flags: int) -> None:
    outcomes: list[int | None] = []
    for top in pair.both:
        make(top / "source", source)
        make(top / "target", target)
        try:
            renameat2(str(top / "source"), str(top / "target"), flags)
            outcomes.append(0)
        except OSError as error:
            outcomes.append(error.errno)
    assert outcomes[1] == outcomes[0]
    assert see(str(pair.mount)) == see(str(pair.plain))


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


def test_rename_into_itself(mounted: Mounted) -> None:
    with pytest.raises(OSError, match="Invalid argument"):
        (mounted.path / "src").rename(mounted.path / "src" / "deep" / "src")


def test_hard_links(mounted: Mounted) -> None:
    one, other = mounted.path / "clean" / "11", mounted.path / "src" / "linked"
    os.link(one, other)
    other.write_bytes(b"shared")
    assert one.read_bytes() == b"shared"
    assert one.stat() == other.stat()
    assert one.stat().st_nlink == 2
    one.unlink()
    assert (other.read_bytes(), other.stat().st_nlink) == (b"shared", 1)


def test_symbolic_links(mounted: Mounted) -> None:
    assert os.readlink(mounted.path / "link") == "README"
    assert (mounted.path / "link").read_text() == "hello\n"
    target = "x" * 4000
    os.symlink(target, mounted.path / "long")
    assert os.readlink(mounted.path / "long") == target
    assert os.lstat(mounted.path / "long").st_size == 4000


def test_a_fifo_passes_bytes(pair: Pair) -> None:
    os.mkfifo(pair.mount / "fifo")
    reader = os.open(pair.mount / "fifo", os.O_RDONLY | os.O_NONBLOCK)
    writer = os.open(pair.mount / "fifo", os.O_WRONLY)
    os.write(writer, b"through")
    assert os.read(reader, 100) == b"through"
    os.close(writer)
    os.close(reader)


def test_a_socket_accepts(pair: Pair) -> None:
    path = str(pair.mount / "socket")
    with socket.socket(socket.AF_UNIX) as server, socket.socket(socket.AF_UNIX) as client:
        server.bind(path)
        server.listen()
        client.connect(path)
        client.sendall(b"hello")
        connection, _ = server.accept()
        assert connection.recv(10) == b"hello"
        connection.close()
    assert stat.S_ISSOCK(os.lstat(path).st_mode)


@pytest.mark.parametrize("name", [b"\xff\xfe not utf-8", b"\n", b"-rf *", "日本語".encode(), b"x" * 255, b" ", b"a\\b"])
def test_unusual_names(pair: Pair, name: bytes) -> None:
    path = os.path.join(os.fsencode(pair.mount), name)
    with open(path, "wb") as file:
        file.write(name)
    assert os.listdir(os.fsencode(pair.mount)) == [name]
    os.rename(path, path[:-1] + b"2")
    with open(path[:-1] + b"2", "rb") as file:
        assert file.read() == name


def test_names_that_are_too_long(pair: Pair) -> None:
    long = pair.mount / ("x" * 256)
    (pair.mount / "file").touch()
    attempts: list[Callable[[], object]] = [
        long.touch,
        long.mkdir,
        long.stat,
        lambda: (pair.mount / "file").rename(long),
    ]
    for attempt in attempts:
        with pytest.raises(OSError, match="File name too long") as caught:
            attempt()
        assert caught.value.errno == errno.ENAMETOOLONG


def test_a_listing_has_the_dots(pair: Pair) -> None:
    (pair.mount / "file").touch()
    listing = subprocess.run(["ls", "-fa", pair.mount], capture_output=True, check=True).stdout.split()
    assert sorted(listing) == [b".", b"..", b"file"]


def test_a_large_directory_while_it_changes(pair: Pair) -> None:
    for number in range(MANY):
        (pair.mount / f"{number:05d}").touch()
    kept = {f"{number:05d}" for number in range(0, MANY, 2)}
    seen = []
    with os.scandir(pair.mount) as entries:
        for count, entry in enumerate(entries):
            seen.append(entry.name)
            if count == 10:
                for number in range(1, MANY, 2):
                    (pair.mount / f"{number:05d}").unlink()
                (pair.mount / "new").touch()
    assert len(seen) == len(set(seen))
    assert kept <= set(seen)
    assert set(os.listdir(pair.mount)) == kept | {"new"}
    assert [number for number in range(1, MANY, 2) if os.path.lexists(pair.mount / f"{number:05d}")] == []


def test_seeking_in_a_listing(pair: Pair) -> None:
    for number in range(500):
        (pair.mount / f"{number:03d}").touch()
    libc = ctypes.CDLL(None, use_errno=True)
    libc.opendir.restype = libc.readdir.restype = ctypes.c_void_p
    libc.telldir.restype = ctypes.c_long
    stream = ctypes.c_void_p(libc.opendir(os.fsencode(pair.mount)))
    names = []
    places = []
    while True:
        places.append(libc.telldir(stream))
        entry = libc.readdir(stream)
        if not entry:
            break
        names.append(ctypes.string_at(entry + 19))
    for index in (400, 3, 250, 0):
        libc.seekdir(stream, ctypes.c_long(places[index]))
        assert ctypes.string_at(libc.readdir(stream) + 19) == names[index]
    libc.closedir(stream)
    assert len(set(names)) == 502


def test_removing_a_tree(fresh: Mounted) -> None:
    subprocess.run(["rm", "-r", fresh.path / "clean", fresh.path / "src"], check=True)
    assert not {"clean", "src"} & set(os.listdir(fresh.path))
    (fresh.path / "clean").mkdir()
    assert os.listdir(fresh.path / "clean") == []


@pytest.mark.parametrize("name", ["clean", "made"])
def test_a_deleted_working_directory(fresh: Mounted, name: str) -> None:
    script = f"""
    mkdir -p made && cd {name} && rm -rf "$OLDPWD/{name}" || exit 10
    ls -A . && touch file 2>/dev/null && exit 11
    mkdir "$OLDPWD/{name}" && touch file 2>/dev/null && exit 12
    test -z "$(ls -A "$OLDPWD/{name}")" && ls -d . .. >/dev/null
    """
    done = subprocess.run(["sh", "-c", script], cwd=fresh.path, capture_output=True, check=False)
    assert (done.returncode, done.stdout) == (0, b"")


def test_the_git_file_cannot_be_touched(mounted: Mounted) -> None:
    git, other = mounted.path / ".git", mounted.path / "other"
    other.touch()
    before = git.read_bytes()
    attempts: list[Callable[[], object]] = [
        git.unlink,
        lambda: git.write_bytes(b""),
        lambda: os.truncate(git, 0),
        lambda: git.rename(mounted.path / "elsewhere"),
        lambda: other.rename(git),
        lambda: renameat2(str(other), str(git), EXCHANGE),
        lambda: os.link(git, mounted.path / "linked"),
        lambda: git.chmod(0o666),
        lambda: os.utime(git, ns=(1, 1)),
        lambda: os.setxattr(git, "user.x", b"1"),
    ]
    for attempt in attempts:
        with pytest.raises(PermissionError):
            attempt()
    with pytest.raises(FileExistsError):
        git.mkdir()
    assert git.read_bytes() == before
    other.unlink()


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


def test_nobody_may_make_a_whiteout(mounted: Mounted) -> None:
    with pytest.raises(PermissionError):
        os.mknod(mounted.path / "hole", stat.S_IFCHR | 0o600, os.makedev(0, 0))
