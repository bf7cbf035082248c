"""What the tests of whole commands share: a session and a native work tree to compare it with."""

from __future__ import annotations

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
