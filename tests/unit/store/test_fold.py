"""Folding one layer into another: the lower one shows afterwards what both showed together."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from git_vibe.store.fold import fold_layer
from git_vibe.store.layer import directory_marks, make_whiteout, mark_opaque
from git_vibe.store.layout import INODE_XATTR, TREE_XATTR


class Layers:
    """Two layers, the upper to be folded into the lower."""

    def __init__(self, top: Path) -> None:
        self.upper, self.lower, self.work = top / "upper", top / "lower", top / "work"
        for directory in (self.upper, self.lower, self.work):
            directory.mkdir()

    def whiteout(self, path: Path) -> None:
        """Put a whiteout at a path."""
        make_whiteout(os.fsencode(self.work), os.fsencode(path))

    def fold(self) -> None:
        """Fold; nothing may be left over."""
        fold_layer(*map(os.fsencode, (self.upper, self.lower, self.work)))
        assert os.listdir(self.upper) == os.listdir(self.work) == []


@pytest.fixture
def layers(tmp_path: Path) -> Layers:
    """Two empty layers."""
    return Layers(tmp_path)


def is_hole(path: Path) -> bool:
    """Whether a path is a whiteout."""
    return stat.S_ISCHR(path.lstat().st_mode)


def test_files_and_directories(layers: Layers) -> None:
    (layers.lower / "both").mkdir()
    (layers.lower / "both" / "lower").write_text("lower")
    (layers.upper / "both").mkdir()
    (layers.upper / "both" / "upper").write_text("upper")
    (layers.upper / "both").chmod(0o711)
    os.setxattr(layers.upper / "both", INODE_XATTR, b"7")
    os.utime(layers.upper / "both", ns=(5, 6))
    layers.fold()
    both = layers.lower / "both"
    assert sorted(os.listdir(both)) == ["lower", "upper"]
    assert (stat.S_IMODE(both.stat().st_mode), both.stat().st_mtime_ns) == (0o711, 6)
    assert os.getxattr(both, INODE_XATTR) == b"7"


def test_whiteouts(layers: Layers) -> None:
    (layers.lower / "file").write_text("lower")
    (layers.lower / "folder" / "inner").mkdir(parents=True)
    for name in ("file", "folder", "base only"):
        layers.whiteout(layers.upper / name)
    layers.fold()
    assert [is_hole(layers.lower / name) for name in ("file", "folder", "base only")] == [True, True, True]


def test_a_whiteout_in_an_opaque_directory_just_removes(layers: Layers) -> None:
    (layers.lower / "opaque").mkdir()
    mark_opaque(os.fsencode(layers.lower / "opaque"))
    (layers.lower / "opaque" / "file").write_text("lower")
    (layers.upper / "opaque").mkdir()
    layers.whiteout(layers.upper / "opaque" / "file")
    layers.fold()
    assert os.listdir(layers.lower / "opaque") == []
    assert directory_marks(os.fsencode(layers.lower / "opaque"))[0]


@pytest.mark.parametrize("covered", ["whiteout", "file"])
def test_a_directory_goes_on_hiding_what_its_predecessor_hid(layers: Layers, covered: str) -> None:
    if covered == "whiteout":
        layers.whiteout(layers.lower / "name")
    else:
        (layers.lower / "name").write_text("lower")
    (layers.upper / "name").mkdir()
    layers.fold()
    assert directory_marks(os.fsencode(layers.lower / "name"))[0]


def test_a_graft_replaces(layers: Layers) -> None:
    (layers.lower / "name" / "inner").mkdir(parents=True)
    (layers.upper / "name").mkdir()
    os.setxattr(layers.upper / "name", TREE_XATTR, b"a" * 40)
    layers.fold()
    assert os.listdir(layers.lower / "name") == []
    assert directory_marks(os.fsencode(layers.lower / "name")) == (True, False, b"a" * 40)


def test_a_file_takes_the_place_of_a_directory(layers: Layers) -> None:
    (layers.lower / "name" / "inner").mkdir(parents=True)
    (layers.upper / "name").symlink_to("elsewhere")
    layers.fold()
    assert os.readlink(layers.lower / "name") == "elsewhere"
