"""`git vibe context`: links in `.git/vibe/context`."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.support.gitrepo import GitRepo
from tests.support.runner import Vibe


@pytest.fixture
def ready(repo: GitRepo, vibe: Vibe) -> GitRepo:
    """An initialised repository with an untracked `.env`."""
    vibe("init")
    repo.write({".env": "KEY=1\n"})
    return repo


def test_add_makes_a_relative_link(ready: GitRepo, vibe: Vibe) -> None:
    vibe("context", "add", ".env")
    link = ready.vibe_dir / "context" / ".env"
    assert os.readlink(link) == "../../../.env"
    assert link.read_text() == "KEY=1\n"


def test_paths_are_relative_to_the_caller(ready: GitRepo, vibe: Vibe) -> None:
    vibe("context", "add", "../.env", "--as", "settings", cwd=ready.path / "src")
    assert (ready.vibe_dir / "context" / "settings").read_text() == "KEY=1\n"


def test_adding_twice_is_fine_but_not_something_else(ready: GitRepo, vibe: Vibe) -> None:
    vibe("context", "add", ".env")
    vibe("context", "add", ".env")
    assert "already has a '.env'" in vibe.fails("context", "add", "README", "--as", ".env", code=2)


def test_list_and_remove(ready: GitRepo, vibe: Vibe) -> None:
    vibe("context", "add", ".env")
    assert vibe("context", "list") == ".env -> ../../../.env"
    vibe("context", "remove", ".env")
    assert vibe("context", "list") == ""
    assert (ready.path / ".env").exists()
    assert "has no '.env'" in vibe.fails("context", "remove", ".env", code=2)


def test_the_only_copy_is_not_removed(ready: GitRepo, vibe: Vibe) -> None:
    own = ready.vibe_dir / "context" / "own"
    own.write_text("mine\n")
    assert "the only copy" in vibe.fails("context", "remove", "own", code=2)
    assert own.exists()


@pytest.mark.parametrize("name", [".git", "..", "a/b"])
def test_bad_names_are_refused(ready: GitRepo, vibe: Vibe, name: str) -> None:
    assert "cannot be the name" in vibe.fails("context", "add", ".env", "--as", name, code=2)


def test_a_missing_file_is_refused(ready: GitRepo, vibe: Vibe, tmp_path: Path) -> None:
    assert "does not exist" in vibe.fails("context", "add", "nothing", code=2)


@pytest.mark.fuse
def test_context_over_a_promoted_file_does_not_take_it_back(ready: GitRepo, vibe: Vibe) -> None:
    mount = Path(vibe("spawn", "alpha"))
    (mount / "README").write_text("from the session\n")
    vibe("promote", "alpha")
    vibe("context", "add", ".env", "--as", "README")
    assert vibe.data("status", "alpha")["files"] == []
    (mount / "new").write_text("more\n")
    vibe("promote", "alpha")
    assert ready.git("show", "refs/vibes/alpha:README") == "from the session"
