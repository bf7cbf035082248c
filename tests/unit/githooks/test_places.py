"""Which way hooks get to git, and what is written for each."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from git_vibe.git.repository import discover
from git_vibe.githooks.install import install, remove, status
from git_vibe.githooks.places import git_version, own_path, way
from git_vibe.session.init import create_state
from git_vibe.session.shims import EVENTS, rest, wake
from git_vibe.session.workspace import Workspace
from tests.support.gitrepo import GitRepo

OLD, NEW = (2, 53), (2, 54)


@pytest.fixture
def ws(repo: GitRepo, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """The prepared repository."""
    monkeypatch.chdir(repo.path)
    made = Workspace(discover(repo.path))
    create_state(made)
    return made


def configuration(repo: GitRepo) -> bytes:
    """`.git/config`."""
    return (repo.path / ".git" / "config").read_bytes()


def effective(repo: GitRepo, cwd: Path | None = None) -> dict[str, list[str]]:
    """What git reads of hooks in its configuration."""
    command = ["git", "config", "-z", "--get-regexp", "^hook[.]"]
    listing = subprocess.run(command, cwd=cwd or repo.path, capture_output=True, check=False, text=True).stdout
    found: dict[str, list[str]] = {}
    for item in listing.split("\0")[:-1]:
        key, _, value = item.partition("\n")
        found.setdefault(key, []).append(value)
    return found


@pytest.mark.parametrize(
    ("version", "path", "expected"),
    [
        (OLD, None, "directory"),
        (OLD, "{git}/hooks", "directory"),
        (OLD, "{git}/../.git/hooks", "directory"),
        (OLD, ".husky/_", "redirect"),
        (OLD, "/somewhere", "redirect"),
        (OLD, ".git/hooks", "redirect"),
        (NEW, None, "config"),
        (NEW, ".husky/_", "config"),
        ((3, 0), None, "config"),
    ],
)
def test_the_way(version: tuple[int, int], path: str | None, expected: str, ws: Workspace, repo: GitRepo) -> None:
    if path is not None:
        repo.git("config", "core.hooksPath", path.format(git=repo.path / ".git"))
    assert way(ws, version) == expected


def test_a_directory_that_is_a_link_is_somebody_elses(ws: Workspace, repo: GitRepo) -> None:
    (repo.path / "githooks").mkdir()
    (repo.path / ".git" / "hooks").symlink_to("../githooks")
    assert way(ws, OLD) == "redirect"
    install(ws, may_redirect=True, version=OLD)
    assert os.listdir(repo.path / "githooks") == []


def test_the_version_is_that_of_the_git_that_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert git_version() >= (2, 30)
    (tmp_path / "git").write_text("#!/bin/sh\necho git version 2.54.0.rc1 '(Apple Git-200)'\n")
    (tmp_path / "git").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    assert git_version() == (2, 54)


def test_a_new_git_is_configured_and_sees_hooks_only_while_there_are_sessions(ws: Workspace, repo: GitRepo) -> None:
    before = configuration(repo)
    hooks = repo.path / ".git" / "hooks"
    assert install(ws, may_redirect=False, version=NEW).hooks.way == "config"
    assert not hooks.exists()
    assert effective(repo) == {}
    (ws.layout.sessions / "alpha").mkdir()
    wake(ws)
    found = effective(repo)
    assert {key: value for key, value in found.items() if key.endswith(".event")} == {
        f"hook.git-vibe-{event}.event": [event] for event in EVENTS
    }
    assert not {"pre-commit", "post-merge"} & {key.split(".")[1] for key in found}
    (ws.layout.sessions / "alpha").rmdir()
    rest(ws)
    assert effective(repo) == {}
    install(ws, may_redirect=False, version=NEW)
    remove(ws)
    assert configuration(repo) == before


def test_configured_commands_run_as_git_runs_them_and_survive_a_move(ws: Workspace, repo: GitRepo) -> None:
    install(ws, may_redirect=False, version=NEW)
    (ws.layout.sessions / "alpha").mkdir()
    wake(ws)
    (command,) = effective(repo)["hook.git-vibe-pre-commit.command"]
    (repo.path / "git-vibe").write_text('#!/bin/sh\necho "$@"\n')
    (repo.path / "git-vibe").chmod(0o755)
    environment = {**os.environ, "PATH": f"{repo.path}{os.pathsep}{os.environ['PATH']}"}
    run = ["sh", "-c", f'{command} "$@"', command, "one", "two"]
    done = subprocess.run(run, env=environment, cwd=repo.path, capture_output=True, check=True, text=True)
    assert done.stderr == "hook run pre-commit -- one two\n"
    moved = repo.path.rename(repo.path.with_name("moved"))
    done = subprocess.run(run, env=environment, cwd=moved, capture_output=True, check=True, text=True)
    assert done.stderr == ""
    assert effective(repo, moved) == {}


@pytest.mark.parametrize(("first", "second"), [(OLD, NEW), (NEW, OLD)])
def test_another_git_changes_the_way(
    first: tuple[int, int], second: tuple[int, int], ws: Workspace, repo: GitRepo
) -> None:
    before = configuration(repo)
    hook = repo.path / ".git" / "hooks" / "pre-commit"
    hook.parent.mkdir()
    hook.write_text("#!/bin/sh\n")
    install(ws, may_redirect=False, version=first)
    install(ws, may_redirect=False, version=second)
    assert status(ws).way == way(ws, second)
    assert (hook.read_text() == "#!/bin/sh\n") == (second == NEW)
    remove(ws)
    assert (hook.read_text(), configuration(repo)) == ("#!/bin/sh\n", before)


def test_strange_paths_are_quoted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    repo = GitRepo.create(tmp_path / 'it\'s [a] "re*po" \\ ?')
    monkeypatch.chdir(repo.path)
    ws = Workspace(discover(repo.path))
    create_state(ws)
    (ws.layout.sessions / "alpha").mkdir()
    before = configuration(repo)
    install(ws, may_redirect=True, version=NEW)
    (command,) = effective(repo)["hook.git-vibe-pre-commit.command"]
    subprocess.run(["sh", "-c", f'GIT_VIBE_HOOK=0; export GIT_VIBE_HOOK; {command} "$@"'], check=True)
    repo.git("config", "core.hooksPath", ".husky")
    install(ws, may_redirect=True, version=OLD)
    assert repo.git("config", "core.hooksPath") == str(repo.path / ".git" / "vibe-hooks")
    assert own_path(ws) == ".husky"
    remove(ws)
    repo.git("config", "--unset", "core.hooksPath")
    assert configuration(repo) == before
