"""What the flags of open(2) do, for files in every state."""

from __future__ import annotations

import os
import stat
import subprocess
from pathlib import Path

import pytest

from tests.mount.conftest import Mounted
from tests.support.beside import Pair, Script, opened, outcome
from tests.support.syscalls import link_descriptor

pytestmark = pytest.mark.fuse

WRITE, READ, BOTH = os.O_WRONLY, os.O_RDONLY, os.O_RDWR
CREATE, EXCLUSIVE, CUT, APPEND = os.O_CREAT, os.O_EXCL, os.O_TRUNC, os.O_APPEND
NO_LINK, DIRECTORY, PATH = os.O_NOFOLLOW, os.O_DIRECTORY, os.O_PATH

OPENS = {
    "create": ("new", WRITE | CREATE),
    "create what exists": ("file", WRITE | CREATE),
    "create exclusively": ("new", BOTH | CREATE | EXCLUSIVE),
    "create exclusively what exists": ("file", BOTH | CREATE | EXCLUSIVE),
    "create exclusively a link": ("link", WRITE | CREATE | EXCLUSIVE),
    "create exclusively a directory": ("full", WRITE | CREATE | EXCLUSIVE),
    "create read-only": ("new", READ | CREATE),
    "create below nothing": ("none/new", WRITE | CREATE),
    "create below a file": ("file/new", WRITE | CREATE),
    "create a directory's name": ("full", WRITE | CREATE),
    "create with a slash": ("new/", WRITE | CREATE),
    "create by a link that points nowhere": ("loose", WRITE | CREATE),
    "cut": ("file", WRITE | CUT),
    "cut read-only": ("file", READ | CUT),
    "cut through a link": ("link", WRITE | CUT),
    "cut a directory": ("full", READ | CUT),
    "cut and create": ("new", WRITE | CREATE | CUT),
    "write a directory": ("full", WRITE),
    "read nothing": ("none", READ),
    "a link, not followed": ("link", READ | NO_LINK),
    "a file, not followed": ("file", READ | NO_LINK),
    "a loop": ("loop", READ),
    "a file as a directory": ("file", READ | DIRECTORY),
    "a file with a slash": ("file/", READ),
    "a directory as one": ("full", READ | DIRECTORY),
    "a link to a directory as one": ("to-full", READ | DIRECTORY),
    "a link to a directory, not followed": ("to-full", READ | DIRECTORY | NO_LINK),
    "append": ("file", BOTH | APPEND),
    "append and cut": ("file", BOTH | APPEND | CUT),
    "synchronous": ("file", BOTH | os.O_SYNC),
    "without an access time": ("file", READ | os.O_NOATIME),
    "a directory for writing and creating": ("full", BOTH | CREATE | DIRECTORY),
}


@pytest.mark.parametrize("name", OPENS)
def test_open(everywhere: Pair, name: str) -> None:
    path, flags = OPENS[name]

    def script(top: Path) -> object:
        for link, target in {"loose": "pointed-to", "loop": "loop", "to-full": "full"}.items():
            (top / link).symlink_to(target)
        with opened(f"{top}/{path}", flags) as fd:
            status = os.fstat(fd)
            done = [outcome(lambda _: os.write(fd, b"WRITTEN"), top), outcome(lambda _: os.pread(fd, 99, 0), top)]
            return *done, status.st_mode, stat.S_ISDIR(status.st_mode) or (status.st_nlink, status.st_size)

    everywhere.same(script)


def test_appending_goes_to_the_end_whoever_writes(everywhere: Pair) -> None:
    def script(top: Path) -> object:
        with opened(top / "file", WRITE | APPEND) as one, opened(top / "file", BOTH | APPEND) as other:
            os.write(one, b"A")
            os.write(other, b"B")
            os.lseek(one, 0, os.SEEK_SET)
            os.write(one, b"C")
            os.pwrite(one, b"D", 0)
            return (top / "file").read_bytes(), os.lseek(one, 0, os.SEEK_CUR)

    everywhere.same(script)


def test_many_processes_append(pair: Pair) -> None:
    script = 'for i in 1 2 3 4; do (n=0; while [ $n -lt 50 ]; do echo "$i $n" >>log; n=$((n+1)); done) & done; wait'

    def lines(top: Path) -> object:
        subprocess.run(["sh", "-c", script], cwd=top, check=True)
        return sorted((top / "log").read_text().splitlines())

    assert lines(pair.mount) == lines(pair.plain)


