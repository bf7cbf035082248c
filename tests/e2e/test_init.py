"""`git vibe init` prepares a repository, adds `.git/vibe` and nothing else, or says why it cannot."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.gitrepo import GitRepo
from tests.support.runner import Vibe
from tests.support.trees import describe, tree


def git_dir_without_vibe(repo: GitRepo) -> dict[bytes, tuple[str, int, bytes]]:
    """Every byte below `.git` except `.git/vibe` and the hooks."""
    return tree(repo.path / ".git", skip=(b"vibe", b"hooks", b"hooks-before-git-vibe"))


def test_e2e_001_init_creates_state(vibe: Vibe, repo: GitRepo) -> None:
    (repo.path / ".git" / "hooks").mkdir()
    (repo.path / ".git" / "hooks" / "pre-commit").write_text("#!/bin/sh\nexit 0\n")
    git_before, files_before, own_before = git_dir_without_vibe(repo), tree(repo.path), repo.own_state()
    done = vibe.data("init")
    assert (done["created"], done["files"]) == (True, 7)
    assert {path.name for path in repo.vibe_dir.iterdir()} >= {"README", "version", "sessions", "context", "logs"}
    assert git_dir_without_vibe(repo) == git_before
    assert tree(repo.path) == files_before
    assert repo.own_state() == own_before


def test_init_twice_changes_nothing(vibe: Vibe, repo: GitRepo) -> None:
    vibe("init")
    (repo.vibe_dir / "context" / "note").write_text("kept\n")
    before = tree(repo.vibe_dir)
    again = vibe.run("init")
    assert (again.code, "lready initialised" in again.out + again.err) == (0, True)
    assert tree(repo.vibe_dir) == before


def test_init_in_a_subdirectory_prepares_the_repository(vibe: Vibe, repo: GitRepo) -> None:
    vibe("init", cwd=repo.path / "src" / "deep")
    assert describe(bytes(repo.vibe_dir))[0] == "directory"


def test_uncommitted_changes_are_warned_of(vibe: Vibe, repo: GitRepo) -> None:
    repo.write({"README": "edited\n", "new": "untracked\n"})
    before = repo.own_state()
    done = vibe.run("init")
    assert (done.code, "2 uncommitted changes are not visible in sessions" in done.err) == (0, True)
    assert repo.own_state() == before


@pytest.mark.parametrize("command", [["init"], ["spawn", "alpha"], ["status"], ["promote", "alpha"], ["purge"]])
def test_outside_of_a_repository(command: list[str], vibe: Vibe, tmp_path: Path) -> None:
    assert "not a git repository" in vibe.fails(*command, code=128, cwd=tmp_path)


def test_a_bare_repository_is_refused(vibe: Vibe, repo: GitRepo, tmp_path: Path) -> None:
    repo.git("clone", "--quiet", "--bare", ".", str(tmp_path / "bare"))
    before = tree(tmp_path / "bare")
    done = vibe.run("init", "--json", cwd=tmp_path / "bare")
    assert (done.code, done.error["code"]) == (128, "BARE_REPOSITORY")
    assert "work tree" in done.error["message"]
    assert tree(tmp_path / "bare") == before


@pytest.mark.parametrize("command", [["init"], ["spawn", "alpha"], ["spawn"]])
def test_an_unborn_branch_is_refused(command: list[str], vibe: Vibe, tmp_path: Path) -> None:
    empty = GitRepo.create(tmp_path / "empty")
    assert "does not have any commits yet" in vibe.fails(*command, code=128, cwd=empty.path)
    assert not (empty.vibe_dir / "sessions" / "alpha").exists()


@pytest.mark.parametrize("version", [None, "", "99\n", "\0garbage"])
@pytest.mark.parametrize("command", [["init"], ["spawn", "beta"], ["status"], ["launch", "true"]])
def test_a_corrupted_state_is_told(version: str | None, command: list[str], vibe: Vibe, repo: GitRepo) -> None:
    vibe("init")
    file = repo.vibe_dir / "version"
    file.unlink() if version is None else file.write_text(version)
    done = vibe.run(*command, "--json")
    assert (done.code, done.error["code"]) == (1, "STATE_CORRUPT")
    assert "git vibe doctor --repair" in done.error["suggestion"]
    assert not (repo.vibe_dir / "sessions" / "beta").exists()
