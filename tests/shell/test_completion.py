"""Completion in real shells, for both spellings of the command."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.gitrepo import GitRepo
from tests.support.shells import GIT_COMPLETION, offered_by_bash, offered_by_fish, offered_by_zsh

pytestmark = pytest.mark.shell

EXPECTED = {
    "spa": ["spawn"],
    "clo": ["close"],
    "sh al": ["alpha", "alps"],
    "diff be": ["beta"],
    "promote x": [],
    "log al": ["alpha", "alps", "also-closed"],
    "audit --session also": ["also-closed"],
    "audit --type p": ["promote", "purge"],
    "spawn --br": ["--branch"],
    "close alpha al": ["alpha", "alps"],
    "daemon st": ["start", "status", "stop"],
    "context remove .e": [".env"],
    "hook st": ["status"],
    "hook run pre-": ["pre-commit", "pre-push"],
    "init --no-h": ["--no-hooks"],
    "completion f": ["fish"],
    "--js": ["--json"],
}

Offered = Callable[[str], list[str]]


@pytest.fixture(params=["bash", "zsh", "fish"])
def offered(request: pytest.FixtureRequest, tmp_path: Path) -> Offered:
    """What one of the shells offers."""
    shell = request.param
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    if shell == "bash" and not GIT_COMPLETION.exists():
        pytest.skip("git's own bash completion is not installed")
    if shell == "zsh":
        return lambda line: offered_by_zsh(line, tmp_path)
    return offered_by_bash if shell == "bash" else offered_by_fish


@pytest.fixture
def sessions(repo: GitRepo, monkeypatch: pytest.MonkeyPatch) -> GitRepo:
    """A repository in which completion finds three sessions and a context file; nothing is mounted."""
    for name in ("alpha", "alps", "beta", ".new-alpine-1f"):
        (repo.vibe_dir / "sessions" / name).mkdir(parents=True)
    repo.git("update-ref", "refs/vibes/also-closed", "HEAD")
    (repo.vibe_dir / "context").mkdir()
    (repo.vibe_dir / "context" / ".env").touch()
    monkeypatch.chdir(repo.path)
    return repo


@pytest.mark.parametrize("words", EXPECTED)
@pytest.mark.parametrize("program", ["git vibe", "git-vibe"])
def test_words_are_completed(sessions: GitRepo, offered: Offered, program: str, words: str) -> None:
    assert offered(f"{program} {words}") == EXPECTED[words]


def test_options_of_git_come_before_the_command(sessions: GitRepo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir("/")
    assert offered_by_bash(f"git -C {sessions.path} vibe promote be") == ["beta"]


def test_outside_of_a_repository_no_session_is_offered(offered: Offered, tmp_path: Path) -> None:
    assert offered("git vibe sh al") == []