@pytest.mark.parametrize("flags", [BOTH, WRITE, BOTH | EXCLUSIVE, READ])
@pytest.mark.parametrize("place", [".", "full", "link", "none"])
def test_files_without_a_name(everywhere: Pair, place: str, flags: int) -> None:
    def script(top: Path) -> object:
        with opened(top / place, os.O_TMPFILE | flags, 0o666) as fd:
            seen = outcome(lambda _: os.write(fd, b"anonymous"), top), outcome(lambda _: os.pread(fd, 99, 0), top)
            status = os.fstat(fd)
            named = outcome(lambda _: link_descriptor(fd, top / "named"), top)
            os.ftruncate(fd, 5)
            return *seen, status.st_mode, status.st_nlink, named, os.fstat(fd).st_nlink, os.fstat(fd).st_size

    everywhere.same(script)


def test_temporary_files_work_all_the_same(pair: Pair) -> None:
    import tempfile

    with tempfile.TemporaryFile(dir=pair.mount) as file:
        file.write(b"x" * 9000)
        file.seek(0)
        assert file.read() == b"x" * 9000
    assert list(pair.mount.iterdir()) == []


PATH_ONLY: dict[str, Script] = {
    "a file": lambda top: through_path(top / "file", 0),
    "a directory": lambda top: through_path(top / "full", 0),
    "a link itself": lambda top: through_path(top / "link", NO_LINK),
    "a link's target": lambda top: through_path(top / "link", 0),
    "nothing": lambda top: through_path(top / "none", 0),
}


def through_path(path: Path, flags: int) -> object:
    """What can be done with a descriptor that is only a place."""
    with opened(path, PATH | flags) as place:
        again = f"/proc/self/fd/{place}"
        actions: list[Script] = [
            lambda _: stat.S_IFMT(os.fstat(place).st_mode),
            lambda _: os.read(place, 1),
            lambda _: os.fchmod(place, 0o700),
            lambda _: Path(again).read_bytes(),
            lambda _: os.readlink("", dir_fd=place),
            lambda _: sorted(os.listdir(again)),
            lambda _: os.chmod(again, 0o700),
            lambda _: os.stat("file", dir_fd=place).st_size,
        ]
        return [outcome(action, path) for action in actions]


@pytest.mark.parametrize("name", PATH_ONLY)
def test_descriptors_that_are_only_a_place(everywhere: Pair, name: str) -> None:
    everywhere.same(PATH_ONLY[name])


def test_a_place_outlives_its_name(everywhere: Pair) -> None:
    def script(top: Path) -> object:
        with opened(top / "full", PATH | DIRECTORY) as place:
            (top / "full").rename(top / "moved")
            with opened(f"/proc/self/fd/{place}/file", BOTH) as fd:
                os.write(fd, b"HERE")
            os.unlink("deep/file", dir_fd=place)
            os.mkdir("made", dir_fd=place)
            return os.fstat(place).st_mode

    everywhere.same(script)


def test_a_deleted_file_lives_while_it_is_open(everywhere: Pair) -> None:
    def script(top: Path) -> object:
        with opened(top / "file", BOTH) as fd:
            (top / "file").unlink()
            seen = [os.read(fd, 99), os.write(fd, b"more"), os.pread(fd, 99, 0), os.fstat(fd).st_nlink]
            os.fchmod(fd, 0o600)
            os.ftruncate(fd, 3)
            os.setxattr(fd, "user.x", b"1")
            os.utime(fd, ns=(5, 7))
            status = os.fstat(fd)
            return seen, status.st_mode, status.st_size, status.st_mtime_ns, os.getxattr(fd, "user.x")

    everywhere.same(script)


def test_a_deleted_file_that_is_only_read(everywhere: Pair) -> None:
    def script(top: Path) -> object:
        with opened(top / "file") as fd, opened(top / "other") as other:
            (top / "file").unlink()
            (top / "new").write_bytes(b"new")
            (top / "new").rename(top / "other")
            (top / "file").write_bytes(b"another")
            with open(f"/proc/self/fd/{fd}", "r+b") as again:
                again.write(b"CLEAN")
            return os.read(fd, 99), os.read(other, 99), os.fstat(fd).st_nlink, os.fstat(other).st_nlink

    everywhere.same(script)


def test_room_for_many_open_files(mounted: Mounted) -> None:
    files = [open(mounted.path / "clean" / f"{number:02d}", "rb") for number in range(40)]  # noqa: SIM115
    assert [file.read() for file in files] == [f"clean {number}\n".encode() for number in range(40)]
    for file in files:
        file.close()
