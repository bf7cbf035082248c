"""Content of files through the kernel: what a plain directory gives, the mount gives."""

from __future__ import annotations

import ctypes
import errno
import fcntl
import mmap
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from tests.mount.conftest import Mounted, Pair

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


def test_exclusive_creation_and_truncation(mounted: Mounted) -> None:
    path = mounted.path / "clean" / "00"
    with pytest.raises(FileExistsError):
        os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY)
    os.close(os.open(path, os.O_WRONLY | os.O_TRUNC))
    assert path.read_bytes() == b""
    path.write_bytes(b"again")
    assert path.read_bytes() == b"again"


def test_appending_goes_to_the_end_whoever_writes(mounted: Mounted) -> None:
    path = mounted.path / "clean" / "01"
    with open(path, "ab", buffering=0) as one, open(path, "ab", buffering=0) as other:
        one.write(b"A")
        other.write(b"B")
        one.write(b"C")
    assert path.read_bytes() == b"clean 1\nABC"


@pytest.mark.parametrize("size", [0, 3, 8, 5000])
def test_truncation_of_a_clean_file(fresh: Mounted, size: int) -> None:
    path = fresh.path / "clean" / "02"
    before = path.stat().st_mtime_ns
    os.truncate(path, size)
    assert path.read_bytes() == (b"clean 2\n" + b"\0" * size)[:size]
    assert path.stat().st_size == size
    assert path.stat().st_mtime_ns > before or size == 8


def test_a_hole_reads_as_zeros(pair: Pair) -> None:
    for top in pair.both:
        with open(top / "sparse", "wb") as file:
            file.seek(1 << 20)
            file.write(b"end")
    assert (pair.mount / "sparse").read_bytes() == (pair.plain / "sparse").read_bytes()


def test_a_deleted_file_lives_while_it_is_open(mounted: Mounted) -> None:
    path = mounted.path / "clean" / "03"
    with open(path, "r+b", buffering=0) as file:
        path.unlink()
        assert file.read() == b"clean 3\n"
        file.write(b"more")
        file.seek(0)
        assert file.read() == b"clean 3\nmore"
        assert os.fstat(file.fileno()).st_nlink == 0
        os.fchmod(file.fileno(), 0o600)
        assert stat.S_IMODE(os.fstat(file.fileno()).st_mode) == 0o600
        assert not path.exists()
    assert "03" not in os.listdir(path.parent)


def test_a_replaced_file_lives_while_it_is_open(mounted: Mounted) -> None:
    path = mounted.path / "clean" / "04"
    with open(path, "rb") as file:
        (mounted.path / "clean" / "new").write_bytes(b"new")
        os.rename(mounted.path / "clean" / "new", path)
        assert file.read() == b"clean 4\n"
    assert path.read_bytes() == b"new"


def test_mapped_memory_reaches_the_file(mounted: Mounted) -> None:
    path = mounted.path / "clean" / "05"
    with open(path, "r+b") as file, mmap.mmap(file.fileno(), 0) as memory:
        memory[0:5] = b"CLEAN"
        memory.flush()
    assert path.read_bytes() == b"CLEAN 5\n"
    with open(path, "rb") as again, mmap.mmap(again.fileno(), 0, access=mmap.ACCESS_READ) as memory:
        assert bytes(memory) == b"CLEAN 5\n"


def test_times_in_nanoseconds(pair: Pair) -> None:
    (pair.mount / "file").write_bytes(b"")
    os.utime(pair.mount / "file", ns=(1_000_000_007, 2_000_000_000_000_000_009))
    status = (pair.mount / "file").stat()
    assert (status.st_atime_ns, status.st_mtime_ns) == (1_000_000_007, 2_000_000_000_000_000_009)


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


@pytest.mark.parametrize("name", ["README", "src", "fresh file"])
def test_extended_attributes(mounted: Mounted, name: str) -> None:
    path = mounted.path / name
    if name == "fresh file":
        path.touch()
    os.setxattr(path, "user.one", b"1")
    with pytest.raises(FileExistsError):
        os.setxattr(path, "user.one", b"2", os.XATTR_CREATE)
    with pytest.raises(OSError, match="No data"):
        os.setxattr(path, "user.two", b"2", os.XATTR_REPLACE)
    assert os.listxattr(path) == ["user.one"]
    assert os.getxattr(path, "user.one") == b"1"
    os.removexattr(path, "user.one")
    assert os.listxattr(path) == []


