"""Trees with some paths changed, compared with what git makes of the same changes."""

from __future__ import annotations

from pathlib import Path

import pytest

from git_vibe.git.grafting import graft
from git_vibe.git.modes import MODE_FILE
from git_vibe.git.write import Entry, repository_sink
from git_vibe.types import Oid
from tests.unit.session.handmade import git, write


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    repo = tmp_path / "repo"
    repo.mkdir()
    git("init", "-q", cwd=repo)
    for path in ("file", "a/one", "a/b/two", "a/b/three", "z/only"):
        write(repo, path, "content\n")
    git("add", "-A", cwd=repo)
    return repo


@pytest.mark.parametrize(
    "paths",
    [
        {},
        {"new": True},
        {"a/b/two": True, "file": False},
        {"z/only": False},
        {"a/one": False, "a/b/two": False, "a/b/three": False},
        {"x/y/z": True},
        {"file": False, "file/inside": True},
        {"a/one": False, "a/b/two": False, "a/b/three": False, "a": True},
        {"file": False, "a/one": False, "a/b/two": False, "a/b/three": False, "z/only": False},
        {"missing": False, "no/such/path": False},
    ],
)
def test_as_git_would(paths: dict[str, bool], repo: Path) -> None:
    tree = Oid(git("write-tree", cwd=repo).decode())
    blob = Oid(git("hash-object", "-w", "--stdin", cwd=repo, env={"GIT_DIR": str(repo / ".git")}).decode())
    changed = {path.encode(): Entry(MODE_FILE, blob) if there else None for path, there in paths.items()}
    found = graft(repository_sink(repo / ".git"), tree, changed)
    for path, there in paths.items():
        if not there:
            git("update-index", "--force-remove", path, cwd=repo)
    for path, there in paths.items():
        if there:
            git("update-index", "--add", "--replace", "--cacheinfo", f"100644,{blob},{path}", cwd=repo)
    assert found == git("write-tree", cwd=repo).decode()


def test_a_file_stays_when_nothing_takes_its_place(repo: Path) -> None:
    tree = Oid(git("write-tree", cwd=repo).decode())
    assert graft(repository_sink(repo / ".git"), tree, {b"file/gone": None}) == tree
