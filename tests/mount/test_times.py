"""Times in nanoseconds, who changes them and who does not."""

# mypy: disable-error-code="func-returns-value"

from __future__ import annotations

import mmap
import os
import time
from pathlib import Path

import pytest

from tests.mount.conftest import rewrite
from tests.support.beside import Pair, Script, opened
from tests.support.syscalls import COARSE_CLOCK, UTIME_NOW, UTIME_OMIT, utimensat
from tests.support.waiting import wait_until

pytestmark = pytest.mark.fuse

GIVEN = {
    "nanoseconds": (1_000_000_000, 7),
    "before 1970": (-5, 999_999_999),
    "after 2038": (1 << 32, 1),
    "now": (0, UTIME_NOW),
    "omit": (0, UTIME_OMIT),
}
PATHS = ("file", "full", "link", "full/deep/file")


def set_times(path: Path, atime: tuple[int, int], mtime: tuple[int, int]) -> list[str]:
    """Set them and say what became of each: kept, set or now."""
    before = os.lstat(path)
    utimensat(path, atime, mtime)
    after = os.lstat(path)
    told = (("atime", atime), ("mtime", mtime))
    return [_became(getattr(before, f"st_{name}_ns"), getattr(after, f"st_{name}_ns"), time_) for name, time_ in told]


def _became(before: int, after: int, given: tuple[int, int]) -> str:
    if after == given[0] * 10**9 + given[1]:
        return "set"
    return "kept" if after == before else "now"


@pytest.mark.parametrize("mtime", ["nanoseconds", "before 1970", "after 2038", "now"])
@pytest.mark.parametrize("atime", ["nanoseconds", "now", "omit"])
def test_utimensat(everywhere: Pair, atime: str, mtime: str) -> None:
    everywhere.same(lambda top: [set_times(top / path, GIVEN[atime], GIVEN[mtime]) for path in PATHS])


def test_no_time_at_all(everywhere: Pair) -> None:
    everywhere.same(lambda top: [set_times(top / path, GIVEN["omit"], GIVEN["omit"]) for path in PATHS])


def test_the_access_time_alone(stock: Pair) -> None:
    """It is not worth the copy of a clean file, so it stays; everywhere else it is set."""
    assert set_times(stock.mount / "file", GIVEN["nanoseconds"], GIVEN["omit"]) == ["kept", "kept"]
    (stock.mount / "file").write_text("changed")
    assert set_times(stock.mount / "file", GIVEN["nanoseconds"], GIVEN["omit"]) == ["set", "kept"]
    assert set_times(stock.mount / "full", GIVEN["nanoseconds"], GIVEN["omit"]) == ["set", "kept"]


def write(path: Path, data: bytes) -> None:
    """Overwrite the beginning of a file."""
    with opened(path, os.O_WRONLY) as fd:
        os.write(fd, data)


def write_mapped(path: Path) -> None:
    """Change a file through memory and wait until it is there."""
    with opened(path, os.O_RDWR) as fd, mmap.mmap(fd, 0) as memory:
        memory[0:1] = b"M"
        memory.flush()


def cut_at_opening(path: Path) -> None:
    """Open with O_TRUNC."""
    with opened(path, os.O_WRONLY | os.O_TRUNC):
        pass


