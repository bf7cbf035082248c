"""Content of files through the kernel: what a plain directory gives, the mount gives."""

from __future__ import annotations

import ctypes
import errno
import os
import stat

import pytest

from tests.mount.conftest import Mounted
from tests.support.beside import Pair

pytestmark = pytest.mark.fuse


@pytest.mark.parametrize("umask", [0o022, 0o077, 0o000])
@pytest.mark.parametrize("mode", [0o666, 0o600, 0o444, 0o777])
def test_mode_of_a_new_file(pair: Pair, umask: int, mode: int) -> None:
    before = os.umask(umask)
    try:
        for top in pair.both:
            os.close(os.open(top / "file", os.O_CREAT | os.O_WRONLY, mode))
            (top / "folder").mkdir(mode)
    finally:
        os.umask(before)
    assert_same_status(pair, "file")
    assert_same_status(pair, "folder")


def assert_same_status(pair: Pair, name: str) -> None:
    plain, mount = (os.lstat(top / name) for top in pair.both)
    assert (mount.st_mode, mount.st_uid, mount.st_gid) == (plain.st_mode, plain.st_uid, plain.st_gid)
    assert stat.S_ISDIR(plain.st_mode) or (mount.st_size, mount.st_nlink) == (plain.st_size, plain.st_nlink)


@pytest.mark.parametrize("size", [0, 3, 8, 5000])
def test_truncation_of_a_clean_file(fresh: Mounted, size: int) -> None:
    path = fresh.path / "clean" / "02"
    before = path.stat().st_mtime_ns
    os.truncate(path, size)
    assert path.read_bytes() == (b"clean 2\n" + b"\0" * size)[:size]
    assert path.stat().st_size == size
    assert path.stat().st_mtime_ns > before or size == 8


def test_a_replaced_file_lives_while_it_is_open(mounted: Mounted) -> None:
    path = mounted.path / "clean" / "04"
    with open(path, "rb") as file:
        (mounted.path / "clean" / "new").write_bytes(b"new")
        os.rename(mounted.path / "clean" / "new", path)
        assert file.read() == b"clean 4\n"
    assert path.read_bytes() == b"new"


def test_times_of_a_clean_file_a_directory_and_a_link(mounted: Mounted) -> None:
    for name in ("clean/06", "src", "link"):
        os.utime(mounted.path / name, ns=(5, 7), follow_symlinks=False)
        assert os.lstat(mounted.path / name).st_mtime_ns == 7
    assert (mounted.path / "clean/06").read_bytes() == b"clean 6\n"


def test_copying_up_changes_no_times_but_those_that_must(fresh: Mounted) -> None:
    folder, path = fresh.path / "clean", fresh.path / "clean" / "07"
    before, number, times = folder.stat().st_mtime_ns, path.stat().st_ino, path.stat().st_mtime_ns
    path.chmod(0o600)
    assert (path.stat().st_ino, path.stat().st_mtime_ns) == (number, times)
    path.write_bytes(b"changed")
    assert path.stat().st_ino == number
    assert folder.stat().st_mtime_ns == before


def test_making_durable(mounted: Mounted) -> None:
    for name, flags in (("clean/09", os.O_RDWR), ("clean", os.O_DIRECTORY), ("README", os.O_RDONLY)):
        fd = os.open(mounted.path / name, flags)
        os.fsync(fd)
        os.fdatasync(fd)
        os.close(fd)


def test_an_sqlite_database_with_a_write_ahead_log(mounted: Mounted) -> None:
    import sqlite3

    path = mounted.path / "data.db"
    with sqlite3.connect(path) as database:
        assert database.execute("pragma journal_mode=wal").fetchone() == ("wal",)
        database.execute("create table numbers (n integer)")
        database.executemany("insert into numbers values (?)", [(n,) for n in range(1000)])
    database.close()
    again = sqlite3.connect(path)
    assert again.execute("select sum(n) from numbers").fetchone() == (499500,)
    again.close()


def test_access_follows_the_mode(mounted: Mounted) -> None:
    path = mounted.path / "clean" / "10"
    path.chmod(0o640)
    libc = ctypes.CDLL(None, use_errno=True)
    assert libc.access(os.fsencode(path), os.X_OK) == -1
    assert ctypes.get_errno() == errno.EACCES
    path.chmod(0o750)
    assert libc.access(os.fsencode(path), os.X_OK) == 0
