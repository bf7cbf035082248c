"""The pre-filled index as git itself reads it."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from git_vibe.git.index import build_index, with_untracked_cache
from git_vibe.git.table import Table, build_table
from tests.support.gitrepo import GitRepo

WHEN = 1_700_000_000 * 10**9


@pytest.fixture
def index(repo: GitRepo) -> bytes:
    table = Table(memoryview(build_table(repo.path / ".git", "HEAD", WHEN)))
    return build_index(table, uid=12, gid=34)


def git_with(index: bytes, repo: GitRepo, *args: str) -> str:
    """What git prints with `index` as its index; anything on standard error fails."""
    path = repo.path / ".git" / "tested-index"
    path.write_bytes(index)
    environment = {**os.environ, "GIT_INDEX_FILE": str(path)}
    done = subprocess.run(["git", *args], cwd=repo.path, env=environment, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    return done.stdout


def test_it_holds_what_head_holds(repo: GitRepo, index: bytes) -> None:
    assert git_with(index, repo, "diff-index", "--cached", "HEAD") == ""
    assert git_with(index, repo, "ls-files", "-s") == repo.git("ls-files", "-s") + "\n"


def test_its_stat_data_are_those_of_the_view(repo: GitRepo, index: bytes) -> None:
    first = git_with(index, repo, "ls-files", "--debug").splitlines()[:6]
    assert [line.split() for line in first[1:5]] == [
        ["ctime:", "1700000000:0"],
        ["mtime:", "1700000000:0"],
        ["dev:", "0", "ino:", "2"],
        ["uid:", "12", "gid:", "34"],
    ]


def test_the_untracked_cache_is_the_one_git_makes(repo: GitRepo, index: bytes) -> None:
    where = os.path.realpath(repo.path)
    ours = with_untracked_cache(index, where)
    path = repo.path / ".git" / "tested-index"
    path.write_bytes(index)
    environment = {**os.environ, "GIT_INDEX_FILE": str(path)}
    subprocess.run(["git", "update-index", "--force-untracked-cache"], cwd=repo.path, env=environment, check=True)
    theirs = path.read_bytes()
    assert ours[ours.rindex(b"UNTR") : -20] == theirs[theirs.rindex(b"UNTR") : -20]


def test_git_accepts_and_fills_it(repo: GitRepo, index: bytes) -> None:
    ours = with_untracked_cache(index, os.path.realpath(repo.path))
    (repo.path / "new").write_text("x")
    assert git_with(ours, repo, "status", "--porcelain") == "?? new\n"
    filled = (repo.path / ".git" / "tested-index").read_bytes()
    assert filled[filled.rindex(b"UNTR") : -20] != ours[ours.rindex(b"UNTR") : -20]
    assert git_with(filled, repo, "fsck") == ""


def test_long_work_tree_paths(repo: GitRepo, index: bytes, tmp_path: Path) -> None:
    deep = str(tmp_path / ("d" * 200) / ("e" * 100))
    data = with_untracked_cache(index, deep)
    assert deep.encode() in data
    assert git_with(data, repo, "diff-index", "--cached", "HEAD") == ""
