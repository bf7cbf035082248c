"""Files of `.git/vibe/context` appear in every session, are private there and never promoted."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.gitrepo import GitRepo
from tests.support.runner import Vibe
from tests.support.soundness import assert_sound
from tests.support.trees import tree
from tests.support.waiting import wait_until

pytestmark = pytest.mark.fuse


@pytest.fixture
def context(repo: GitRepo, vibe: Vibe) -> Path:
    """The context directory with a file, a directory and a link to a file outside of it."""
    vibe("init")
    directory = repo.vibe_dir / "context"
    (directory / "AGENTS.md").write_text("be good\n")
    (directory / "tools").mkdir()
    (directory / "tools" / "helper").write_text("#!/bin/sh\n")
    (directory / "tools" / "helper").chmod(0o755)
    repo.write({".env": "SECRET=1\n"})
    vibe("context", "add", ".env")
    return directory


def test_e2e_107_context_files_are_visible(vibe: Vibe, repo: GitRepo, context: Path) -> None:
    for name in ("alpha", "beta"):
        top = Path(vibe("spawn", name))
        assert (top / "AGENTS.md").read_text() == "be good\n"
        assert (top / "tools" / "helper").stat().st_mode & 0o777 == 0o755
        assert (top / ".env").read_text() == "SECRET=1\n"
        assert vibe("sh", name, "-c", "git status --porcelain; echo $SECRET; tools/helper") == "1"
        assert vibe.data("status", name)["files"] == []
    assert repo.git("status", "--porcelain") == "?? .env"
    assert_sound(vibe, repo)


def test_changes_show_in_running_sessions(vibe: Vibe, repo: GitRepo, context: Path, alpha: Path) -> None:
    assert not (alpha / "later").exists()
    (context / "later").write_text("x\n")
    wait_until((alpha / "later").exists, what="a new context file")
    (context / "AGENTS.md").write_text("be better\n")
    wait_until(lambda: (alpha / "AGENTS.md").read_text() == "be better\n", what="new content")
    repo.write({".env": "SECRET=2, and longer\n"})
    wait_until(lambda: (alpha / ".env").read_text() == "SECRET=2, and longer\n", what="new content behind a link")
    (context / "later").unlink()
    wait_until(lambda: not (alpha / "later").exists(), what="the file to go away")


def test_writes_stay_in_the_session(vibe: Vibe, repo: GitRepo, context: Path, alpha: Path) -> None:
    beta, before = Path(vibe("spawn", "beta")), tree(context)
    (alpha / "AGENTS.md").write_text("private\n")
    with open(alpha / ".env", "a") as file:
        file.write("MORE=1\n")
    (alpha / "tools" / "helper").unlink()
    assert (alpha / "AGENTS.md").read_text() == "private\n"
    assert (alpha / ".env").read_text() == "SECRET=1\nMORE=1\n"
    assert (beta / "AGENTS.md").read_text() == "be good\n"
    assert (beta / "tools" / "helper").exists()
    assert (tree(context), (repo.path / ".env").read_text()) == (before, "SECRET=1\n")


def test_context_is_never_promoted(vibe: Vibe, repo: GitRepo, context: Path, alpha: Path) -> None:
    (alpha / ".env").write_text("PRIVATE=1\n")
    (alpha / "AGENTS.md").write_text("private\n")
    (alpha / "tools" / "mine").write_text("x\n")
    (alpha / "work").write_text("x\n")
    vibe("promote", "alpha")
    changed = repo.git("diff", "--name-only", "main", "refs/vibes/alpha").split()
    assert set(changed) <= {"work", "tools/mine"} and "work" in changed
    vibe("commit", "alpha")
    assert repo.git("ls-files", ".env", "AGENTS.md") == ""


def test_a_tracked_file_is_overridden_without_being_dirty(vibe: Vibe, repo: GitRepo, context: Path) -> None:
    (context / "README").write_text("of the context\n")
    alpha = Path(vibe("spawn", "alpha"))
    assert (alpha / "README").read_text() == "of the context\n"
    assert vibe.data("status", "alpha")["files"] == []
    assert vibe("sh", "alpha", "-c", "git status --porcelain") == ""
    (alpha / "work").write_text("x\n")
    vibe("promote", "alpha")
    assert repo.git("show", "refs/vibes/alpha:README") == "hello"
    assert_sound(vibe, repo)
