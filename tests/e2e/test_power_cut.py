"""Power cuts: what was made durable is there, and what was not is old or new, never an empty file."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.disks import Disk
from tests.support.gitrepo import GitRepo
from tests.support.runner import Vibe

pytestmark = pytest.mark.fuse

CLEAN = b"clean content\n" * 2000


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    made = Disk(tmp_path / "disk-top", tmp_path)
    if os.geteuid() != 0 or shutil.which("mkfs.ext4") is None or not made.make():
        pytest.skip("needs root, mkfs.ext4 and a loop device")
    yield made
    made.cut_power()
    made.unmount()


@pytest.fixture
def vibe(disk: Disk) -> Vibe:
    """`git vibe` in a repository on that disk."""
    repo = GitRepo.create(disk.top / "repo")
    repo.commit({f"src/{number}/file": CLEAN for number in range(40)})
    os.sync()
    return Vibe(repo.path)


def patch(path: Path, *, synced: bool) -> None:
    """Change the first bytes of an existing file."""
    fd = os.open(path, os.O_RDWR)
    os.pwrite(fd, b"DIRTY", 0)
    if synced:
        os.fsync(fd)
    os.close(fd)


def test_a_copy_is_never_empty(disk: Disk, vibe: Vibe) -> None:
    top = Path(vibe("spawn", "alpha"))
    for number in range(20):
        patch(top / "src" / str(number) / "file", synced=False)
    os.chmod(top / "src" / "20" / "file", 0o600)
    disk.let_it_commit()
    disk.cut_power()
    vibe("spawn", "alpha")
    for number in range(40):
        assert (top / "src" / str(number) / "file").read_bytes() in (CLEAN, b"DIRTY" + CLEAN[5:]), number


def test_what_was_synced_is_there(disk: Disk, vibe: Vibe) -> None:
    top = Path(vibe("spawn", "alpha"))
    for number in range(5):
        patch(top / "src" / str(number) / "file", synced=True)
    disk.cut_power()
    vibe("spawn", "alpha")
    for number in range(5):
        assert (top / "src" / str(number) / "file").read_bytes() == b"DIRTY" + CLEAN[5:], number
    vibe("doctor", "--repair")
    assert vibe.data("doctor")["problems"] == []


def test_a_promote_is_there(disk: Disk, vibe: Vibe) -> None:
    top = Path(vibe("spawn", "alpha"))
    patch(top / "src" / "1" / "file", synced=False)
    (top / "src" / "new").write_bytes(CLEAN)
    vibe("promote", "alpha")
    disk.cut_power()
    repo = GitRepo(vibe.cwd)
    repo.git("fsck")
    assert repo.git_bytes("show", "refs/vibes/alpha:src/new") == CLEAN
    assert repo.git_bytes("show", "refs/vibes/alpha:src/1/file") == b"DIRTY" + CLEAN[5:]
    vibe("spawn", "alpha")
    assert vibe.run("promote", "alpha").code == 0


def test_what_a_close_archived_is_there(disk: Disk, vibe: Vibe) -> None:
    top = Path(vibe("spawn", "alpha"))
    (top / "src" / "new").write_bytes(CLEAN)
    vibe("close", "--force", "alpha")
    disk.cut_power()
    repo = GitRepo(vibe.cwd)
    repo.git("fsck")
    (ref,) = repo.refs("refs/vibe/archive/")
    assert repo.git_bytes("show", f"{ref}:src/new") == CLEAN
