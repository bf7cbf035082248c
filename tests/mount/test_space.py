"""Sizes, holes and room: truncation, reserving, limits, full disks and quotas."""

# mypy: disable-error-code="func-returns-value"

from __future__ import annotations

import os
import resource
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.mount.conftest import Mounted
from tests.support.beside import Pair, Script, look, opened, outcome
from tests.support.children import in_child
from tests.support.gitrepo import GitRepo
from tests.support.machines import mounted_disk
from tests.support.runner import Vibe
from tests.support.syscalls import COLLAPSE_RANGE, KEEP_SIZE, PUNCH_HOLE, ZERO_RANGE, fallocate

pytestmark = pytest.mark.fuse

MEGABYTE = 1 << 20

SIZES: dict[str, Script] = {
    "to nothing": lambda top: os.truncate(top / "file", 0),
    "to less": lambda top: os.truncate(top / "file", 3),
    "to the same size": lambda top: os.truncate(top / "file", 11),
    "to more": lambda top: os.truncate(top / "file", 5000),
    "to a negative size": lambda top: os.truncate(top / "file", -1),
    "to more than there can be": lambda top: os.truncate(top / "file", (1 << 63) - 1),
    "of a directory": lambda top: os.truncate(top / "full", 0),
    "through a link": lambda top: os.truncate(top / "link", 3),
    "of nothing": lambda top: os.truncate(top / "none", 3),
    "of a fifo": lambda top: (os.mkfifo(top / "fifo"), os.truncate(top / "fifo", 0)),
    "read-only": lambda top: by_handle(top, os.O_RDONLY, 3),
    "by handle": lambda top: by_handle(top, os.O_RDWR, 3),
    "by handle, longer": lambda top: by_handle(top, os.O_WRONLY, 5000),
}


def by_handle(top: Path, flags: int, size: int) -> object:
    """Truncate an open file."""
    with opened(top / "file", flags) as fd:
        os.lseek(fd, 7, os.SEEK_SET)
        os.ftruncate(fd, size)
        return os.fstat(fd).st_size, os.lseek(fd, 0, os.SEEK_CUR)


@pytest.mark.parametrize("name", SIZES)
def test_truncation(everywhere: Pair, name: str) -> None:
    everywhere.same(SIZES[name])


def make_sparse(top: Path) -> None:
    """A file with data, a hole, data and a hole at its end."""
    with opened(top / "sparse", os.O_RDWR | os.O_CREAT) as fd:
        os.pwrite(fd, b"begin", 0)
        os.pwrite(fd, b"end", MEGABYTE)
        os.ftruncate(fd, 3 * MEGABYTE)


def test_holes_read_as_zeros_and_take_no_room(everywhere: Pair) -> None:
    def script(top: Path) -> object:
        make_sparse(top)
        os.truncate(top / "file", MEGABYTE)
        sizes = [os.stat(top / name) for name in ("sparse", "file")]
        return [(status.st_size, status.st_blocks * 512 < MEGABYTE) for status in sizes]

    everywhere.same(script)


def test_writing_far_beyond_the_end(everywhere: Pair) -> None:
    def script(top: Path) -> object:
        with opened(top / "file", os.O_RDWR) as fd:
            os.pwrite(fd, b"far", 1 << 40)
            seen = os.fstat(fd).st_size, os.pread(fd, 5, (1 << 40) - 2), os.pread(fd, 5, 1 << 41)
            os.ftruncate(fd, 5)
            return seen, outcome(lambda _: os.pwrite(fd, b"x", (1 << 63) - 2), top)

    everywhere.same(script)


