"""A table made from that of another commit against one made from nothing."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

import pytest

from git_vibe.git import successor
from git_vibe.git.successor import build_successor
from git_vibe.git.table import Table, build_table, with_converted
from tests.support.gitrepo import Content, GitRepo

WHEN = 1_700_000_000 * 10**9

CHANGES: dict[str, dict[str, Content]] = {
    "nothing": {},
    "content": {"README": "another text\n"},
    "deep content": {"src/deep/er/data.bin": b"new"},
    "first": {".a": "new"},
    "last": {"zzz": "new", "zz/z": "new"},
    "in between": {"src/a": "1", "src/n": "2", "src/z": "3"},
    "removed": {"README": None, "run.sh": None},
    "a removed directory": {"src/deep/er/data.bin": None},
    "a directory for a file": {"empty": None, "empty/one": "1"},
    "a file for a directory": {"src/deep/er/data.bin": None, "src/deep": "file"},
    "a link for a file": {"README": None, "link": "-> elsewhere"},
    "names that sort oddly": {"src.c": "1", "src-x": "2", "src0": "3", "src/main": "4"},
    "odd names": {"with\nnewline": "1", "with\ttab": "2"},
}


@pytest.fixture(autouse=True)
def always(monkeypatch: pytest.MonkeyPatch) -> None:
    """Never give up because the change is a large part of a small table."""
    monkeypatch.setattr(successor, "_WORTHWHILE", 0)


def table_of(repo: GitRepo, commit: str) -> bytes:
    return build_table(repo.path / ".git", commit, WHEN)


def assert_successor(repo: GitRepo, old: str, new: str) -> None:
    made = build_successor(repo.path / ".git", new, WHEN, Table(memoryview(table_of(repo, old))), old)
    assert made == table_of(repo, new)


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_it_is_the_same_there_and_back(repo: GitRepo, change: dict[str, Content]) -> None:
    first = repo.git("rev-parse", "HEAD")
    for name in [name for name, content in change.items() if content is None]:
        repo.git("rm", "--quiet", name)
    second = repo.commit({name: content for name, content in change.items() if content is not None})
    assert_successor(repo, first, second)
    assert_successor(repo, second, first)


def test_modes_and_submodules(repo: GitRepo) -> None:
    first = repo.git("rev-parse", "HEAD")
    (repo.path / "run.sh").chmod(0o644)
    repo.git("update-index", "--add", "--cacheinfo", f"160000,{first},src/module")
    repo.git("commit", "--quiet", "--all", "--message", "modes")
    assert_successor(repo, first, "HEAD")
    assert_successor(repo, "HEAD", first)


def test_sizes_of_converted_files_are_asked_for(repo: GitRepo) -> None:
    old = with_converted(table_of(repo, "HEAD"), {2: 12345, 3: 54321})
    first = repo.git("rev-parse", "HEAD")
    second = repo.commit({".a": "moves all rows"})
    assert build_successor(repo.path / ".git", second, WHEN, Table(memoryview(old)), first) == table_of(repo, second)


def test_a_large_change_is_built_from_nothing(repo: GitRepo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(successor, "_WORTHWHILE", 10**9)
    first = repo.git("rev-parse", "HEAD")
    repo.commit({"README": "changed"})
    assert_successor(repo, first, "HEAD")


def test_any_change(repo: GitRepo) -> None:
    chance = random.Random(1)
    paths = [Path(*(chance.choice("abc") for _ in range(depth))) for depth in (2, 3, 4) for _ in range(20)]
    commits = [repo.git("rev-parse", "HEAD")]
    for number in range(12):
        for path in chance.sample(paths, 8):
            change_somehow(repo.path / path, f"{number}", remove=chance.random() < 0.4)
        commits.append(repo.commit())
    for old, new in zip(commits, commits[1:] + commits[:1], strict=True):
        assert_successor(repo, old, new)


def change_somehow(path: Path, content: str, *, remove: bool) -> None:
    """Remove or write a file; what is in the way of either goes."""
    if path.is_dir():
        shutil.rmtree(path)
    elif remove and path.exists():
        path.unlink()
    if remove:
        return
    for parent in reversed(path.parents):
        if parent.is_file():
            parent.unlink()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
