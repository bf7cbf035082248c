"""kill -9 after every step of what changes a session: then the old state or the new one, and nothing written is lost.

The points are those of `git_vibe.store.faults`. What a step may leave is judged by a plain directory on which the same
was done without a crash.
"""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from git_vibe.daemon import protocol
from git_vibe.store.layer import RENAME_EXCHANGE, renameat2
from git_vibe.store.layout import Layout
from git_vibe.types import SessionName
from tests.support.entering import ENTERED
from tests.support.gitrepo import GitRepo
from tests.support.runner import Vibe
from tests.support.soundness import assert_sound, half_made, session_names
from tests.support.trees import tree
from tests.support.waiting import wait_until

pytestmark = pytest.mark.fuse

Tree = dict[bytes, tuple[str, int, bytes]]
Action = Callable[[Path], object]


class World(NamedTuple):
    """A repository whose daemon and workers die when a file named like a fault point is put into `faults`."""

    repo: GitRepo
    vibe: Vibe
    faults: Path

    def arm(self, point: str) -> None:
        """Let the first process that comes to the point die there."""
        (self.faults / point).touch()

    def is_armed(self, point: str) -> bool:
        """Whether nobody came to the point yet."""
        return (self.faults / point).exists()

    def control(self, name: str, op: str) -> None:
        """Ask the worker of a session for something."""
        layout = Layout(self.repo.path / ".git", Path(os.environ["XDG_RUNTIME_DIR"]))
        protocol.call(layout.session(SessionName(name)).worker_socket, {"op": op})

    def killed(self, point: str, *args: str) -> None:
        """Run a command that dies at the point."""
        done = self.vibe.run(*args, env={"GIT_VIBE_FAULT": point})
        assert done.code in (-9, 137), f"{args} did not die at {point}: {done.code}\n{done.err}"

    def age(self) -> None:
        """Let what is half-made be old enough that no running command can be at it."""
        paths = [*self.repo.vibe_dir.glob("sessions/.*"), *self.repo.path.glob(".git/worktrees/vibe-*")]
        for path in [*paths, *self.repo.vibe_dir.glob("cache/scratch-*"), *self.repo.vibe_dir.glob("cache/base/.*")]:
            os.utime(path, (1, 1))

    def assert_repairable(self) -> None:
        """After `doctor --repair` nothing half-made is left and all is well."""
        self.age()
        self.vibe("doctor", "--repair")
        assert half_made(self.repo) == []
        assert not [*self.repo.vibe_dir.glob("sessions/.[no]*"), *self.repo.vibe_dir.glob("cache/scratch-*")]
        assert_sound(self.vibe, self.repo)


@pytest.fixture
def world(repo: GitRepo, vibe: Vibe, faults: Path) -> World:
    repo.commit({"lib/a.py": "a\n", "lib/b/c.py": "c\n", "data": bytes(range(256)) * 400})
    repo.git("config", "vibe.maxSessions", "1000")
    return World(repo, vibe, faults)


# What is done in a session, one system call each


def patch(name: str, content: bytes = b"patched", offset: int = 3) -> Action:
    """Write into an existing file."""

    def act(top: Path) -> None:
        fd = os.open(top / name, os.O_RDWR)
        try:
            os.pwrite(fd, content, offset)
        finally:
            os.close(fd)

    return act


def exchange(top: Path) -> None:
    """Exchange a file and a directory."""
    renameat2(os.fsencode(top / "README"), os.fsencode(top / "lib"), RENAME_EXCHANGE)


def dirty_directory(top: Path) -> None:
    """A new directory that was changed."""
    (top / "new").mkdir()
    for name in ("kept", "gone"):
        (top / "new" / name).write_text(name)


def changed_library(top: Path) -> None:
    """A clean directory in which some is changed and some is gone."""
    (top / "lib" / "a.py").unlink()
    (top / "lib" / "b" / "c.py").write_text("changed\n")


