"""A repository with files of every kind, and a session of it made by hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.session.handmade import HandMade, git, write


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    """A repository with one commit of files of every kind."""
    repo = tmp_path / "repo"
    repo.mkdir()
    git("init", "-q", cwd=repo)
    write(repo, "a.txt", "one\n")
    write(repo, "run.sh", "#!/bin/sh\n", 0o755)
    write(repo, "src/main.py", "print(1)\n")
    write(repo, "src/deep/er/x.py", "x\n")
    write(repo, "src/deep/y.py", "y\n")
    write(repo, "docs/a.md", "a\n")
    write(repo, "docs/b.md", "b\n")
    write(repo, "build/kept.txt", "tracked though ignored\n")
    write(repo, ".gitignore", "*.o\nbuild/\n/local\n!keep.o\n")
    (repo / "link").symlink_to("a.txt")
    git("add", "-A", cwd=repo)
    git("add", "-f", "build/kept.txt", cwd=repo)
    git("commit", "-q", "-m", "base", cwd=repo)
    return repo


@pytest.fixture
def session(repo: Path) -> HandMade:
    """A session 'alpha' of `repo` with one empty layer."""
    return HandMade(repo.parent, "alpha")