CHANGES: dict[str, Script] = {
    "nothing": lambda top: None,
    "read": lambda top: (top / "file").read_bytes(),
    "list": lambda top: os.listdir(top),
    "chmod": lambda top: os.chmod(top / "file", 0o600),
    "chown": lambda top: os.chown(top / "file", os.getuid(), 1),
    "utime": lambda top: os.utime(top / "file", ns=(5, 7)),
    "touch": lambda top: (top / "file").touch(),
    "setxattr": lambda top: os.setxattr(top / "file", "user.x", b"1"),
    "write": lambda top: write(top / "file", b"x"),
    "write nothing": lambda top: write(top / "file", b""),
    "write through memory": lambda top: write_mapped(top / "file"),
    "truncate": lambda top: os.truncate(top / "file", 3),
    "truncate to the same size": lambda top: os.truncate(top / "file", (top / "file").stat().st_size),
    "lengthen": lambda top: os.truncate(top / "file", 5000),
    "cut at opening": lambda top: cut_at_opening(top / "file"),
    "open for writing only": lambda top: write(top / "file", b""),
    "link": lambda top: os.link(top / "file", top / "name"),
    "link elsewhere": lambda top: os.link(top / "file", top / "full" / "name"),
    "remove a name": lambda top: (os.link(top / "file", top / "full" / "name"), os.unlink(top / "full" / "name")),
    "rename": lambda top: (os.rename(top / "file", top / "x"), os.rename(top / "x", top / "file")),
    "rename over": lambda top: os.rename(top / "other", top / "file"),
    "move away": lambda top: os.rename(top / "other", top / "full" / "new"),
    "move a directory": lambda top: os.rename(top / "half", top / "full" / "new"),
    "create": lambda top: (top / "new").touch(),
    "create inside": lambda top: (top / "full" / "new").touch(),
    "mkdir inside": lambda top: (top / "full" / "new").mkdir(),
    "remove inside": lambda top: (top / "full" / "file").unlink(),
    "write inside": lambda top: write(top / "full" / "file", b"x"),
    "chmod inside": lambda top: os.chmod(top / "full" / "file", 0o600),
    "symlink": lambda top: (top / "new").symlink_to("x"),
    "chmod of a directory": lambda top: os.chmod(top / "full", 0o700),
}


def changed(top: Path, change: Script) -> dict[str, list[bool]]:
    """Whether the times of modification and of change of several paths are others afterwards."""
    before = {name: os.lstat(top / name) for name in (".", "file", "full", "full/file", "half")}
    newest = max(status.st_ctime_ns for status in before.values())
    wait_until(lambda: time.clock_gettime_ns(COARSE_CLOCK) > newest, what="the next tick of the clock")
    change(top)
    after = {name: os.lstat(top / name) for name in before if os.path.lexists(top / name)}
    return {
        name: [before[name].st_mtime_ns != now.st_mtime_ns, before[name].st_ctime_ns != now.st_ctime_ns]
        for name, now in after.items()
    }


@pytest.mark.parametrize("name", CHANGES)
def test_what_changes_times(everywhere: Pair, name: str) -> None:
    everywhere.same(lambda top: changed(top, CHANGES[name]))


NO_CHANGES: dict[str, Script] = {
    "chmod": lambda top: os.chmod(top / "file", 0o644),
    "chown": lambda top: os.chown(top / "file", os.getuid(), os.getgid()),
    "chmod of a directory": lambda top: os.chmod(top / "full", (top / "full").stat().st_mode),
}


@pytest.mark.parametrize("name", NO_CHANGES)
def test_what_changes_nothing_but_the_time(stock: Pair, name: str) -> None:
    """It is not worth the copy of a clean file, whose times stay then."""
    kept = changed(stock.mount, lambda top: None)
    assert changed(stock.mount, NO_CHANGES[name]) == kept
    rewrite(stock.mount)
    assert stock.same(lambda top: changed(top, NO_CHANGES[name])) != kept


def test_times_do_not_go_back(everywhere: Pair) -> None:
    path = everywhere.mount / "file"
    seen = [path.stat().st_ctime_ns]
    for data in (b"1", b"22", b"333"):
        path.write_bytes(data)
        seen.append(path.stat().st_ctime_ns)
    assert seen == sorted(seen)


def test_a_file_and_the_clock_agree(pair: Pair) -> None:
    before = time.clock_gettime_ns(COARSE_CLOCK)
    (pair.mount / "new").touch()
    status = (pair.mount / "new").stat()
    assert before <= status.st_mtime_ns == status.st_ctime_ns <= time.time_ns()