def emptied_deep(top: Path) -> None:
    """A clean directory whose content is gone."""
    shutil.rmtree(top / "src" / "deep" / "er")


def emptied_moved(top: Path) -> None:
    """A renamed directory whose content is gone."""
    os.rename(top / "lib", top / "moved")
    shutil.rmtree(top / "moved" / "b")
    (top / "moved" / "a.py").unlink()


def two_names(top: Path) -> None:
    """A file with two names in two directories."""
    (top / "one").write_text("content of both")
    os.link(top / "one", top / "src" / "two")


def written_before(top: Path) -> None:
    """Something of every kind for a lower layer."""
    dirty_directory(top)
    changed_library(top)
    (top / "README").write_text("first\n")
    (top / "solid").mkdir()
    (top / "solid" / "inside").write_text("x")
    (top / "file").write_text("becomes a directory\n")
    os.chmod(top, 0o711)


def written_after(top: Path) -> None:
    """Something of every kind over that."""
    (top / "README").write_text("second\n")
    (top / "new" / "gone").unlink()
    shutil.rmtree(top / "solid")
    (top / "solid").write_text("became a file\n")
    (top / "file").unlink()
    (top / "file").mkdir()
    (top / "file" / "inside").write_text("x")
    os.rename(top / "lib", top / "moved")


def nothing(top: Path) -> None:
    """Nothing at all."""


class Step(NamedTuple):
    """Something done in a session after `before`, sealed when `sealed`, and the points on its way."""

    before: Action
    sealed: Action | None
    act: Action
    points: tuple[str, ...]


COPY = ("directory.staged", "directory.placed", "copyup.content", "copyup.attributes", "copyup.placed")
STEPS = {
    "write": Step(nothing, None, patch("src/deep/er/data.bin"), (*COPY, "write.opened", "write.written")),
    "create": Step(nothing, None, lambda top: (top / "src" / "made").touch(exist_ok=False), ("create.made",)),
    "create again": Step(
        lambda top: (top / "README").unlink(), None, lambda top: (top / "README").touch(),
        ("place.staged", "create.made"),
    ),
    "make directory again": Step(
        lambda top: shutil.rmtree(top / "lib"), None, lambda top: (top / "lib").mkdir(),
        ("opaque.marked", "place.staged", "place.exchanged"),
    ),
    "unlink": Step(nothing, None, lambda top: (top / "src" / "main.py").unlink(), ("unlink.removed",)),
    "remove directory": Step(emptied_moved, None, lambda top: (top / "moved").rmdir(), ("rmdir.aside",)),
    "rename file": Step(
        nothing, None, lambda top: os.rename(top / "data", top / "src" / "moved"), ("rename.brought", "rename.moved")
    ),
    "rename over a file": Step(
        nothing, None, lambda top: os.rename(top / "data", top / "src" / "main.py"), ("rename.brought", "rename.moved")
    ),
    "rename directory": Step(
        nothing, None, lambda top: os.rename(top / "lib", top / "src" / "lib"),
        ("rename.numbered", "rename.brought", "rename.moved"),
    ),
    "rename changed directory": Step(
        changed_library, None, lambda top: os.rename(top / "lib", top / "moved"), ("rename.numbered", "rename.moved")
    ),
    "rename over a directory": Step(
        emptied_deep, None, lambda top: os.rename(top / "lib", top / "src" / "deep"),
        ("opaque.marked", "rename.swapped", "rename.moved"),
    ),
    "rename sealed directory": Step(
        changed_library, nothing, lambda top: os.rename(top / "lib", top / "moved"),
        ("copyup.placed", "rename.gathered", "rename.numbered", "rename.moved"),
    ),
    "rename new directory": Step(
        dirty_directory, lambda top: (top / "new" / "gone").unlink(),
        lambda top: os.rename(top / "new", top / "moved"), ("opaque.marked", "rename.moved"),
    ),
    "exchange": Step(nothing, None, exchange, ("rename.numbered", "exchange.brought")),
    "write linked": Step(
        two_names, nothing, patch("one"), ("copyup.placed", "directory.placed", "copyup.linked", "write.written")
    ),
}  # fmt: skip
SINGLE = [(name, point) for name, step in STEPS.items() for point in step.points]


