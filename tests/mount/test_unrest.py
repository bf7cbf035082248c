"""No request is left without an answer, whatever many processes do at once and however they end."""

from __future__ import annotations

import itertools
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from git_vibe.daemon.client import sealed_layers, unmount_session
from git_vibe.session.spawn import Request, spawn
from git_vibe.types import SessionName
from tests.mount.conftest import Mounted
from tests.support.gitrepo import GitRepo
from tests.support.unrest import Restless
from tests.support.waiting import wait_until

pytestmark = pytest.mark.fuse

CROWD, DEEDS = 4, 200
"""How many processes there are, and what each does before the next is killed."""
LARGE = 5 << 20
"""More bytes than are held in memory, so that reading and copying them goes on aside."""


@pytest.fixture
def busy(mounted: Mounted, top: Path) -> Iterator[Mounted]:
    """A session of its own with small and large clean files and a context that is changed behind it."""
    record = spawn(mounted.workspace, SessionName("busy"), Request(revision=with_large_files(GitRepo(top / "repo"))))
    made = Mounted(mounted.workspace, record.record)
    (made.context / "volatile").mkdir(parents=True)
    yield made
    assert made.is_served()
    assert "Traceback" not in made.log, made.log
    unmount_session(mounted.workspace.layout, made.record.name)
    shutil.rmtree(made.context / "volatile")


def with_large_files(repo: GitRepo) -> str:
    """A commit like that of main with a few large files."""
    lines = repo.git("ls-tree", "main").splitlines()
    for number in range(6):
        oid = repo.git("hash-object", "-w", "--stdin", stdin=b"%d" % number * LARGE)
        lines.append(f"100644 blob {oid}\tlarge{number}")
    tree = repo.git("mktree", stdin="".join(f"{line}\n" for line in lines).encode())
    return repo.git("commit-tree", "-m", "large", tree)


class Crowd:
    """Processes without rest in one directory; one of them at a time is killed and replaced."""

    def __init__(self, top: Path, notes: Path, seed: int) -> None:
        self._top, self._notes = top, notes
        self._numbers = itertools.count(seed)
        self._members = [self._begin() for _ in range(CROWD)]

    def _begin(self) -> Restless:
        number = next(self._numbers)
        return Restless(self._top, self._notes / f"pulse-{number}", number)

    def replace(self, index: int) -> None:
        """Kill a process at whatever it does, and start another."""
        self._members[index].kill()
        self._members[index] = self._begin()

    def wait_for_progress(self) -> None:
        """Each process must get on with what it does."""
        before = [member.done() for member in self._members]
        for index, done in enumerate(before):
            self._wait_for(index, done + DEEDS)

    def _wait_for(self, index: int, done: int) -> None:
        member = self._members[index]
        wait_until(lambda: member.done() >= done or member.is_cut_off(), seconds=90, what=f"an answer to {member}")
        if member.is_cut_off():
            self.replace(index)

    def end(self) -> None:
        """Kill all of them."""
        for member in self._members:
            member.kill()


def disturb(busy: Mounted, number: int) -> None:
    """Change the context behind the mount, and every other time layers as well."""
    volatile = busy.context / "volatile"
    (volatile / f"n{number % 5}").write_bytes(b"changed" * number)
    (volatile / f"n{(number + 2) % 5}").unlink(missing_ok=True)
    if number % 2:
        with sealed_layers(busy.workspace.layout, busy.record.name):
            os.listdir(busy.path)


def keep_busy(busy: Mounted, notes: Path, *, rounds: int, seed: int = 0) -> None:
    """Let a crowd loose in the session for so many rounds."""
    crowd = Crowd(busy.path, notes, seed)
    try:
        for number in range(rounds):
            disturb(busy, number)
            crowd.wait_for_progress()
            crowd.replace(number % CROWD)
    finally:
        crowd.end()


def test_nothing_waits_for_ever(busy: Mounted, tmp_path: Path) -> None:
    keep_busy(busy, tmp_path, rounds=8)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1000, 4000, 1000))
def test_nothing_waits_for_ever_for_long(busy: Mounted, tmp_path: Path, seed: int) -> None:
    keep_busy(busy, tmp_path, rounds=200, seed=seed)
