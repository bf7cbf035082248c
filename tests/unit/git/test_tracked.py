"""What an index tracks, also told without listing it."""

from __future__ import annotations

from pathlib import Path

import pytest

from git_vibe.git.tracked import Untouched, has_entries_of, read_tracked
from git_vibe.git.write import repository_sink
from git_vibe.types import Oid
from tests.unit.session.handmade import git


@pytest.mark.parametrize("path", [b"a.txt", b"src", b"src/main.py", b"src/deep", b"src/none", b"a.txt/x", b"no/where"])
def test_an_untouched_index_answers_as_its_listing_does(path: bytes, repo: Path) -> None:
    listed = read_tracked(cwd=repo, env={})
    untouched = Untouched(
        Oid(git("rev-parse", "HEAD^{tree}", cwd=repo).decode()), repository_sink(repo / ".git").read_tree
    )
    assert untouched.entry(path) == listed.entry(path)
    assert untouched.has_below(path) == listed.has_below(path)
    assert list(untouched.frozen()) == list(listed.frozen()) == []


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    git("init", "-q", str(tmp_path / "repo"), cwd=tmp_path)
    for path in ("a.txt", "src/main.py", "src/deep/x"):
        (tmp_path / "repo" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "repo" / path).write_text("x\n")
    git("add", "-A", cwd=tmp_path / "repo")
    git("commit", "-q", "-m", "base", cwd=tmp_path / "repo")
    return tmp_path / "repo"


@pytest.mark.parametrize(
    ("command", "same"),
    [
        (["status"], True),
        (["update-index", "--untracked-cache"], True),
        (["update-index", "--assume-unchanged", "a.txt"], False),
        (["rm", "-q", "--cached", "a.txt"], False),
        (["update-index", "--chmod=+x", "src/main.py"], False),
    ],
)
def test_entries_of_two_indexes(command: list[str], same: bool, repo: Path) -> None:  # noqa: FBT001
    index, kept = repo / ".git/index", repo / ".git/kept"
    git("-c", "index.version=2", "rm", "-q", "-r", "--cached", ".", cwd=repo)
    git("add", "-A", cwd=repo)
    content = index.read_bytes()
    kept.write_bytes(content[: content.index(b"TREE")] + bytes(20) if b"TREE" in content else content)
    git(*command, cwd=repo)
    assert has_entries_of(index, kept) == same


def test_an_index_that_is_not_there(repo: Path) -> None:
    assert not has_entries_of(repo / ".git/index", repo / "nowhere")
