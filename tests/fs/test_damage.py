"""A damaged layer or repository: an error for what is damaged, the rest goes on."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from git_vibe.errors import ObjectMissing
from git_vibe.store.layout import INODE_XATTR, TREE_XATTR
from tests.fs.driver import Driver
from tests.support.gitrepo import GitRepo


@pytest.mark.parametrize("tree", [b"0" * 40, b"not an object name", b"\xff"])
def test_a_directory_whose_tree_is_unknown(driver: Driver, tree: bytes) -> None:
    driver.rename("src", "moved")
    os.setxattr(driver.layer_path("moved"), TREE_XATTR, tree)
    driver.remount()
    assert "moved" in driver.listdir()
    with pytest.raises(ObjectMissing):
        driver.listdir("moved")
    assert driver.read("README") == b"hello\n"


@pytest.mark.parametrize("number", [b"", b"-1", b"0", b"text", b"9" * 50])
def test_a_number_that_makes_no_sense(driver: Driver, number: bytes) -> None:
    driver.write("README", b"changed")
    driver.rename("src", "moved")
    for name in ("README", "moved"):
        os.setxattr(driver.layer_path(name), INODE_XATTR, number)
    driver.remount()
    assert driver.read("README") == b"changed"
    assert driver.read("moved/main.py") == b"print('hello')\n"


def test_a_blob_that_is_missing(driver: Driver, repo: GitRepo) -> None:
    oid = repo.git("rev-parse", "HEAD:README")
    (repo.path / ".git" / "objects" / oid[:2] / oid[2:]).unlink()
    with pytest.raises(ObjectMissing, match=oid):
        driver.read("README")
    with pytest.raises(ObjectMissing):
        driver.patch("README", 0, b"X")
    assert not driver.layer_path("README").exists()
    assert os.listdir(driver.view.delta.work) == []
    driver.write("README", b"new")
    assert driver.read("README") == b"new"


def test_leftovers_of_a_killed_worker_are_removed(driver: Driver) -> None:
    work = Path(os.fsdecode(driver.view.delta.work))
    (work / "file").write_text("left")
    (work / "folder" / "inner").mkdir(parents=True)
    driver.view.delta.clean_work()
    assert list(work.iterdir()) == []