@pytest.mark.parametrize("whence", [os.SEEK_DATA, os.SEEK_HOLE])
@pytest.mark.parametrize("offset", [0, 5, MEGABYTE // 2, MEGABYTE, 3 * MEGABYTE - 1, 3 * MEGABYTE, 4 * MEGABYTE])
def test_looking_for_holes(everywhere: Pair, offset: int, whence: int) -> None:
    def script(top: Path) -> object:
        make_sparse(top)
        with opened(top / "sparse") as fd, opened(top / "file") as whole:
            found = outcome(lambda _: (os.lseek(fd, offset, whence), os.lseek(fd, 0, os.SEEK_CUR)), top)
            return found, outcome(lambda _: os.lseek(whole, offset, whence), top)

    everywhere.same(script)


MODES = {
    "reserve": 0,
    "reserve, keeping the size": KEEP_SIZE,
    "punch": KEEP_SIZE | PUNCH_HOLE,
    "zero": ZERO_RANGE,
    "zero, keeping the size": ZERO_RANGE | KEEP_SIZE,
    "punch, changing the size": PUNCH_HOLE,
    "nonsense": 1 << 20,
}


@pytest.mark.parametrize("name", MODES)
def test_fallocate(everywhere: Pair, name: str) -> None:
    def script(top: Path) -> object:
        (top / "other").write_bytes(b"o" * 20_000)
        seen = []
        for path, offset, length in (("file", 0, 4096), ("file", 5, 100_000), ("other", 4096, 8192), ("other", 0, 0)):
            with opened(top / path, os.O_RDWR) as fd:
                seen.append(outcome(lambda _: fallocate(fd, MODES[name], offset, length), top))  # noqa: B023
                seen.append(os.fstat(fd).st_size)
        with opened(top / "file") as fd:
            seen.append(outcome(lambda _: fallocate(fd, MODES[name], 0, 10), top))
        return seen

    everywhere.same(script)


def test_collapsing_is_not_offered(everywhere: Pair) -> None:
    """The kernel's FUSE knows reserving, punching and zeroing only."""
    with opened(everywhere.mount / "file", os.O_RDWR) as fd:
        assert outcome(lambda _: fallocate(fd, COLLAPSE_RANGE, 0, 4096), everywhere.mount) == "ENOTSUP"


def test_a_punched_hole_gives_room_back(everywhere: Pair) -> None:
    def script(top: Path) -> object:
        (top / "file").write_bytes(b"x" * MEGABYTE)
        with opened(top / "file", os.O_RDWR) as fd:
            os.fsync(fd)
            before = os.fstat(fd).st_blocks
            fallocate(fd, KEEP_SIZE | PUNCH_HOLE, 0, MEGABYTE // 2)
            return before - os.fstat(fd).st_blocks, os.lseek(fd, 0, os.SEEK_DATA)

    everywhere.same(script)


def test_the_library_reserves_by_writing(everywhere: Pair) -> None:
    def script(top: Path) -> object:
        with opened(top / "file", os.O_RDWR) as fd:
            os.posix_fallocate(fd, 5, 100_000)
            os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_SEQUENTIAL)
            return os.fstat(fd).st_size, os.fstat(fd).st_blocks * 512 >= 100_000

    everywhere.same(script)


def test_a_process_may_be_limited(pair: Pair) -> None:
    def limited(top: Path) -> object:
        resource.setrlimit(resource.RLIMIT_FSIZE, (6000, 6000))
        with opened(top / "file", os.O_RDWR | os.O_CREAT) as fd:
            actions: list[Script] = [
                lambda _: os.write(fd, b"x" * 5000),
                lambda _: os.write(fd, b"x" * 5000),
                lambda _: os.write(fd, b"x"),
                lambda _: os.ftruncate(fd, 7000),
            ]
            return [outcome(action, top) for action in actions]

    assert pair.same(lambda top: in_child(lambda: limited(top))) == [5000, 1000, "EFBIG", "EFBIG"]


def test_room_is_that_of_the_store(mounted: Mounted, top: Path) -> None:
    served, store = os.statvfs(mounted.path / "src"), os.statvfs(top)
    assert (served.f_bsize, served.f_frsize, served.f_blocks, served.f_files, served.f_namemax) == (
        store.f_bsize, store.f_frsize, store.f_blocks, store.f_files, 255,
    )  # fmt: skip
    assert abs(served.f_bavail - store.f_bavail) * store.f_frsize < 1 << 30
    with opened(mounted.path / "README") as fd:
        assert os.fstatvfs(fd).f_blocks == store.f_blocks


# Full disks

NEEDING_ROOM: dict[str, Script] = {
    "create": lambda top: (top / "new").touch(),
    "mkdir": lambda top: (top / "new").mkdir(),
    "symlink": lambda top: (top / "new").symlink_to("x"),
    "mkfifo": lambda top: os.mkfifo(top / "new"),
    "write": lambda top: (top / "clean").write_bytes(b"x" * MEGABYTE),
    "chmod": lambda top: (top / "clean").chmod(0o600),
    "rename": lambda top: (top / "clean").rename(top / "new"),
    "link": lambda top: os.link(top / "clean", top / "new"),
    "unlink": lambda top: (top / "clean").unlink(),
    "rename of a directory": lambda top: (top / "folder").rename(top / "new"),
}


@pytest.fixture
def full(tmp_path: Path) -> Iterator[Path]:
    """A session on a disk without a free inode or byte; natively only new files would need any."""
    with mounted_disk(tmp_path / "disk", "tmpfs", "size=24m,nr_inodes=2k") as disk:
        repo = GitRepo.create(disk / "repo")
        repo.commit({"clean": "clean\n", "folder/file": "clean too\n"})
        top = Path(Vibe(repo.path)("spawn", "alpha"))
        number = 0
        while outcome(lambda _: (disk / f"filler-{number}").touch(), disk) is None:  # noqa: B023
            number += 1
        yield top


def test_a_full_disk_is_passed_on(full: Path) -> None:
    before = look(full)
    for name, script in NEEDING_ROOM.items():
        assert (name, outcome(script, full)) == (name, "ENOSPC")
        assert look(full) == before
    for number in range(20):
        (full.parents[1] / f"filler-{number}").unlink()
    (full / "clean").write_bytes(b"fits")
    assert (full / "clean").read_bytes() == b"fits"


QUOTA_POINTS: dict[str, Script] = {
    "write.opened": lambda top: (top / "dirty").write_bytes(b"x" * MEGABYTE),
    "copyup.content": lambda top: (top / "clean").chmod(0o600),
    "directory.staged": lambda top: (top / "folder" / "new").touch(),
    "place.staged": lambda top: (top / "deleted").touch(),
    "rename.brought": lambda top: (top / "dirty").rename(top / "new"),
}


@pytest.mark.parametrize("point", QUOTA_POINTS)
def test_a_quota_is_passed_on(repo: GitRepo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, point: str) -> None:
    """Few kernels have quotas, so the layer's file system is made to say it."""
    (tmp_path / "faults").mkdir()
    monkeypatch.setenv("GIT_VIBE_FAULT", str(tmp_path / "faults"))
    repo.commit({"clean": "clean\n", "folder/file": "clean too\n", "deleted": "x"})
    top = Path(Vibe(repo.path)("spawn", "alpha"))
    (top / "dirty").touch()
    (top / "deleted").unlink()
    before = look(top)
    (tmp_path / "faults" / point).write_text("EDQUOT")
    assert outcome(QUOTA_POINTS[point], top) == "EDQUOT"
    assert look(top) == before
    assert outcome(QUOTA_POINTS[point], top) != "EDQUOT"
    Vibe(repo.path).run("daemon", "stop", "--all")
