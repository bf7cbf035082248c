"""The marks of a layer, written and read."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

import pytest

from git_vibe.store.layer import (
    accessible,
    copy_xattrs,
    directory_marks,
    exchange,
    is_whiteout,
    make_whiteout,
    mark_opaque,
    read_xattr,
    remove_path,
    rename_into_place,
    stored_inode,
    supports_xattrs,
)
from git_vibe.store.layout import INODE_XATTR, OPAQUE_XATTR, TREE_XATTR


@pytest.fixture
def layer(tmp_path: Path) -> Path:
    """A layer's directory."""
    (tmp_path / "tree").mkdir()
    (tmp_path / "work").mkdir()
    return tmp_path


def whiteout(layer: Path, name: str) -> bytes:
    """Make a whiteout and return its path."""
    path = os.fsencode(layer / "tree" / name)
    make_whiteout(os.fsencode(layer / "work"), path)
    return path


@pytest.mark.parametrize("replaced", ["nothing", "file", "directory"])
def test_a_whiteout_replaces_what_is_there(layer: Path, replaced: str) -> None:
    if replaced == "file":
        (layer / "tree" / "name").write_text("text")
    elif replaced == "directory":
        (layer / "tree" / "name" / "inner").mkdir(parents=True)
    path = whiteout(layer, "name")
    assert is_whiteout(os.lstat(path), path, marked_directory=False)
    assert list((layer / "work").iterdir()) == []


def test_a_whiteout_without_devices(layer: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(errno.EPERM, "no devices here")

    monkeypatch.setattr(os, "mknod", refuse)
    path = whiteout(layer, "name")
    tree = os.fsencode(layer / "tree")
    assert stat.S_ISREG(os.lstat(path).st_mode)
    assert directory_marks(tree) == (False, True, None)
    assert is_whiteout(os.lstat(path), path, marked_directory=True)
    assert not is_whiteout(os.lstat(path), path, marked_directory=False)
    mark_opaque(tree)
    assert (os.listdir(tree), directory_marks(tree)) == ([], (True, True, None))


def test_a_graft_is_opaque(layer: Path) -> None:
    tree = os.fsencode(layer / "tree")
    os.setxattr(tree, TREE_XATTR, b"a" * 40)
    assert directory_marks(tree) == (True, False, b"a" * 40)


@pytest.mark.parametrize(("text", "number"), [(b"17", 17), (b"0", None), (b"-1", None), (b"x", None), (b"", None)])
def test_the_stored_inode(layer: Path, text: bytes, number: int | None) -> None:
    os.setxattr(layer / "tree", INODE_XATTR, text)
    assert stored_inode(os.fsencode(layer / "tree")) == number


def test_reading_what_is_not_there(layer: Path) -> None:
    assert read_xattr(os.fsencode(layer / "tree"), OPAQUE_XATTR) is None
    with pytest.raises(FileNotFoundError):
        read_xattr(os.fsencode(layer / "missing"), OPAQUE_XATTR)


def test_copied_attributes_are_the_same_but_the_layers_own(layer: Path) -> None:
    for name, attributes in {"work": ["user.a", INODE_XATTR], "tree": ["user.b", OPAQUE_XATTR]}.items():
        for attribute in attributes:
            os.setxattr(layer / name, attribute, b"1")
    copy_xattrs(os.fsencode(layer / "work"), os.fsencode(layer / "tree"))
    assert sorted(os.listxattr(layer / "tree")) == sorted(["user.a", OPAQUE_XATTR])


def test_renaming_into_place_over_another_kind(layer: Path) -> None:
    (layer / "work" / "new").write_text("new")
    (layer / "tree" / "name" / "inner").mkdir(parents=True)
    rename_into_place(os.fsencode(layer / "work" / "new"), os.fsencode(layer / "tree" / "name"))
    assert (layer / "tree" / "name").read_text() == "new"
    assert list((layer / "work").iterdir()) == []


def test_exchanging(layer: Path) -> None:
    exchange(os.fsencode(layer / "work"), os.fsencode(layer / "tree"))
    (layer / "file").write_text("file")
    exchange(os.fsencode(layer / "file"), os.fsencode(layer / "tree"))
    assert ((layer / "tree").read_text(), (layer / "file").is_dir()) == ("file", True)


def test_removing_anything(layer: Path) -> None:
    (layer / "tree" / "a" / "b").mkdir(parents=True)
    (layer / "tree" / "a").chmod(0o500)
    for name in ("tree", "missing"):
        remove_path(os.fsencode(layer / name))
        assert not (layer / name).exists()


def test_access_is_given_for_a_while(layer: Path) -> None:
    (layer / "tree").chmod(0o500)
    with accessible(os.fsencode(layer / "tree")):
        (layer / "tree" / "inner").mkdir()
        (layer / "tree").rename(layer / "moved")
    assert stat.S_IMODE((layer / "moved").stat().st_mode) == 0o500


def test_probing_for_attributes_leaves_nothing(layer: Path) -> None:
    assert supports_xattrs(os.fsencode(layer / "tree"))
    assert list((layer / "tree").iterdir()) == []
