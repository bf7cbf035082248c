"""Ways to read and write besides read(2) and write(2)."""

from __future__ import annotations

import errno
import fcntl
import mmap
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.beside import Pair, Script, opened, outcome
from tests.support.children import in_child
from tests.support.syscalls import FICLONE, events, watching

pytestmark = pytest.mark.fuse

PAGE = mmap.PAGESIZE
READ, BOTH, NEW = os.O_RDONLY, os.O_RDWR, os.O_RDWR | os.O_CREAT


@contextmanager
def mapped(path: Path, flags: int = mmap.MAP_SHARED) -> Iterator[mmap.mmap]:
    """A file in memory, for reading and writing."""
    with opened(path, BOTH) as fd, mmap.mmap(fd, 0, flags) as memory:
        yield memory


# Memory


def test_shared_memory_reaches_the_file_and_other_processes(everywhere: Pair) -> None:
    def script(top: Path) -> object:
        with mapped(top / "file") as memory:
            memory[0:5] = b"OTHER"
            memory.flush()
            seen = (top / "file").read_bytes()
            in_child(lambda: memory.__setitem__(slice(5, 6), b"!"))
            with mapped(top / "file") as other:
                return seen, bytes(memory), bytes(other)

    everywhere.same(script)


def test_private_memory_stays_private(everywhere: Pair) -> None:
    def script(top: Path) -> object:
        with mapped(top / "file", mmap.MAP_PRIVATE) as memory:
            memory[0:5] = b"OTHER"
            return bytes(memory), (top / "file").read_bytes()

    everywhere.same(script)


def test_memory_shows_what_is_written(everywhere: Pair) -> None:
    def script(top: Path) -> object:
        with opened(top / "file", BOTH) as fd, mmap.mmap(fd, 0, access=mmap.ACCESS_READ) as memory:
            before = bytes(memory)
            os.pwrite(fd, b"OTHER", 0)
            return before, bytes(memory)

    everywhere.same(script)


def test_memory_outlives_handle_and_name(everywhere: Pair) -> None:
    def script(top: Path) -> object:
        with mapped(top / "file") as memory:
            (top / "file").unlink()
            memory[0:5] = b"OTHER"
            memory.flush()
            return bytes(memory)

    everywhere.same(script)


def test_memory_of_a_file_that_grows(pair: Pair) -> None:
    def script(top: Path) -> object:
        with opened(top / "file", NEW) as fd:
            os.ftruncate(fd, PAGE)
            with mmap.mmap(fd, PAGE) as memory:
                memory[0:1] = b"a"
                os.ftruncate(fd, 3 * PAGE)
                memory.resize(3 * PAGE)
                memory[-1:] = b"z"
        return (top / "file").read_bytes()

    pair.same(script)


def test_memory_of_an_empty_or_read_only_file(everywhere: Pair) -> None:
    def script(top: Path) -> object:
        with opened(top / "file") as fd:
            shared = outcome(lambda _: mmap.mmap(fd, 0, mmap.MAP_SHARED, mmap.PROT_WRITE), top)
            with mmap.mmap(fd, 0, mmap.MAP_PRIVATE, mmap.PROT_WRITE | mmap.PROT_READ) as memory:
                memory[0:1] = b"X"
                return shared, bytes(memory)

    everywhere.same(script)


# Copies inside the kernel


def copy_range(top: Path) -> object:
    """copy_file_range(2), also inside one file and beyond the end."""
    with opened(top / "file", BOTH) as source, opened(top / "copy", NEW) as target:
        actions: list[Script] = [
            lambda _: os.copy_file_range(source, target, 1000),
            lambda _: os.copy_file_range(source, target, 5, 2, 100),
            lambda _: os.copy_file_range(source, target, 5, 1 << 20, 0),
            lambda _: os.copy_file_range(source, source, 5, 0, 5),
            lambda _: os.copy_file_range(source, source, 5, 0, 2),
        ]
        return [outcome(action, top) for action in actions]


def send(top: Path) -> object:
    """sendfile(2) from and to the directory."""
    with opened(top / "file") as source, opened(top / "copy", NEW) as target:
        reading, writing = os.pipe()
        sent = [os.sendfile(writing, source, 0, 7), os.sendfile(target, source, None, 1000)]
        data = os.read(reading, 99)
        os.close(reading)
        os.close(writing)
        return sent, data


def splice(top: Path) -> object:
    """splice(2) through a pipe."""
    with opened(top / "file") as source, opened(top / "copy", NEW) as target:
        reading, writing = os.pipe()
        moved = [_splice(source, writing), _splice(reading, target)]
        os.close(reading)
        os.close(writing)
        return moved


def _splice(source: int, target: int) -> int:
    return os.splice(source, target, 5)


