"""Random operations on a view and on a plain directory must give the same, whatever is sealed or mounted between."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from git_vibe.overlay.nodes import COUNTED_INODES
from tests.fs.conftest import OrdinaryUser
from tests.fs.driver import Driver, new_session, open_objects
from tests.support.gitrepo import Content, GitRepo, write_file
from tests.support.operations import DANGLING, Native, Operation, link_groups, perform, random_operation, see, snapshot

STEPS = 400
FILES: dict[str, Content] = {
    "a/a": "one\n",
    "a/b/a": "two\n",
    "a/b/b": b"\0" * 5000,
    "a/b/c": f"-> {DANGLING}",
    "a/d": "three\n",
    "b/a/a": "",
    "b/a/b": "four\n",
    "b/b": "five\n",
    "c": "six\n",
}


@pytest.fixture
def base(tmp_path: Path) -> GitRepo:
    """A repository whose names are those that random operations use."""
    made = GitRepo.create(tmp_path / "repo")
    made.commit(FILES)
    return made


@pytest.fixture
def plain(tmp_path: Path) -> Path:
    """A plain directory with the files of the base."""
    top = tmp_path / "plain"
    for name, content in FILES.items():
        write_file(top / name, content)
    for path in top.rglob("*"):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() else 0o644)
    return top


@pytest.mark.parametrize("seed", range(15))
def test_random_operations(base: GitRepo, plain: Path, tmp_path: Path, seed: int) -> None:
    Comparison(Driver(new_session(base.path, tmp_path / "session")), str(plain), seed).run()


@pytest.mark.parametrize("seed", range(100, 105))
def test_where_devices_may_not_be_made(base: GitRepo, plain: Path, tmp_path: Path, no_devices: None, seed: int) -> None:
    Comparison(Driver(new_session(base.path, tmp_path / "session")), str(plain), seed).run()


@pytest.mark.parametrize("seed", range(200, 205))
def test_as_an_ordinary_user(
    base: GitRepo, plain: Path, tmp_path: Path, ordinary_user: OrdinaryUser, seed: int
) -> None:
    session = new_session(base.path, tmp_path / "session")
    objects = open_objects(session)
    with ordinary_user.owning(tmp_path):
        Comparison(Driver(session, objects), str(plain), seed).run()


class Comparison:
    """One run: what was done so far, on both sides."""

    def __init__(self, driver: Driver, plain: str, seed: int) -> None:
        self.driver = driver
        self.plain = plain
        self.native = Native(plain)
        self.seed = seed
        self.rng = random.Random(seed)
        self.done: list[str] = []
        self.sealed: list[tuple[str, object]] | None = None

    def run(self) -> None:
        """Carry out all steps; a failure names the seed and everything that was done."""
        try:
            for _ in range(STEPS):
                self.step()
            self.unseal()
            self.remount()
            self.native.close_all()
        except Exception as error:
            done = "\n".join(self.done)
            raise AssertionError(f"seed {self.seed}, after\n{done}\n{error!r}") from error

    def step(self) -> None:
        """One operation, or an event that must not be visible; the trees are compared now and then."""
        event = self.rng.random()
        if event < 0.02:
            self.seal()
        elif event < 0.04:
            self.unseal()
        elif event < 0.06:
            self.remount()
        else:
            self.operate(random_operation(self.rng))
        if self.rng.random() < 0.1:
            self.compare()

    def operate(self, operation: Operation) -> None:
        """Carry out an operation on both sides."""
        self.done.append(str(operation))
        expected = perform(self.native, operation)
        assert perform(self.driver, operation) == expected, expected

    def compare(self) -> None:
        """Both sides show the same, and hard links are the same ones.

        A file of a sealed layer counts the links it has there, whatever was removed since.
        """
        seen, expected = self.driver.see(), see(self.plain)
        if self.sealed is not None:
            seen = {path: what._replace(links=1) for path, what in seen.items()}
            expected = {path: what._replace(links=1) for path, what in expected.items()}
        assert seen == expected
        assert self.driver.link_groups() == link_groups(self.plain)

    def seal(self) -> None:
        """Seal; remember what the sealed layers hold."""
        self.done.append("seal")
        times = self.times()
        layers = self.driver.seal()
        assert self.sealed is None or self.sealed == self.on_disk([int(layer) for layer in layers][: len(self.sealed)])
        self.sealed = self.on_disk([int(layer) for layer in layers])
        assert self.times() == times
        self.compare()

    def on_disk(self, layers: list[int]) -> list[tuple[str, object]]:
        """Every layer file's number, time and size."""
        return [(str(layer), snapshot(str(self.driver.layer_path("", layer)))) for layer in layers]

    def unseal(self) -> None:
        """Unseal; what was sealed must not have changed until now."""
        self.done.append("unseal")
        if self.sealed is not None:
            assert self.on_disk([int(layer) for layer, _ in self.sealed]) == self.sealed
        self.sealed = None
        times = self.times()
        self.driver.unseal()
        assert self.times() == times
        self.compare()

    def times(self) -> dict[str, int]:
        """When everything was changed last."""
        return {path: attrs.mtime_ns for path, attrs in self.driver.walk().items()}

    def remount(self) -> None:
        """Look at the layers with fresh eyes: same tree, same inode numbers.

        A link or fifo cannot store its number: it may come back with that of another file, which then is numbered anew.
        """
        self.done.append("remount")
        self.native.close_all()
        before, times = self.driver.numbers(), self.times()
        self.driver.remount()
        assert self.times() == times
        after = self.driver.numbers()
        assert after.keys() == before.keys()
        changed = [path for path in before if after[path] != before[path]]
        assert [path for path in changed if max(after[path], before[path]) < COUNTED_INODES] == []
        self.compare()