def test_another_library_s_xattrs_work_too(mounted: Mounted) -> None:
    from xattr import XATTR_NOFOLLOW, xattr

    path = mounted.path / "a" / "a"
    attributes = xattr(str(path), XATTR_NOFOLLOW)
    attributes["user.tool"] = b"value\0with a zero"
    assert dict(attributes) == {"user.tool": b"value\0with a zero"}
    assert os.getxattr(path, "user.tool") == b"value\0with a zero"
    del attributes["user.tool"]
    assert list(attributes) == []


def test_the_layers_own_attributes_are_hidden(mounted: Mounted) -> None:
    path = mounted.path / "clean" / "08"
    path.write_bytes(b"changed")
    assert os.listxattr(path) == []
    with pytest.raises(OSError, match="No data"):
        os.getxattr(path, "user.vibe.ino")
    with pytest.raises(PermissionError):
        os.setxattr(path, "user.overlay.opaque", b"y")


def test_making_durable(mounted: Mounted) -> None:
    for name, flags in (("clean/09", os.O_RDWR), ("clean", os.O_DIRECTORY), ("README", os.O_RDONLY)):
        fd = os.open(mounted.path / name, flags)
        os.fsync(fd)
        os.fdatasync(fd)
        os.close(fd)


def test_room_is_that_of_the_store(mounted: Mounted, top: Path) -> None:
    served, store = os.statvfs(mounted.path), os.statvfs(top)
    assert (served.f_blocks, served.f_frsize, served.f_namemax) == (store.f_blocks, store.f_frsize, 255)


def test_a_program_runs_from_the_mount(mounted: Mounted) -> None:
    assert subprocess.run([mounted.path / "run.sh"], capture_output=True, check=True).stdout == b"ran\n"
    copy = mounted.path / "program"
    copy.write_bytes(Path(os.path.realpath(sys.executable)).read_bytes())
    copy.chmod(0o755)
    assert subprocess.run([copy, "-S", "-c", "print(6*7)"], capture_output=True, check=True).stdout == b"42\n"


def test_locks_exclude_each_other(mounted: Mounted) -> None:
    path = mounted.path / "locked"
    with open(path, "wb") as one, open(path, "wb") as other:
        fcntl.flock(one, fcntl.LOCK_EX | fcntl.LOCK_NB)
        with pytest.raises(BlockingIOError):
            fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
        fcntl.flock(one, fcntl.LOCK_UN)
        fcntl.lockf(one, fcntl.LOCK_EX | fcntl.LOCK_NB)
        script = f"import fcntl; fcntl.lockf(open({str(path)!r}, 'r+b'), fcntl.LOCK_EX | fcntl.LOCK_NB)"
        tried = subprocess.run([sys.executable, "-c", script], capture_output=True, check=False)
        assert b"BlockingIOError" in tried.stderr


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


def test_reserving_room_and_copying_ranges(pair: Pair) -> None:
    for top in pair.both:
        with open(top / "file", "w+b") as file:
            os.posix_fallocate(file.fileno(), 0, 10_000)
        (top / "source").write_bytes(b"x" * 9000)
        with open(top / "source", "rb") as source, open(top / "copy", "wb") as copy:
            assert os.copy_file_range(source.fileno(), copy.fileno(), 9000) == 9000
    for name in ("file", "copy"):
        assert (pair.mount / name).read_bytes() == (pair.plain / name).read_bytes()


def test_access_follows_the_mode(mounted: Mounted) -> None:
    path = mounted.path / "clean" / "10"
    path.chmod(0o640)
    libc = ctypes.CDLL(None, use_errno=True)
    assert libc.access(os.fsencode(path), os.X_OK) == -1
    assert ctypes.get_errno() == errno.EACCES
    path.chmod(0o750)
    assert libc.access(os.fsencode(path), os.X_OK) == 0
