"""A layer that comes on top of a live view, and goes again: the picture in memory is the one a remount reads."""

from __future__ import annotations

import contextlib
import os
import random
import stat
from pathlib import Path

import pytest

from git_vibe.overlay.relayer import Changed, is_written, pop_layers, push_layer, touched
from git_vibe.store.layer import make_whiteout
from git_vibe.types import LayerId
from tests.fs.driver import Driver, new_session, open_objects
from tests.fs.test_differential import FILES
from tests.support.gitrepo import GitRepo
from tests.support.operations import Operation, Seen, perform, random_operation

STEPS = 60


@pytest.fixture
def driver(tmp_path: Path) -> Driver:
    """A session of a repository whose names are those that random operations use."""
    repo = GitRepo.create(tmp_path / "repo")
    repo.commit(FILES)
    return Driver(new_session(repo.path, tmp_path / "session"))


class Staged:
    """A layer in the making."""

    def __init__(self, driver: Driver) -> None:
        self.path = driver.session.layers / ".new-staged"
        (self.path / "tree").mkdir(parents=True)
        (self.path / "work").mkdir()

    def write(self, path: str, content: bytes) -> None:
        target = self._place(path)
        with contextlib.suppress(IsADirectoryError):
            target.write_bytes(content)

    def whiteout(self, path: str) -> None:
        target = self._place(path)
        if not target.exists():
            make_whiteout(os.fsencode(self.path / "work"), os.fsencode(target))

    def _place(self, path: str) -> Path:
        target = self.path / "tree" / path
        for parent in reversed(target.relative_to(self.path / "tree").parents):
            here = self.path / "tree" / parent
            if here.exists() and not here.is_dir():
                return self.path / "work" / os.urandom(4).hex()
            here.mkdir(exist_ok=True)
        return target


def reread(driver: Driver) -> Driver:
    """The same layers as a remount would read them."""
    other = Driver(driver.session, driver.objects)
    assert not driver.view.delta.is_adopted(LayerId(1))
    return other


def random_layer(driver: Driver, rng: random.Random) -> Staged:
    """Files and whiteouts at a few paths, some of which exist."""
    staged = Staged(driver)
    candidates = [*sorted(driver.walk()), "new", "a/new", "b/new/deep"]
    for path in rng.sample(candidates, min(6, len(candidates))):
        if rng.random() < 0.6:
            staged.write(path, rng.randbytes(rng.randrange(50)))
        else:
            staged.whiteout(path)
    return staged


def play(driver: Driver, rng: random.Random) -> None:
    for _ in range(STEPS):
        with contextlib.suppress(OSError):
            perform(driver, random_operation(rng))


@pytest.mark.parametrize("seed", range(40))
def test_random_layers_come_and_go(driver: Driver, seed: int) -> None:
    rng = random.Random(seed)
    play(driver, rng)
    driver.seal()
    before, numbers, last = driver.see(), driver.numbers(), driver.view.delta.top
    held = hold(driver, rng)
    push_layer(driver.view, random_layer(driver, rng).path)
    assert driver.see() == reread(driver).see()
    assert {path: driver.handle_read(slot) for slot, path in enumerate(held)} == held_content(before, held)
    pop_layers(driver.view, last)
    assert driver.see() == before == reread(driver).see()
    assert driver.numbers() == numbers
    driver.close_all()


def hold(driver: Driver, rng: random.Random) -> list[str]:
    """Open a few regular files and tell which."""
    regular = [path for path, attrs in sorted(driver.walk().items()) if stat.S_ISREG(attrs.mode)]
    held = rng.sample(regular, min(3, len(regular)))
    for slot, path in enumerate(held):
        driver.open(slot, path)
    return held


def held_content(seen: dict[str, Seen], held: list[str]) -> dict[str, bytes | str]:
    return {path: seen[path].content for path in held}


def push(driver: Driver, **files: bytes | None) -> Changed:
    """Put a layer on top that has these files, or whiteouts where there is None; `__` stands for a slash."""
    staged = Staged(driver)
    for name, content in files.items():
        path = name.replace("__", "/")
        if content is None:
            staged.whiteout(path)
        else:
            staged.write(path, content)
    return push_layer(driver.view, staged.path)


def test_what_changed_is_named(driver: Driver) -> None:
    root, a = driver.ino(""), driver.ino("a")
    driver.listdir("a")
    changed = push(driver, a__a=b"new", a__fresh=b"x", c=None)
    assert sorted(changed.entries) == sorted([(a, b"a"), (a, b"fresh"), (root, b"c")])
    assert {root, a} <= changed.directories


def test_untouched_files_keep_their_numbers(driver: Driver) -> None:
    driver.write("mine", b"dirty")
    before = driver.numbers()
    push(driver, a__a=b"new")
    after = driver.numbers()
    assert {path for path in before if after[path] != before[path]} == {"a/a"}


def test_layers_on_top_are_not_merged_with_what_was_before(driver: Driver) -> None:
    driver.write("mine", b"one")
    push(driver, a__a=b"new")
    driver.write("mine", b"two")
    driver.seal()
    driver.unseal()
    assert [int(layer) for layer in driver.view.delta.ids] == [1, 2]
    pop_layers(driver.view, LayerId(1))
    assert (driver.read("mine"), driver.read("a/a")) == (b"one", b"one\n")
    assert [path.name for path in driver.session.layers.iterdir()] == ["0001"]


def test_at_the_end_they_are(driver: Driver) -> None:
    push(driver, a__a=b"new")
    driver.view.delta.merge_adopted()
    driver.unseal()
    assert [path.name for path in driver.session.layers.iterdir()] == ["0001"]
    assert driver.read("a/a") == b"new"
    driver.remount()
    assert driver.read("a/a") == b"new"


def test_a_clean_file_that_a_holder_wrote_to_is_not_taken_for_the_clean_one(driver: Driver) -> None:
    driver.open(0, "a/a")
    push(driver, a__a=None)
    driver.handle_write(0, 0, b"ONE")
    pop_layers(driver.view, LayerId(1))
    assert driver.read("a/a") == b"one\n"
    assert driver.handle_read(0) == b"ONE\n"
    driver.write("a/a", b"two")
    assert driver.handle_read(0) == b"ONE\n"


def test_later_writes_are_noticed(driver: Driver) -> None:
    driver.write("before", b"")
    sealed = driver.seal()[-1]
    driver.write("a/a", b"x")
    driver.unlink("c")
    driver.mkdir("b/a/new")
    paths = [b"a/a", b"a/b/a", b"c", b"b/a/b", b"b/a/new/x", b"before", b"b/a"]
    assert touched(driver.view, sealed, paths) == [b"a/a", b"c", b"b/a"]


def test_whether_anything_was_written_since(driver: Driver) -> None:
    push(driver, a__a=b"new")
    sealed = driver.seal()[-1]
    assert not is_written(driver.view, sealed)
    driver.write("c", b"x")
    assert is_written(driver.view, sealed)


def test_a_remount_reads_the_same(driver: Driver) -> None:
    push(driver, a__a=b"new", b__b=None)
    seen = driver.see()
    driver.remount()
    assert driver.see() == seen
    assert open_objects(driver.session) is not None
    perform(driver, Operation("write", ("a/a", b"more", 0o644)))
    assert driver.read("a/a") == b"more"
