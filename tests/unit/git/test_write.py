"""Trees and blobs, written where they are wanted."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from git_vibe.errors import ObjectMissing
from git_vibe.git.modes import MODE_FILE, MODE_TREE
from git_vibe.git.write import Entry, format_tree, parse_tree, repository_sink, throwaway_sink
from git_vibe.types import Oid


def git(*args: str, cwd: Path) -> str:
    return subprocess.run(["git", *args], cwd=cwd, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    git("init", "-q", "repo", cwd=tmp_path)
    return tmp_path / "repo"


def test_tree_order_is_gits(repo: Path) -> None:
    sink = repository_sink(repo / ".git")
    blob = sink.write_blob(b"x")
    sub = sink.write_tree({b"f": Entry(MODE_FILE, blob)})
    entries = {b"a": Entry(MODE_TREE, sub), b"a.b": Entry(MODE_FILE, blob), b"a0": Entry(MODE_FILE, blob)}
    oid = sink.write_tree(entries)
    assert git("fsck", "--strict", cwd=repo) == f"dangling tree {oid}"
    assert git("ls-tree", "--name-only", oid, cwd=repo).split() == ["a.b", "a", "a0"]
    assert sink.read_tree(oid) == entries


def test_tree_keeps_odd_names() -> None:
    entries = {b"new\nline": Entry(MODE_FILE, Oid("0" * 39 + "1")), b"latin\xe9": Entry(MODE_FILE, Oid("0" * 39 + "2"))}
    assert parse_tree(format_tree(entries.items())) == entries


def test_throwaway_objects_stay_out_of_the_repository(repo: Path, tmp_path: Path) -> None:
    directory = tmp_path / "with:colon"
    directory.mkdir()
    old = repository_sink(repo / ".git").write_blob(b"old")
    sink = throwaway_sink(repo / ".git", directory)
    tree = sink.write_tree({b"f": Entry(MODE_FILE, sink.write_blob(b"new")), b"o": Entry(MODE_FILE, old)})
    assert set(sink.read_tree(tree)) == {b"f", b"o"}
    assert git("count-objects", cwd=repo).startswith("1 objects")
    env = {**sink.environment, "GIT_DIR": str(repo / ".git")}
    done = subprocess.run(["git", "archive", tree], env=env, capture_output=True, check=True)
    assert b"new" in done.stdout and b"old" in done.stdout


def test_missing_tree(repo: Path) -> None:
    with pytest.raises(ObjectMissing):
        repository_sink(repo / ".git").read_tree(Oid("1" * 40))
