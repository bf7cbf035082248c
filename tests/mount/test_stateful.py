"""Several processes do the same in a session and in a plain directory, whatever happens to its worker meanwhile.

Hypothesis chooses what they do and shortens what fails.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import shutil
import signal
import stat
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

from git_vibe.daemon.client import mount_session, sealed_layers, unmount_session
from git_vibe.daemon.process import read_worker
from git_vibe.git.repository import Repository
from git_vibe.overlay.nodes import COUNTED_INODES
from git_vibe.session.close import close
from git_vibe.session.spawn import Request, spawn
from git_vibe.session.workspace import Workspace
from git_vibe.types import LayerId, SessionName
from tests.mount.conftest import Mounted
from tests.support.gitrepo import Content, GitRepo
from tests.support.operations import (
    ATTRIBUTES,
    CONTENT,
    HANDLES,
    KERNEL,
    NAMES,
    TREE,
    Seen,
    Status,
    link_groups,
    paths_below,
    see,
    snapshot,
    times,
)
from tests.support.processes import Process, running
from tests.support.properties import QUICK, THOROUGH, Paths, operations
from tests.support.waiting import wait_until

CREW = 3
FILES: dict[str, Content] = {
    "a/a": "one\n",
    "a/b/a": "two\n",
    "a/b/b": b"\0" * 5000,
    "a/b/c/a": "three\n",
    "a/b/d": "-> nowhere",
    "b/a/a": "",
    "b/a/b": "four\n",
    "b/b": "five\n",
    "c": "six\n",
}
EXECUTABLE = ("a/a", "b/a/a", "c")
EVENTS = ("compare",) * 3 + ("seal",) * 3 + ("unseal",) * 2 + ("remount",) + ("kill",) * 2
MEMBERS = st.integers(0, CREW - 1)

pytestmark = pytest.mark.fuse
_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def ground(mounted: Mounted, top: Path) -> Workspace:
    """A repository with little in it, so that operations meet each other."""
    repo = GitRepo.create(top / "ground")
    repo.write(FILES)
    for path in EXECUTABLE:
        (repo.path / path).chmod(0o755)
    repo.commit()
    return Workspace(Repository(repo.path / ".git", repo.path / ".git", repo.path), top / "run")


@pytest.fixture(scope="module")
def crew() -> Iterator[list[tuple[Process, Process]]]:
    """Pairs of processes: one works in the plain directory, the other one does the same in the session."""
    with running(2 * CREW) as processes:
        yield list(zip(processes[::2], processes[1::2], strict=True))


class SessionAndDirectory(RuleBasedStateMachine):
    """A session and a plain directory, which must always look the same to everybody in the crew."""

    def __init__(self, workspace: Workspace, crew: list[tuple[Process, Process]], top: Path) -> None:
        super().__init__()
        self.workspace = workspace
        self.crew = crew
        self.name = SessionName(f"stateful-{next(_numbers)}")
        self.since_ns = time.time_ns()
        self.session = Mounted(self.workspace, spawn(self.workspace, self.name, Request()).record)
        self.plain = top / self.name
        shutil.copytree(self.session.path, self.plain, symlinks=True, ignore=shutil.ignore_patterns(".git"))
        self.paths = Paths(self.plain, *(f"./{name}" for name in NAMES))
        self.seals = contextlib.ExitStack()
        self.sealed: dict[LayerId, object] = {}
        self.is_sound = True
        self.gather()

    # What the crew does

    @rule(member=MEMBERS, data=st.data())
    def change_content(self, member: int, data: st.DataObject) -> None:
        self.operate(member, CONTENT, data)

    @rule(member=MEMBERS, data=st.data())
    def change_tree(self, member: int, data: st.DataObject) -> None:
        self.operate(member, TREE, data)

    @rule(member=MEMBERS, data=st.data())
    def change_more_of_the_tree(self, member: int, data: st.DataObject) -> None:
        self.operate(member, TREE, data)

    @rule(member=MEMBERS, data=st.data())
    def change_attributes(self, member: int, data: st.DataObject) -> None:
        self.operate(member, ATTRIBUTES, data)

    @rule(member=MEMBERS, data=st.data())
    def use_open_files(self, member: int, data: st.DataObject) -> None:
        self.operate(member, HANDLES, data)

    @rule(member=MEMBERS, data=st.data())
    def use_the_kernel(self, member: int, data: st.DataObject) -> None:
        self.operate(member, KERNEL, data)

    def operate(self, member: int, kinds: dict[str, Any], data: st.DataObject) -> None:
        """Let one of the crew do a few things, the same on both sides."""
        for _ in range(data.draw(st.integers(1, 4))):
            self.operate_once(member, kinds, data)

    def operate_once(self, member: int, kinds: dict[str, Any], data: st.DataObject) -> None:
        operation = data.draw(operations(kinds, self.paths))
        self.paths.used(operation)
        watched = data.draw(st.integers(0, 3)) == 3
        plain, served = self.crew[member]
        self.is_sound = False
        for process in (plain, served):
            process.begin(operation._replace(watched=watched))
        expected, found = self.comparable(plain.outcome()), self.comparable(served.outcome())
        assert found == expected, f"{operation!r} gives {found!r} instead of {expected!r}"
        self.is_sound = True

    def comparable(self, outcome: object) -> object:
        """A file of a sealed layer counts the links it has there, whatever was removed since."""
        if isinstance(outcome, tuple) and not isinstance(outcome, Status):
            return tuple(self.comparable(part) for part in outcome)
        return outcome._replace(links=1) if isinstance(outcome, Status) and self.sealed else outcome

    # What happens to the session

    @rule(event=st.sampled_from(EVENTS))
    def meanwhile(self, event: str) -> None:
        """Something that nobody in the crew may notice."""
        self.is_sound = False
        getattr(self, event)()
        self.is_sound = True

    def compare(self) -> None:
        """Both sides show the same."""
        assert self.seen(self.session.path) == self.seen(self.plain)
        assert link_groups(str(self.session.path)) == link_groups(str(self.plain))
        assert times(str(self.session.path), self.since_ns) == times(str(self.plain), self.since_ns)
        assert mislisted(str(self.session.path)) == []

    def seen(self, top: Path) -> dict[str, Seen]:
        found = see(str(top))
        return {path: what._replace(links=1) for path, what in found.items()} if self.sealed else found

    def seal(self) -> None:
        """Seal once more; what was sealed before stays as it is."""
        self.check_sealed()
        layers = self.seals.enter_context(sealed_layers(self.workspace.layout, self.name))
        self.sealed = {layer: self.layer_content(layer) for layer in layers}

    def unseal(self) -> None:
        """Fold all layers together again."""
        self.check_sealed()
        self.sealed = {}
        self.seals.close()

    def check_sealed(self) -> None:
        """Nothing that was sealed has changed."""
        assert {layer: self.layer_content(layer) for layer in self.sealed} == self.sealed

    def layer_content(self, layer: LayerId) -> object:
        return snapshot(str(self.workspace.paths(self.name).layer(layer) / "tree"))

    def remount(self) -> None:
        """Take the session away and bring it back; everything keeps its inode number."""
        before = numbers(str(self.session.path))
        with self.away():
            unmount_session(self.workspace.layout, self.name)
            mount_session(self.workspace.layout, self.name)
        assert differences(before, numbers(str(self.session.path))) == {}

    def kill(self) -> None:
        """Let the worker die and have another one take over, whose first requests are those of the crew."""
        with self.away():
            worker = read_worker(self.workspace.paths(self.name))
            assert worker is not None
            os.kill(worker.pid, signal.SIGKILL)
            wait_until(lambda: not worker.is_alive(), what="the end of the worker")
            mount_session(self.workspace.layout, self.name)

    @contextlib.contextmanager
    def away(self) -> Iterator[None]:
        """Nobody is in the session inside the block; nothing is sealed afterwards."""
        self.check_sealed()
        self.leave()
        yield
        self.sealed = {}
        self.seals.close()
        self.gather()

    def leave(self) -> None:
        """Everybody closes everything and goes somewhere else."""
        for process in itertools.chain(*self.crew):
            process.enter("/")

    def gather(self) -> None:
        """Everybody begins at the top."""
        for plain, served in self.crew:
            plain.enter(str(self.plain), self.since_ns)
            served.enter(str(self.session.path), self.since_ns)

    def teardown(self) -> None:
        """Everything still is as it should be, unless a step has already found that it is not."""
        try:
            if self.is_sound:
                self.compare()
                self.remount()
                self.compare()
                assert "Traceback" not in self.session.log, self.session.log
        finally:
            self.leave()
            self.seals.close()
            close(self.workspace, self.name, discard=True, archive=False)
            shutil.rmtree(self.plain)


def numbers(top: str) -> dict[str, int]:
    """Inode number of every file and directory; links and fifos cannot carry theirs."""
    found = {path: os.lstat(os.path.join(top, path)) for path in paths_below(top)}
    return {
        path: each.st_ino for path, each in found.items() if stat.S_IFMT(each.st_mode) in (stat.S_IFREG, stat.S_IFDIR)
    }


def mislisted(top: str) -> list[str]:
    """Entries of which a listing says something else than stat."""
    found = []
    for folder, _, _ in os.walk(top):
        with os.scandir(folder) as entries:
            found += [entry.path for entry in entries if entry.inode() != os.lstat(entry.path).st_ino]
    return found


def differences(before: dict[str, int], after: dict[str, int]) -> dict[str, tuple[int | None, int | None]]:
    """Whose number changed; one that a link or fifo had by chance may be given out anew."""
    pairs = {path: (before.get(path), after.get(path)) for path in before.keys() | after.keys()}
    return {
        path: (old, new)
        for path, (old, new) in pairs.items()
        if old != new and (old is None or new is None or max(old, new) < COUNTED_INODES)
    }


def run(profile: settings, *given: Any) -> None:
    """Try whatever the profile asks for."""
    machine: Any = partial(SessionAndDirectory, *given)
    run_state_machine_as_test(machine, settings=profile)


def test_nobody_can_tell_a_session_from_a_directory(
    ground: Workspace, crew: list[tuple[Process, Process]], top: Path
) -> None:
    run(QUICK, ground, crew, top)


@pytest.mark.slow
def test_nobody_can_tell_a_session_from_a_directory_for_long(
    ground: Workspace, crew: list[tuple[Process, Process]], top: Path
) -> None:
    run(THOROUGH, ground, crew, top)
