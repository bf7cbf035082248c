"""A session and a native work tree of the same commit, side by side."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from tests.support.gitrepo import Content, GitRepo
from tests.support.runner import Vibe


class Compared:
    """A session and a native work tree of the same commit."""

    def __init__(self, repo: GitRepo, vibe: Vibe, native: Path) -> None:
        self.repo = repo
        self.vibe = vibe
        self.session = GitRepo(Path(vibe("spawn", "alpha")))
        repo.git("worktree", "add", "--quiet", "--detach", str(native))
        self.native = GitRepo(native)

    def check(self) -> dict[str, bytes]:
        """Assert that all is equal and nothing dirty, before and after every file is touched; the bytes by path."""
        shown = files_of(self.session.path)
        assert shown == files_of(self.native.path)
        assert self.session.git("status", "--porcelain") == ""
        for path in self.session.git_bytes("ls-files", "-z").split(b"\0")[:-1]:
            with open(os.fsencode(self.session.path) + b"/" + path, "ab"):
                pass
            os.utime(os.fsencode(self.session.path) + b"/" + path)
        self.check_git()
        return {path: content for path, (_, content) in shown.items()}

    def check_git(self) -> None:
        """Assert that nothing is changed by the judgement of git and of git-vibe."""
        assert self.session.git("status", "--porcelain") == ""
        assert self.session.git("diff") == ""
        assert self.vibe("diff", "alpha") == ""
        assert self.vibe.data("promote", "alpha")["commit"] is None

    def check_edits(self, files: dict[str, Content]) -> None:
        """Assert that the same edits give the same diff, and that promoting gives the tree that `git add -A` gives."""
        for worktree in (self.session, self.native):
            worktree.write(files)
        assert self.session.git("status", "--porcelain") == self.native.git("status", "--porcelain")
        assert self.session.git_bytes("diff") == self.native.git_bytes("diff")
        promoted = self.vibe.data("promote", "alpha")["commit"]
        self.native.git("add", "--all")
        assert self.repo.git("rev-parse", f"{promoted}^{{tree}}") == self.native.git("write-tree")


def files_of(root: Path) -> dict[str, tuple[int, bytes]]:
    """Mode and bytes of every regular file below `root` but `.git`."""
    found = [path for path in root.rglob("*") if path.is_file() and not path.is_symlink() and path.name != ".git"]
    return {str(path.relative_to(root)): (stat.S_IMODE(path.stat().st_mode), path.read_bytes()) for path in found}


def compared(repo: GitRepo, vibe: Vibe, files: dict[str, Content]) -> Compared:
    """Commit `files` and compare."""
    repo.commit(files)
    return Compared(repo, vibe, repo.path.with_name("native"))