def act_on_twin(step: Step, top: Path, where: Path) -> Tree:
    """What a plain copy of the session holds after the step."""
    subprocess.run(["cp", "-a", top, where], check=True)
    step.act(where)
    return tree(where)


def check_step(world: World, step: Step, point: str, number: int, where: Path) -> None:
    """Do a step in a session of its own, kill the worker at a point, and look at what the next one shows."""
    name = f"s{number}"
    top = Path(world.vibe("spawn", name))
    step.before(top)
    if step.sealed is not None:
        world.control(name, "seal")
        step.sealed(top)
    old, new = tree(top), act_on_twin(step, top, where)
    world.arm(point)
    with contextlib.suppress(OSError):
        step.act(top)
    assert not world.is_armed(point)
    assert world.vibe("spawn", name) == str(top)
    found = tree(top)
    assert found in allowed(old, new), f"{point}: {differences(found, old)} and {differences(found, new)}"
    assert [*world.repo.vibe_dir.glob(f"sessions/{name}/layers/*/work/*")] == []
    assert [path.name for path in world.repo.vibe_dir.glob(f"sessions/{name}/layers/*")] == ["0001"]


def allowed(old: Tree, new: Tree) -> tuple[Tree, ...]:
    """The old state, the new one, or both names of a rename; the old one of a directory may be empty by then."""
    empty = {path: entry for path, entry in old.items() if path not in new and entry[0] == "directory"}
    top_most = {path: entry for path, entry in empty.items() if os.path.dirname(path) not in empty}
    return old, new, {**old, **new}, {**new, **top_most}


def differences(found: Tree, expected: Tree) -> dict[bytes, object]:
    """Paths on which two trees do not agree."""
    return {
        path: (found.get(path), expected.get(path))
        for path in sorted(found.keys() | expected.keys())
        if found.get(path) != expected.get(path)
    }


@pytest.mark.parametrize("kind", [*dict.fromkeys(name.partition(" ")[0] for name in STEPS)])
def test_a_worker_that_dies_in_a_step(kind: str, world: World, tmp_path: Path) -> None:
    chosen = [(name, point) for name, point in SINGLE if name.partition(" ")[0] == kind]
    for number, (name, point) in enumerate(chosen):
        check_step(world, STEPS[name], point, number, tmp_path / f"twin{number}")
    assert_sound(world.vibe, world.repo)


# Sealing and folding


SEAL = ("seal.staged", "seal.pushed")
FOLD = ("fold.entry", "fold.attributes", "fold.hiding", "fold.aside", "unseal.folded", "removal.renamed")


@pytest.mark.parametrize("ops", [("seal", SEAL), ("unseal", FOLD)], ids=["seal", "unseal"])
def test_a_worker_that_dies_while_layers_change_shows_the_same(ops: tuple[str, tuple[str, ...]], world: World) -> None:
    op, points = ops
    for number, point in enumerate(points):
        name = f"s{number}"
        top = Path(world.vibe("spawn", name))
        prepare_layers(world, name, top, sealed=op == "unseal")
        before, mode = tree(top), top.stat().st_mode
        world.arm(point)
        with contextlib.suppress(OSError, Exception):
            world.control(name, op)
        assert not world.is_armed(point)
        assert world.vibe("spawn", name) == str(top)
        assert differences(tree(top), before) == {}, point
        assert top.stat().st_mode == mode
        assert [path.name for path in world.repo.vibe_dir.glob(f"sessions/{name}/layers/*")] == ["0001"]
    assert_sound(world.vibe, world.repo)


