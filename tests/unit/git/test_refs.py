"""Refs move only from where they are expected to be."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from git_vibe.errors import RefMoved
from git_vibe.git.refs import delete_ref, is_ancestor, read_ref, replacements, unreachable_tips, update_ref
from git_vibe.types import Oid


def git(*args: str, cwd: Path) -> str:
    return subprocess.run(["git", *args], cwd=cwd, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    git("init", "-q", "repo", cwd=tmp_path)
    git("commit", "-q", "--allow-empty", "-m", "base", cwd=tmp_path / "repo")
    return tmp_path / "repo"


def commit(repo: Path, message: str, *parents: str) -> Oid:
    tree = git("rev-parse", "HEAD^{tree}", cwd=repo)
    return Oid(git("commit-tree", tree, "-m", message, *(f"-p{parent}" for parent in parents), cwd=repo))


def test_create_move_delete(repo: Path) -> None:
    first, second = commit(repo, "1"), commit(repo, "2")
    update_ref("refs/vibes/x", first, old=None, message="one", cwd=repo)
    update_ref("refs/vibes/x", second, old=first, message="two", cwd=repo)
    assert read_ref("refs/vibes/x", cwd=repo) == second
    assert git("reflog", "--format=%gs", "refs/vibes/x", cwd=repo).split("\n") == ["two", "one"]
    delete_ref("refs/vibes/x", cwd=repo)
    delete_ref("refs/vibes/x", cwd=repo)
    assert read_ref("refs/vibes/x", cwd=repo) is None


def test_unexpected_value_is_kept(repo: Path) -> None:
    first, second = commit(repo, "1"), commit(repo, "2")
    update_ref("refs/vibes/x", first, old=None, message="m", cwd=repo)
    for old in (None, second):
        with pytest.raises(RefMoved):
            update_ref("refs/vibes/x", second, old=old, message="m", cwd=repo)
    assert read_ref("refs/vibes/x", cwd=repo) == first


def test_unreachable_tips(repo: Path) -> None:
    head = Oid(git("rev-parse", "HEAD", cwd=repo))
    lost = commit(repo, "lost", head)
    above = commit(repo, "above", lost)
    other = commit(repo, "other")
    assert set(unreachable_tips([head, lost, above, other, Oid("1" * 40)], cwd=repo)) == {above, other}
    git("update-ref", "refs/heads/keep", above, cwd=repo)
    assert unreachable_tips([lost, above], cwd=repo) == []
    assert unreachable_tips([], cwd=repo) == []
    assert is_ancestor(lost, above, cwd=repo)
    assert not is_ancestor(above, lost, cwd=repo)


def test_replacements_are_found_loose_and_packed(repo: Path) -> None:
    git_dir = repo / ".git"
    assert replacements(git_dir) == {}
    (repo / "old").write_text("old\n")
    (repo / "new").write_text("new\n")
    old, new = git("hash-object", "-w", "old", "new", cwd=repo).split()
    git("replace", old, new, cwd=repo)
    expected = {bytes.fromhex(old): bytes.fromhex(new)}
    assert replacements(git_dir) == expected
    git("pack-refs", "--all", cwd=repo)
    assert replacements(git_dir) == expected
