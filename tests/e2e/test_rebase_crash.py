"""kill -9 at every step of a rebase, of going on and of going back: then either way leads to the end, with all work."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.support.gitrepo import GitRepo
from tests.support.runner import Vibe
from tests.support.soundness import assert_sound
from tests.support.trees import tree

pytestmark = pytest.mark.fuse

LINES = "".join(f"line {number}\n" for number in range(1, 21))
THEIRS = LINES.replace("line 1\n", "theirs\n")
IN_COMMAND = (
    "rebase.saved", "rebase.pushed", "rebase.refs", "rebase.index", "rebase.placed", "rebase.forgotten",
)  # fmt: skip
IN_WORKER = ("adopt.placed",)
GOING_BACK = ("rebase.popped", "rebase.restored", "rebase.forgotten")
BACK_IN_WORKER = ("pop.renamed",)


class Seen(NamedTuple):
    """All of a session that going back must restore."""

    files: dict[bytes, tuple[str, int, bytes]]
    staged: str
    head: str
    refs: dict[str, str]
    record: bytes
    status: str


class World(NamedTuple):
    """A repository whose daemon and workers die when a file named like a fault point is put into `faults`."""

    repo: GitRepo
    vibe: Vibe
    faults: Path

    def spawn(self, name: str, *, conflict: bool) -> GitRepo:
        """A session with a promote, a commit, something staged and something dirty."""
        self.repo.git("reset", "--quiet", "--hard", "start")
        session = GitRepo(Path(self.vibe("spawn", name)))
        session.write({"promoted": "x\n", "text": LINES.replace("line 20\n", "mine\n")})
        self.vibe("promote", name)
        session.write({"committed": "x\n"})
        session.git("add", "committed")
        session.git("commit", "--quiet", "--message", "own")
        session.write({"staged": "x\n", "run.sh": "dirty\n", "README": "mine\n" if conflict else "hello\n"})
        session.git("add", "staged")
        session.git("mv", "src", "source")
        self.repo.commit({"text": THEIRS, "README": "theirs\n", "src/main.py": "x\n", "empty": None, "new/x": "x\n"})
        return session

    def see(self, name: str, session: GitRepo) -> Seen:
        refs = {ref: oid for ref, oid in self.repo.refs().items() if ref.endswith(f"/{name}")}
        record = (self.repo.vibe_dir / "sessions" / name / "meta.json").read_bytes()
        index, head = session.git("ls-files", "--stage", "-v"), session.git("rev-parse", "HEAD")
        return Seen(tree(session.path), index, head, refs, record, session.git("status", "--porcelain"))

    def killed(self, point: str, *args: str) -> None:
        """Run a command that dies at the point, or whose worker does."""
        if point in (*IN_WORKER, *BACK_IN_WORKER):
            (self.faults / point).touch()
            self.vibe.run(*args)
            assert not (self.faults / point).exists(), f"nobody came to {point}"
            return
        done = self.vibe.run(*args, env={"GIT_VIBE_FAULT": point})
        assert done.code in (-9, 137), f"{args} did not die at {point}: {done.code}\n{done.err}"


@pytest.fixture
def world(repo: GitRepo, vibe: Vibe, faults: Path) -> World:
    repo.commit({"text": LINES})
    repo.git("branch", "start")
    repo.git("config", "vibe.maxSessions", "1000")
    return World(repo, vibe, faults)


def name_of(point: str) -> str:
    return point.replace(".", "-")


def outcome(seen: Seen) -> tuple[object, ...]:
    """What a rebase has to come to, whatever happened on the way: commits are made at other times."""
    return seen.files, seen.staged, seen.status


def finished(world: World, name: str, *, conflict: bool) -> Seen:
    """What a rebase that nothing happens to comes to."""
    session = world.spawn(name, conflict=conflict)
    world.vibe.run("rebase", name)
    return world.see(name, session)


@pytest.mark.parametrize("conflict", [False, True])
def test_back_and_on_from_every_step(world: World, *, conflict: bool) -> None:
    expected = finished(world, "whole", conflict=conflict)
    for point in (*IN_COMMAND, *IN_WORKER):
        if conflict and point == "rebase.forgotten":
            continue
        name = name_of(point)
        session = world.spawn(name, conflict=conflict)
        before = world.see(name, session)
        world.killed(point, "rebase", name)
        world.vibe("spawn", name)
        check_doctor(world, name, point)
        if point != "rebase.forgotten":
            if (world.repo.vibe_dir / "sessions" / name / "rebase").exists():
                world.vibe("rebase", "--abort", name)
                assert_same(world.see(name, session), before, point)
                world.killed(point, "rebase", name)
                done = world.vibe.run("rebase", "--continue", name)
            else:
                done = world.vibe.run("rebase", name)
            assert done.code == (1 if conflict else 0), f"{point}: {done.err}"
        else:
            world.vibe("daemon", "stop", "--all")
        world.vibe("spawn", name)
        seen = world.see(name, session)
        assert normal(outcome(seen), name) == normal(outcome(expected), "whole"), point
        assert layers(world, name) == (["0001"] if not conflict else layers(world, "whole")), point
        assert world.repo.git("log", "--format=%s", f"main..refs/vibes/{name}").count("Promote") == 1
        if conflict:
            world.vibe("rebase", "--abort", name)
            assert_same(world.see(name, session), before, point)
    assert_sound(world.vibe, world.repo)


def check_doctor(world: World, name: str, point: str) -> None:
    """It says that a rebase was interrupted, and how to go on."""
    problems = str(world.vibe.run("doctor", "--json").data["problems"])
    interrupted = point in ("rebase.saved", "rebase.pushed", "rebase.refs", "rebase.index")
    assert (f"git vibe rebase --continue {name}" in problems) is interrupted, (point, problems)


def normal(what: object, name: str) -> str:
    return repr(what).replace(f"session '{name}'", "session").replace(f"session \\'{name}\\'", "session")


def layers(world: World, name: str) -> list[str]:
    world.vibe("spawn", name)
    return sorted(path.name for path in world.repo.vibe_dir.glob(f"sessions/{name}/layers/*"))


def assert_same(seen: Seen, before: Seen, point: str) -> None:
    for field, found, expected in zip(Seen._fields, seen, before, strict=True):
        assert found == expected, f"{point}: {field}"


def test_going_back_that_dies_is_finished_by_going_back(world: World) -> None:
    for point in (*GOING_BACK, *BACK_IN_WORKER):
        name = f"back-{name_of(point)}"
        session = world.spawn(name, conflict=True)
        before = world.see(name, session)
        assert world.vibe.run("rebase", name).code == 1
        session.write({"later": "written since\n"})
        world.killed(point, "rebase", "--abort", name)
        world.vibe("spawn", name)
        if (world.repo.vibe_dir / "sessions" / name / "rebase").exists():
            assert "--abort" in world.vibe.fails("rebase", "--continue", name, code=2)
            world.vibe("rebase", "--abort", name)
        assert_same(world.see(name, session), before, point)
        kept = [ref for ref in world.repo.refs("refs/vibe/archive/") if f"/{name}/" in ref]
        assert any(world.repo.git("ls-tree", "--name-only", ref, "later") for ref in kept), point
        assert layers(world, name) == ["0001"]
    assert_sound(world.vibe, world.repo)


def test_a_lock_that_was_left_does_not_stay(world: World) -> None:
    session = world.spawn("alpha", conflict=False)
    lock = world.repo.path / ".git/worktrees/vibe-alpha/index.lock"
    world.killed("rebase.refs", "rebase", "alpha")
    assert lock.exists()
    world.vibe("rebase", "--continue", "alpha")
    assert not lock.exists()
    session.git("add", "--all")
    assert os.listdir(session.path)