def prepare_layers(world: World, name: str, top: Path, *, sealed: bool) -> None:
    """A session with something of every kind in one layer, or in two."""
    written_before(top)
    if sealed:
        world.control(name, "seal")
        written_after(top)


# Mounting


@pytest.mark.parametrize("point", ["mount.opened", "mount.mounted", "mount.known", "daemon.forked", "daemon.reported"])
def test_a_death_while_mounting(point: str, world: World) -> None:
    world.vibe("spawn", "other")
    world.arm(point)
    world.vibe.run("spawn", "alpha")
    assert not world.is_armed(point)
    top = Path(world.vibe("spawn", "alpha"))
    assert (top / "README").read_text() == "hello\n"
    patch("README")(top)
    world.vibe("close", "alpha", "--force")
    world.vibe("close", "other")
    world.assert_repairable()


# Commands


@pytest.mark.parametrize(
    "point", ["spawn.staged", "spawn.claimed", "spawn.refs", "spawn.building", "spawn.stored", "spawn.mounted"]
)
def test_a_spawn_that_dies(point: str, world: World) -> None:
    world.vibe("init")
    before = world.repo.own_state()
    world.killed(point, "spawn", "alpha", "--branch")
    world.age()
    world.vibe("spawn", "beta")
    assert (Path(world.vibe("spawn", "alpha", "--branch")) / "README").read_text() == "hello\n"
    assert world.vibe("sh", "alpha", "-c", "git symbolic-ref HEAD") == "refs/heads/vibe/alpha"
    world.assert_repairable()
    for name in ("alpha", "beta"):
        world.vibe("close", name)
    world.repo.git("branch", "-D", "vibe/alpha")
    assert world.repo.own_state() == before
    world.assert_repairable()


@pytest.mark.parametrize("point", ["spawn.staged", "spawn.claimed", "spawn.refs", "spawn.building"])
def test_a_spawn_that_dies_and_is_not_repeated(point: str, world: World) -> None:
    world.vibe("init")
    world.killed(point, "spawn", "alpha")
    assert session_names(world.repo) == set()
    world.assert_repairable()
    assert world.repo.refs("refs/vibe") == {}


PROMOTE = ("promote.objects", "promote.commit", "promote.note", "promote.ref", "promote.record")


def test_a_promote_that_dies(world: World) -> None:
    for number, point in enumerate(PROMOTE):
        name = f"s{number}"
        top = Path(world.vibe("spawn", name))
        written_before(top)
        before = tree(top)
        world.killed(point, "promote", name)
        assert len(world.repo.refs(f"refs/vibes/{name}")) == (point in PROMOTE[3:]), point
        assert tree(top) == before
        (top / "README").write_text("second\n")
        world.vibe("promote", name)
        ref = f"refs/vibes/{name}"
        assert world.repo.git("show", f"{ref}:README") == "second"
        assert world.repo.git("show", f"{ref}:new/kept") == "kept"
        assert world.repo.git("rev-list", "--count", f"main..{ref}") == ("2" if point in PROMOTE[3:] else "1"), point
        world.control(name, "unseal")
        assert [path.name for path in world.repo.vibe_dir.glob(f"sessions/{name}/layers/*")] == ["0001"]
    world.assert_repairable()


CLOSE = (
    "stop.announced", "stop.ended", "close.unmounted", "close.archived", "close.renamed", "close.worktree",
    "close.cleared",
)  # fmt: skip


def test_a_close_that_dies(world: World) -> None:
    for number, point in enumerate(CLOSE):
        name = f"s{number}"
        top = Path(world.vibe("spawn", name))
        written_before(top)
        before = tree(top)
        world.killed(point, "close", "--force", name)
        if name in session_names(world.repo):
            assert Path(world.vibe("spawn", name)) == top
            assert tree(top) == before
            (top / "later").write_text("written after the crash\n")
            world.vibe("promote", name)
            assert world.repo.git("show", f"refs/vibes/{name}:later") == "written after the crash"
            world.vibe("close", name)
        else:
            (ref,) = world.repo.refs(f"refs/vibe/archive/{name}/")
            assert world.repo.git("show", f"{ref}:new/kept") == "kept"
    world.assert_repairable()