def vectors(top: Path) -> object:
    """readv(2), writev(2) and those with an offset."""
    with opened(top / "file", BOTH) as fd:
        one, other = bytearray(3), bytearray(99)
        done = [os.readv(fd, [one, other]), os.writev(fd, [b"ab", b"cd"]), os.pwritev(fd, [b"x", b"y"], 1)]
        return *done, os.preadv(fd, [one], 0), one, other


def large(top: Path) -> object:
    """More than one request of the kernel carries, at odd offsets."""
    data = bytes(range(251)) * 20_000
    with opened(top / "file", BOTH) as fd:
        written = os.pwrite(fd, data, 777)
        return written, os.pread(fd, 1 << 23, 0)[777:] == data, os.pread(fd, 1000, 1_000_001)


IO: dict[str, Script] = {f.__name__: f for f in (copy_range, send, splice, vectors, large)}


@pytest.mark.parametrize("name", IO)
def test_io(everywhere: Pair, name: str) -> None:
    everywhere.same(IO[name])


def test_no_clones(everywhere: Pair) -> None:
    """Whatever the layer's file system can: a file of the mount cannot share extents."""
    with opened(everywhere.mount / "file") as source, opened(everywhere.mount / "copy", NEW) as target:
        found = outcome(lambda _: fcntl.ioctl(target, FICLONE, source), everywhere.mount)
    assert found in ("ENOTSUP", "ENOTTY")


def test_ioctls_nobody_offers(everywhere: Pair) -> None:
    """As on most network file systems; `lsattr` and `chattr` say so."""
    for request in (0x8008_6601, 0x8010_6602):
        with opened(everywhere.mount / "file") as fd, pytest.raises(OSError) as caught:
            fcntl.ioctl(fd, request, bytes(64))
        assert caught.value.errno == errno.ENOTTY


def test_past_the_page_cache(everywhere: Pair) -> None:
    def script(top: Path) -> object:
        with opened(top / "direct", NEW | os.O_DIRECT) as fd, mmap.mmap(-1, 4 * PAGE) as memory:
            memory[:] = b"d" * 4 * PAGE
            written = os.pwrite(fd, memory, 0)
            memory[:] = bytes(4 * PAGE)
            got = os.preadv(fd, [memory], PAGE)
            again = (top / "direct").read_bytes()
            with opened(top / "file", READ | os.O_DIRECT) as clean:
                return written, got, bytes(memory[: 3 * PAGE]) == b"d" * 3 * PAGE, again, os.preadv(clean, [memory], 0)

    everywhere.same(script)


def test_direct_and_cached_writes_see_each_other(pair: Pair) -> None:
    def script(top: Path) -> object:
        with (
            opened(top / "file", NEW) as cached,
            opened(top / "file", BOTH | os.O_DIRECT) as direct,
            mmap.mmap(-1, PAGE) as memory,
        ):
            os.pwrite(cached, b"c" * 2 * PAGE, 0)
            os.preadv(direct, [memory], PAGE)
            seen = bytes(memory)
            memory[:] = b"d" * PAGE
            os.pwrite(direct, memory, 0)
            return seen, os.pread(cached, 3 * PAGE, 0)

    pair.same(script)


# Watching

ACCESS, MODIFY, ATTRIB, CLOSE_WRITE, MOVED, CREATE, DELETE = 0x1, 0x2, 0x4, 0x8, 0xC0, 0x100, 0x200
WATCHED = MODIFY | ATTRIB | CLOSE_WRITE | MOVED | CREATE | DELETE | 0xC00


def busy(top: Path) -> None:
    """Some of everything a watcher wants to know."""
    (top / "new").write_text("made")
    (top / "file").write_text("changed")
    (top / "file").chmod(0o600)
    (top / "new").rename(top / "full" / "moved")
    (top / "half" / "file").rename(top / "back")
    os.link(top / "other", top / "linked")
    (top / "other").unlink()
    (top / "made").mkdir()
    (top / "made").rmdir()
    (top / "link").unlink()
    os.truncate(top / "tool", 3)
    os.setxattr(top / "tool", "user.x", b"1")


def test_what_a_watcher_of_a_directory_is_told(everywhere: Pair) -> None:
    def script(top: Path) -> object:
        with watching(top, WATCHED) as fd:
            busy(top)
            return [event for event in events(fd) if event[0] != ATTRIB or event[1]]

    everywhere.same(script)


def test_what_a_watcher_of_a_file_is_told(everywhere: Pair) -> None:
    def script(top: Path) -> object:
        with watching(top / "file", WATCHED) as fd:
            (top / "file").write_text("changed")
            (top / "file").rename(top / "moved")
            (top / "moved").unlink()
            return events(fd)

    everywhere.same(script)


def test_a_watcher_hears_of_other_processes(everywhere: Pair) -> None:
    def script(top: Path) -> object:
        with watching(top, WATCHED) as fd:
            in_child(lambda: (top / "file").write_text("changed"))
            return events(fd)

    everywhere.same(script)
