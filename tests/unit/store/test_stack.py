"""The merged picture of several layers."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from git_vibe.store.layout import CONTEXT_XATTR, OPAQUE_XATTR, TREE_XATTR, WHITEOUT_XATTR
from git_vibe.store.stack import DeltaDirectory, DeltaFile, Whiteout, is_empty, measure, read_delta

OID = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"


class Layers:
    """Layers below a directory, made file by file."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def file(self, path: str, content: str = "x") -> Path:
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(content)
        return target

    def directory(self, path: str) -> Path:
        (self.root / path).mkdir(parents=True, exist_ok=True)
        return self.root / path

    def whiteout(self, path: str) -> None:
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        os.mknod(self.root / path, stat.S_IFCHR, 0)

    def read(self, *names: str) -> DeltaDirectory:
        return read_delta([os.fsencode(self.directory(name)) for name in names])


@pytest.fixture
def layers(tmp_path: Path) -> Layers:
    return Layers(tmp_path)


def directory(parent: DeltaDirectory, name: bytes) -> DeltaDirectory:
    child = parent.children()[name]
    assert isinstance(child, DeltaDirectory)
    return child


def test_top_file_wins(layers: Layers) -> None:
    layers.file("1/a", "below")
    top = layers.file("2/a", "above")
    found = layers.read("1", "2").children()[b"a"]
    assert isinstance(found, DeltaFile)
    assert found.path == os.fsencode(top)


def test_whiteout_hides_a_lower_file(layers: Layers) -> None:
    layers.file("1/a")
    layers.whiteout("2/a")
    assert layers.read("1", "2").children() == {b"a": Whiteout()}


def test_file_over_whiteout(layers: Layers) -> None:
    layers.whiteout("1/a")
    layers.file("2/a")
    assert isinstance(layers.read("1", "2").children()[b"a"], DeltaFile)


def test_whiteout_in_xattr_form_needs_the_mark_of_its_directory(layers: Layers) -> None:
    for name in ("marked", "plain"):
        os.setxattr(layers.file(f"1/{name}/gone", ""), WHITEOUT_XATTR, b"y")
    os.setxattr(layers.root / "1/marked", OPAQUE_XATTR, b"x")
    root = layers.read("1")
    assert directory(root, b"marked").children() == {b"gone": Whiteout()}
    assert not directory(root, b"marked").opaque
    assert isinstance(directory(root, b"plain").children()[b"gone"], DeltaFile)


def test_directories_merge(layers: Layers) -> None:
    layers.file("1/d/low")
    layers.file("2/d/high")
    found = directory(layers.read("1", "2"), b"d")
    assert set(found.children()) == {b"low", b"high"}
    assert not found.opaque


def test_opaque_directory_ends_the_merge(layers: Layers) -> None:
    layers.file("1/d/low")
    layers.file("2/d/middle")
    layers.file("3/d/high")
    os.setxattr(layers.root / "2/d", OPAQUE_XATTR, b"y")
    found = directory(layers.read("1", "2", "3"), b"d")
    assert set(found.children()) == {b"middle", b"high"}
    assert found.opaque


@pytest.mark.parametrize("kind", ["file", "whiteout"])
def test_directory_over_something_else_hides_the_base(layers: Layers, kind: str) -> None:
    getattr(layers, kind)("1/d")
    layers.file("2/d/high")
    found = directory(layers.read("1", "2"), b"d")
    assert found.opaque
    assert set(found.children()) == {b"high"}


def test_graft_of_a_lower_layer_shows_through(layers: Layers) -> None:
    layers.file("1/d/low")
    os.setxattr(layers.root / "1/d", TREE_XATTR, OID.encode())
    layers.file("2/d/high")
    found = directory(layers.read("1", "2"), b"d")
    assert (found.tree, found.opaque) == (OID, True)
    assert set(found.children()) == {b"low", b"high"}


def test_context_mark(layers: Layers) -> None:
    os.setxattr(layers.file("1/copy"), CONTEXT_XATTR, b"1")
    layers.file("1/own")
    children = layers.read("1").children()
    marks = {name: node.is_context for name, node in children.items() if isinstance(node, DeltaFile)}
    assert marks == {b"copy": True, b"own": False}


def test_names_are_bytes(layers: Layers) -> None:
    path = os.path.join(os.fsencode(layers.directory("1")), b"latin\xe9\n")
    os.close(os.open(path, os.O_CREAT))
    assert set(layers.read("1").children()) == {b"latin\xe9\n"}


def test_empty(layers: Layers) -> None:
    trees = [os.fsencode(layers.directory(name)) for name in ("1", "2")]
    assert is_empty(trees)
    layers.whiteout("2/a")
    assert not is_empty(trees)


def test_measure(layers: Layers) -> None:
    layers.file("1/d/a", "12")
    layers.file("1/d/e/b", "345")
    layers.whiteout("1/d/e/c")
    assert measure(directory(layers.read("1"), b"d")) == (2, 5)
