"""Locks between processes."""

from __future__ import annotations

import fcntl
import os
import struct
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.beside import Pair, opened
from tests.support.children import in_child

pytestmark = pytest.mark.fuse

OFD_GETLK, OFD_SETLK = 36, 37
Lock = Callable[[int], object]
"""Takes a lock on an open file, or raises where somebody else has it."""


def record(command: int, kind: int, start: int, length: int) -> Lock:
    """A lock of fcntl(2) on a part of a file."""
    return lambda fd: fcntl.fcntl(fd, command, struct.pack("hhqqixxxx", kind, os.SEEK_SET, start, length, 0))


LOCKS: dict[str, Lock] = {
    "flock": lambda fd: fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB),
    "shared flock": lambda fd: fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB),
    "record": record(fcntl.F_SETLK, fcntl.F_WRLCK, 0, 10),
    "shared record": record(fcntl.F_SETLK, fcntl.F_RDLCK, 0, 10),
    "another record": record(fcntl.F_SETLK, fcntl.F_WRLCK, 10, 10),
    "open file": record(OFD_SETLK, fcntl.F_WRLCK, 0, 10),
    "shared open file": record(OFD_SETLK, fcntl.F_RDLCK, 5, 0),
}


def tried(path: Path, lock: Lock) -> str:
    """Whether another process gets the lock, by a handle of its own."""

    def attempt() -> str:
        with opened(path, os.O_RDWR) as fd:
            try:
                lock(fd)
            except BlockingIOError:
                return "refused"
            return "granted"

    return str(in_child(attempt))


@pytest.mark.parametrize("held", LOCKS)
def test_who_else_gets_a_lock(everywhere: Pair, held: str) -> None:
    def script(top: Path) -> object:
        with opened(top / "file", os.O_RDWR) as fd:
            LOCKS[held](fd)
            meanwhile = {name: tried(top / "file", lock) for name, lock in LOCKS.items()}
        return meanwhile, {name: tried(top / "file", lock) for name, lock in LOCKS.items()}

    everywhere.same(script)


def test_closing_any_handle_drops_records_but_not_open_file_locks(pair: Pair) -> None:
    def script(top: Path) -> object:
        (top / "file").touch()
        seen = []
        for name in ("record", "open file", "flock"):
            with opened(top / "file", os.O_RDWR) as fd:
                LOCKS[name](fd)
                with opened(top / "file"):
                    pass
                seen.append(tried(top / "file", LOCKS[name]))
        return seen

    assert pair.same(script) == ["granted", "refused", "refused"]


def test_a_child_has_the_handle_s_locks_but_not_the_process_s(pair: Pair) -> None:
    def script(top: Path) -> object:
        with opened(top / "file", os.O_RDWR | os.O_CREAT) as fd:
            LOCKS["flock"](fd)
            LOCKS["open file"](fd)
            in_child(lambda: LOCKS["flock"](fd))
            in_child(lambda: LOCKS["open file"](fd))
            return tried(top / "file", LOCKS["flock"])

    assert pair.same(script) == "refused"


def test_who_holds_it(pair: Pair) -> None:
    def script(top: Path) -> object:
        with opened(top / "file", os.O_RDWR | os.O_CREAT) as fd:
            LOCKS["record"](fd)
            asked = struct.pack("hhqqixxxx", fcntl.F_WRLCK, os.SEEK_SET, 5, 1, 0)
            answer = in_child(lambda: fcntl.fcntl(fd, fcntl.F_GETLK, asked))
            assert isinstance(answer, bytes)
            kind, _, start, length, pid = struct.unpack("hhqqixxxx", answer)
            return kind, start, length, pid == os.getpid()

    pair.same(script)


def test_a_lock_survives_copy_up_rename_and_removal(everywhere: Pair) -> None:
    def script(top: Path) -> object:
        with opened(top / "file", os.O_RDWR) as fd:
            LOCKS["flock"](fd)
            os.write(fd, b"changed")
            os.rename(top / "file", top / "moved")
            held = tried(top / "moved", LOCKS["flock"])
            (top / "moved").unlink()
            (top / "moved").touch()
            return held, tried(top / "moved", LOCKS["flock"])

    assert everywhere.same(script) == ("refused", "granted")


def test_waiting_for_a_lock(pair: Pair) -> None:
    path = pair.mount / "file"
    reading, writing = os.pipe()
    with opened(path, os.O_RDWR | os.O_CREAT) as fd:
        LOCKS["flock"](fd)
        pid = os.fork()
        if pid == 0:
            with opened(path, os.O_RDWR) as own:
                os.write(writing, b"waits ")
                fcntl.flock(own, fcntl.LOCK_EX)
                os.write(writing, b"has it")
            os._exit(0)
        assert os.read(reading, 99) == b"waits "
        fcntl.flock(fd, fcntl.LOCK_UN)
        assert os.read(reading, 99) == b"has it"
        os.waitpid(pid, 0)
    os.close(reading)
    os.close(writing)


def test_a_lease_is_refused_or_given_as_natively(pair: Pair) -> None:
    def script(top: Path) -> object:
        (top / "file").touch()
        with opened(top / "file") as fd:
            fcntl.fcntl(fd, fcntl.F_SETLEASE, fcntl.F_RDLCK)
            return fcntl.fcntl(fd, fcntl.F_GETLEASE)

    pair.same(script)
