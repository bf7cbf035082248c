"""What the tests of whole commands share: a session and a native work tree to compare it with."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.gitrepo import GitRepo
from tests.support.runner import Vibe


@pytest.fixture
def alpha(vibe: Vibe) -> Path:
    """The mount of a fresh session 'alpha'."""
    return Path(vibe("spawn", "alpha"))


@pytest.fixture
def native(repo: GitRepo, tmp_path: Path) -> Path:
    """A plain linked work tree of the same commit."""
    path = tmp_path / "native"
    repo.git("worktree", "add", "--quiet", "--detach", str(path))
    return path


@pytest.fixture
def faults(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The directory whose entries say at which named points processes die; without it they go on."""
    directory = tmp_path / "faults"
    directory.mkdir()
    monkeypatch.setenv("GIT_VIBE_FAULT", str(directory))
    yield directory
    shutil.rmtree(directory)