def test_a_worker_that_was_to_end_comes_back(world: World) -> None:
    """The command that ends it is killed; the worker is known all the same, and its successor is watched again."""
    top = Path(world.vibe("spawn", "alpha"))
    world.killed("stop.announced", "close", "--force", "alpha")
    assert world.vibe.data("status")["sessions"][0]["state"] == "active"
    (top / "new").write_text("kept\n")
    world.arm("write.written")
    with contextlib.suppress(OSError):
        patch("README")(top)
    world.vibe("spawn", "alpha")
    assert (top / "new").read_text() == "kept\n"
    world.arm("write.written")
    with contextlib.suppress(OSError):
        patch("README")(top)
    wait_until(lambda: world.vibe.data("status")["sessions"][0]["state"] == "active", what="a new worker")
    assert_sound(world.vibe, world.repo)


# Damage


def log_of(world: World, name: str) -> str:
    """What the workers of a session had to say."""
    return (world.repo.vibe_dir / "logs" / f"{name}.log").read_text()


Damage = Callable[[bytes], bytes]
DAMAGES: dict[str, Damage] = {
    "cut": lambda data: data[: len(data) // 2],
    "empty": lambda data: b"",
    "flipped": lambda data: data[:200] + bytes(byte ^ 0xFF for byte in data[200:300]) + data[300:],
    "garbage": lambda data: b"garbage",
}


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("cache", ["table", "index-*"])
def test_a_damaged_cache_is_built_anew(cache: str, damage: str, world: World) -> None:
    top = Path(world.vibe("spawn", "alpha"))
    patch("README")(top)
    before = tree(top)
    world.vibe("daemon", "stop", "--all")
    (file,) = world.repo.vibe_dir.glob(f"cache/base/*/{cache}")
    whole = file.read_bytes()
    file.write_bytes(DAMAGES[damage](whole))
    assert tree(Path(world.vibe("spawn", "alpha"))) == before
    assert world.vibe("sh", "alpha", "-c", "git status --porcelain") == " M README"
    beta = world.vibe("spawn", "beta")
    assert (Path(beta) / "lib" / "a.py").read_text() == "a\n"
    assert world.vibe("sh", "beta", "-c", "git status --porcelain") == ""
    assert file.read_bytes() == whole
    assert_sound(world.vibe, world.repo)


def test_a_lost_layer_is_never_an_empty_session(world: World) -> None:
    top = Path(world.vibe("spawn", "alpha"))
    patch("README")(top)
    world.vibe("daemon", "stop", "--all")
    layer = world.repo.vibe_dir / "sessions" / "alpha" / "layers" / "0001"
    aside = layer.rename(layer.with_name("aside"))
    for command in (["spawn", "alpha"], ["promote", "alpha"], ["close", "alpha"]):
        assert f"{layer}/tree is missing" in world.vibe.fails(*command)
    assert world.vibe.run("doctor", "--json").data["problems"]
    aside.rename(layer)
    world.vibe("spawn", "alpha")
    assert (top / "README").read_bytes().startswith(b"helpatched")
    assert_sound(world.vibe, world.repo)


def test_damage_answers_eio_and_is_named_in_the_log(world: World) -> None:
    top = Path(world.vibe("spawn", "alpha"))
    patch("README")(top)
    patch("src/main.py")(top)
    world.vibe("daemon", "stop", "--all")
    world.vibe("spawn", "alpha")
    world.control("alpha", "seal")
    layers = world.repo.vibe_dir / "sessions" / "alpha" / "layers"
    oid = world.repo.git("rev-parse", "HEAD:lib/a.py")
    (world.repo.path / ".git" / "objects" / oid[:2] / oid[2:]).unlink()
    with pytest.raises(OSError, match="Input/output error"):
        (top / "lib" / "a.py").read_bytes()
    with pytest.raises(OSError, match="Input/output error"):
        patch("lib/a.py")(top)
    (layers / "0001" / "tree" / "src").rename(layers / "gone")
    with pytest.raises(OSError, match="Input/output error"):
        os.listdir(top / "src")
    assert oid in log_of(world, "alpha") and "0001/tree/src" in log_of(world, "alpha")
    assert (top / "README").read_bytes().startswith(b"helpatched")


# Under load


WRITER = (
    ENTERED
    + """
import os, random, sys, time

def put(top, name, slot, number):
    fd = os.open(name, os.O_RDWR | os.O_CREAT, 0o644, dir_fd=top)
    try:
        os.pwrite(fd, b"%7d " % number, 8 * slot)
    finally:
        os.close(fd)

path, log, me = sys.argv[1], open(sys.argv[2], "a", buffering=1), sys.argv[3]
top, choose = entered(path), random.Random(me)
for number in range(1, 10**7):
    name, slot = f"work/{me}-{choose.randrange(6)}", choose.randrange(64)
    try:
        if number % 50:
            put(top, name, slot, number)
        else:
            put(top, f"{name}.new", slot, number)
            name = f"{name}.{number}"
            os.rename(f"{name.rpartition('.')[0]}.new", name, src_dir_fd=top, dst_dir_fd=top)
        print("did", name, slot, number, file=log)
    except OSError:
        print("tried", name, slot, number, file=log)
        top = entered(path)
"""
)
"""Writes numbers into slots of clean and of new files, and says which of it was answered with success."""


def expected_slots(log: Path) -> dict[tuple[str, int], set[bytes]]:
    """What every slot may hold: the last number that was written with success, or one tried since."""
    slots: dict[tuple[str, int], set[bytes]] = {}
    for line in log.read_text().splitlines(keepends=True):
        if not line.endswith("\n"):
            continue
        how, name, slot, number = line.split()
        value = b"%7d " % int(number)
        if how == "did":
            slots[name, int(slot)] = {value}
        elif (name, int(slot)) in slots:
            slots[name, int(slot)].add(value)
    return slots


def test_writers_whose_worker_is_killed_again_and_again(world: World, tmp_path: Path) -> None:
    world.repo.commit({f"work/{me}-{file}": bytes(512) for me in range(3) for file in range(3)})
    top = Path(world.vibe("spawn", "alpha"))
    logs = [tmp_path / f"log{me}" for me in range(3)]
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITER, str(top), str(log), str(me)]) for me, log in enumerate(logs)
    ]
    try:
        moments = random.Random(7)
        for _ in range(5):
            time.sleep(moments.uniform(0.05, 0.3))
            pid = world.vibe.data("status")["sessions"][0]["pid"]
            if pid is not None:
                os.kill(pid, signal.SIGKILL)
            assert world.vibe("spawn", "alpha") == str(top)
        time.sleep(0.2)
    finally:
        for writer in writers:
            writer.kill()
            writer.wait()
    for log in logs:
        check_slots(top, log)
    assert_sound(world.vibe, world.repo)


def check_slots(top: Path, log: Path) -> None:
    """Compare what is there with what was written; the very last write may have come without being noted."""
    slots = expected_slots(log)
    assert len(slots) > 50
    last = max(int(value) for values in slots.values() for value in values)
    contents: dict[str, bytes] = {}
    for (name, slot), values in slots.items():
        if name not in contents:
            contents[name] = (top / name).read_bytes()
        found = contents[name][8 * slot : 8 * slot + 8]
        assert found in values or int(found) == last + 1, (name, slot, found, values)
