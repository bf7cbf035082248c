"""Renaming in a view: every kind of thing over every kind of place, seen again after a remount."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable

import pytest

from git_vibe.errors import ObjectMissing
from git_vibe.overlay import rename as rename_module
from git_vibe.overlay.rename import rename
from git_vibe.store import layer
from git_vibe.store.layer import RENAME_WHITEOUT
from git_vibe.store.layout import TREE_XATTR
from tests.fs.driver import Driver
from tests.support.gitrepo import GitRepo
from tests.support.operations import EXCHANGE, NOREPLACE, Seen

CLEAN = {"tree/one": "1\n", "tree/sub/two": "2\n", "tree/sub/three": "3\n", "other/four": "4\n", "file": "5\n"}


@pytest.fixture
def driver(driver: Driver, repo: GitRepo) -> Driver:
    """A session of a commit with some more directories."""
    repo.commit(CLEAN)
    return Driver(driver.session)


def prepare(driver: Driver, path: str, kind: str) -> None:
    """Bring about a kind of thing at a path of the base or at a new one."""
    if kind == "dirty":
        driver.write(f"{path}/one" if path == "tree" else path, b"dirty")
    elif kind in ("removed", "empty"):
        remove(driver, path)
        if kind == "empty":
            driver.mkdir(path)


def remove(driver: Driver, path: str) -> None:
    """Remove a file or a whole directory."""
    names = sorted((name for name in driver.walk() if name == path or name.startswith(f"{path}/")), reverse=True)
    for name in names:
        (driver.rmdir if name in driver.walk() and is_directory(driver, name) else driver.unlink)(name)


def is_directory(driver: Driver, path: str) -> bool:
    """Whether a path is a directory."""
    return driver.view.is_directory(driver.ino(path))


def below(seen: dict[str, Seen], path: str) -> dict[str, Seen]:
    """The part of a picture that lies at a path, with names relative to it."""
    return {name.removeprefix(path): what for name, what in seen.items() if f"{name}/".startswith(f"{path}/")}


def outside(seen: dict[str, Seen], *paths: str) -> dict[str, Seen]:
    """The part of a picture that lies at none of the paths."""
    tops = tuple(f"{path}/" for path in paths)
    return {name: what for name, what in seen.items() if not f"{name}/".startswith(tops)}


@pytest.mark.parametrize("sealed", [False, True], ids=["one layer", "sealed"])
@pytest.mark.parametrize("target", ["new", "tree/new", "other"])
@pytest.mark.parametrize("target_kind", ["clean", "removed", "empty"])
@pytest.mark.parametrize("source", ["tree", "tree/sub", "file", "tree/one", "link"])
@pytest.mark.parametrize("source_kind", ["clean", "dirty"])
def test_rename(driver: Driver, source: str, source_kind: str, target: str, target_kind: str, *, sealed: bool) -> None:
    if (source, target) == ("tree", "tree/new") or (source in ("tree/sub", "link") and source_kind == "dirty"):
        return
    prepare(driver, source, source_kind)
    prepare(driver, "other", target_kind)
    if sealed:
        driver.seal()
    moves = not driver.exists(target) or (target_kind == "empty" and is_directory(driver, source))
    before, number = driver.see(), driver.ino(source)
    if moves:
        driver.rename(source, target)
        expected = outside(before, source, target)
        expected |= {target + name: what for name, what in below(before, source).items()}
    else:
        with pytest.raises(OSError, match=r"not empty|Is a directory"):
            driver.rename(source, target)
        expected = before
    assert driver.see() == expected
    assert driver.ino(target if moves else source) == number
    driver.unseal()
    driver.remount()
    assert driver.see() == expected


def test_a_renamed_clean_directory_is_one_mark(driver: Driver) -> None:
    driver.rename("tree", "moved")
    layer = driver.layer_path("")
    assert sorted(path.name for path in layer.rglob("*")) == ["moved", "tree"]
    assert not layer.joinpath("tree").is_dir()
    assert driver.find("moved/sub/two").ino == driver.ino("moved/sub/two") <= driver.view.table.count


def test_there_and_back_again(driver: Driver) -> None:
    before, numbers = driver.see(), driver.numbers()
    for path, following in itertools.pairwise(("tree", "other/tree", "src/tree", "tree")):
        driver.rename(path, following)
        driver.remount()
    assert (driver.see(), driver.numbers()) == (before, numbers)


def test_a_graft_in_a_graft(driver: Driver) -> None:
    driver.rename("tree", "other/tree")
    driver.rename("other/tree/sub", "other/sub")
    driver.rename("other", "all")
    driver.write("all/sub/two", b"changed")
    driver.unlink("all/sub/three")
    driver.rename("all/sub", "all/tree/again")
    expected = {name: what for name, what in driver.see().items() if name.startswith("all")}
    assert sorted(expected) == ["all", "all/four", "all/tree", "all/tree/again", "all/tree/again/two", "all/tree/one"]
    driver.remount()
    assert {name: what for name, what in driver.see().items() if name.startswith("all")} == expected


def test_a_sealed_graft_below_a_directory_that_moves(driver: Driver) -> None:
    driver.rename("tree/sub", "other/sub")
    driver.mkdir("other/made")
    driver.write("other/made/file", b"made")
    driver.seal()
    driver.rename("other", "elsewhere")
    expected = driver.see()
    driver.unseal()
    driver.remount()
    assert driver.see() == expected
    assert driver.read("elsewhere/sub/two") == b"2\n"
    assert driver.read("elsewhere/made/file") == b"made"


def test_into_itself(driver: Driver) -> None:
    view = driver.view
    with pytest.raises(OSError, match="Invalid argument"):
        rename(view, (view.root, b"tree"), (driver.directory("tree/sub"), b"tree"), 0)
    with pytest.raises(OSError, match="Invalid argument"):
        rename(view, (view.root, b"tree"), (driver.directory("tree"), b"sub"), EXCHANGE)
    with pytest.raises(OSError, match="Invalid argument"):
        rename(view, (view.root, b"tree"), (view.root, b"new"), RENAME_WHITEOUT)


@pytest.mark.parametrize("sealed", [False, True])
@pytest.mark.parametrize(
    ("first", "second"), [("tree", "other"), ("tree", "file"), ("file", "link"), ("tree/sub", "other")]
)
def test_exchange(driver: Driver, first: str, second: str, *, sealed: bool) -> None:
    driver.write("tree/one", b"dirty")
    if sealed:
        driver.seal()
    before = driver.see()
    driver.rename(first, second, EXCHANGE)
    expected = outside(before, first, second)
    expected |= {second + name: what for name, what in below(before, first).items()}
    expected |= {first + name: what for name, what in below(before, second).items()}
    assert driver.see() == expected
    driver.unseal()
    driver.remount()
    assert driver.see() == expected


def test_noreplace(driver: Driver) -> None:
    with pytest.raises(FileExistsError):
        driver.rename("file", "link", NOREPLACE)
    driver.unlink("link")
    driver.rename("file", "link", NOREPLACE)
    assert driver.read("link") == b"5\n"


def test_over_an_open_file(driver: Driver) -> None:
    driver.open(0, "file")
    driver.rename("tree/one", "file")
    assert (driver.handle_read(0), driver.read("file")) == (b"5\n", b"1\n")


def test_over_another_name_of_the_same_file(driver: Driver) -> None:
    driver.link("file", "same")
    driver.rename("file", "same")
    assert driver.find("file").nlink == 2


def test_a_link_to_a_directory_is_moved_as_a_link(driver: Driver) -> None:
    driver.symlink("tree", "to-tree")
    driver.write("place", b"")
    driver.rename("to-tree", "place")
    assert driver.view.readlink(driver.ino("place")) == b"tree"
    assert not driver.exists("to-tree")


def test_a_damaged_directory_stays_where_it_is(driver: Driver) -> None:
    driver.rename("tree", "moved")
    os.setxattr(driver.layer_path("moved"), TREE_XATTR, b"0" * 40)
    driver.remount()
    with pytest.raises(ObjectMissing):
        driver.rename("moved", "again")
    assert driver.exists("moved")
    assert driver.read("file") == b"5\n"


@pytest.mark.parametrize("sealed", [False, True])
@pytest.mark.parametrize(
    ("source", "target"),
    [("tree", "new"), ("tree", "gone"), ("tree/one", "file"), ("dirty", "tree/new"), ("file", "gone")],
)
def test_killed_at_any_step(
    driver: Driver, monkeypatch: pytest.MonkeyPatch, source: str, target: str, *, sealed: bool
) -> None:
    """The view is the old one, the new one, or has both names."""
    driver.write("dirty", b"dirty")
    driver.write("tree/sub/two", b"dirty")
    driver.write("gone", b"")
    driver.unlink("gone")
    remove(driver, "other")
    if sealed:
        driver.seal()
    old = driver.see()
    new = outside(old, source, target) | {target + name: what for name, what in below(old, source).items()}
    for steps in range(40):
        if rename_some(driver, monkeypatch, source, target, steps):
            break
        driver.remount()
        seen = driver.see()
        assert seen in (old, new, {**new, **below_again(old, source)}), f"after {steps} steps"
        if seen != old:
            break
    driver.remount()
    assert below(driver.see(), target) == below(new, target)


def below_again(seen: dict[str, Seen], path: str) -> dict[str, Seen]:
    """The part of a picture that lies at a path, with its names as they are."""
    return {path + name: what for name, what in below(seen, path).items()}


def rename_some(driver: Driver, monkeypatch: pytest.MonkeyPatch, source: str, target: str, steps: int) -> bool:
    """Rename, failing after some steps on disk; whether it came to its end."""
    left = steps

    def failing(function: Callable[..., None]) -> Callable[..., None]:
        def step(*args: object, **options: object) -> None:
            nonlocal left
            left -= 1
            if left < 0:
                raise KeyboardInterrupt
            function(*args, **options)

        return step

    with monkeypatch.context() as patch:
        for name in ("rename", "unlink", "mkdir", "setxattr", "chmod", "utime", "rmdir", "mknod"):
            patch.setattr(os, name, failing(getattr(os, name)))
        for module in (layer, rename_module):
            patch.setattr(module, "renameat2", failing(module.renameat2))
        try:
            driver.rename(source, target)
        except KeyboardInterrupt:
            return False
    return True
