"""A real repository whose commits are the same in every run: dates and identities are pinned."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

Content = bytes | str | None
"""Bytes of a file; text starting with '-> ' is a symbolic link; None deletes."""


class GitRepo:
    """One work tree and the git that runs in it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def create(cls, path: Path) -> GitRepo:
        """An empty repository on branch main."""
        path.mkdir(parents=True)
        repo = cls(path)
        repo.git("init", "--quiet", "--initial-branch=main")
        return repo

    @property
    def vibe_dir(self) -> Path:
        """`.git/vibe`."""
        return self.path / ".git" / "vibe"

    def git(self, *args: str, stdin: bytes | None = None) -> str:
        """Run git and return its standard output without the last newline."""
        return os.fsdecode(self.git_bytes(*args, stdin=stdin)).removesuffix("\n")

    def git_bytes(self, *args: str, stdin: bytes | None = None) -> bytes:
        """Run git and return its standard output; a failure shows what git said."""
        done = subprocess.run(["git", *args], cwd=self.path, input=stdin, capture_output=True, check=False)
        assert done.returncode == 0, f"git {' '.join(args)}: {os.fsdecode(done.stderr)}"
        return done.stdout

    def write(self, files: Mapping[str, Content]) -> None:
        """Write, link or delete files of the work tree."""
        for name, content in files.items():
            write_file(self.path / name, content)

    def commit(self, files: Mapping[str, Content] | None = None, message: str = "change") -> str:
        """Write files, commit everything and return the commit's name."""
        self.write(files or {})
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", message)
        return self.git("rev-parse", "HEAD")

    def refs(self, prefix: str = "refs/") -> dict[str, str]:
        """Every ref below `prefix` with the object it names."""
        listing = self.git("for-each-ref", "--format=%(refname) %(objectname)", prefix)
        return dict(line.split(" ", 1) for line in listing.splitlines())

    def own_state(self) -> dict[str, str]:
        """What git-vibe must not disturb: HEAD, index, branches, tags, configuration, stash and the work tree."""
        state = {
            name: ref for name, ref in self.refs().items() if not name.startswith(("refs/vibe", "refs/notes/vibe"))
        }
        git_dir = self.path / ".git"
        state |= {name: (git_dir / name).read_bytes().hex() for name in ("HEAD", "config", "index")}
        return state | {"work tree": self.git("status", "--porcelain", "--ignored")}


def write_file(path: Path, content: Content) -> None:
    """Make `path` hold `content`."""
    if content is None or path.is_symlink():
        path.unlink()
    if content is None:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(content, str) and content.startswith("-> "):
        path.symlink_to(content.removeprefix("-> "))
    else:
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
