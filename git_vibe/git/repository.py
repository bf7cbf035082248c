"""Finding the user's repository and reading its configuration, through git itself."""

from __future__ import annotations

import os
import re
from functools import cached_property
from pathlib import Path

from git_vibe.errors import BareRepository, GitError, NotARepository, UnbornHead, UnsupportedRepository, UsageError
from git_vibe.git.command import run_git, run_git_status
from git_vibe.types import Oid

_UNKNOWN_FORMAT = re.compile("unknown repository extension|repo version")


class Repository:
    """One repository as seen from one work tree.

    `common_dir` is shared by all linked work trees, `git_dir` belongs to this one, `worktree` is its top directory
    and `prefix` the caller's directory inside it ('' or 'src/').
    """

    def __init__(self, common_dir: Path, git_dir: Path, worktree: Path, prefix: str = "") -> None:
        self.common_dir = common_dir
        self.git_dir = git_dir
        self.worktree = worktree
        self.prefix = prefix

    @cached_property
    def config(self) -> Config:
        """The configuration, read once."""
        return Config(run_git(["config", "--list", "-z"], cwd=self.worktree))

    @property
    def main_worktree(self) -> Path:
        """Top directory of the main work tree, where the repository lives beside its sessions."""
        return self.common_dir.parent if self.common_dir.name == ".git" else self.common_dir

    def resolve_commit(self, revision: str) -> Oid:
        """Full name of the commit `revision` names. Raises UnbornHead or UsageError."""
        done = run_git_status(
            ["rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}"], cwd=self.worktree
        )
        if done.returncode == 0:
            return Oid(done.stdout.decode().strip())
        if revision == "HEAD":
            raise UnbornHead(
                "your current branch does not have any commits yet", "commit something first, then spawn a session"
            )
        raise UsageError(f"'{revision}' is not a commit", "`git log --oneline --all` shows what there is")


def discover(cwd: Path) -> Repository:
    """The repository around `cwd`, found as git finds it (GIT_DIR and GIT_WORK_TREE count).

    Raises NotARepository, BareRepository or UnsupportedRepository with git's own wording.
    """
    done = run_git_status(
        ["rev-parse", "--is-bare-repository", "--is-inside-work-tree", "--show-object-format",
         "--path-format=absolute", "--git-common-dir", "--git-dir", "--show-prefix"],
        cwd=None,
    )  # fmt: skip
    if done.returncode != 0:
        raise _discovery_error(done.stderr.decode(errors="replace").strip())
    bare, inside, object_format, common, git_dir, prefix = os.fsdecode(done.stdout).split("\n")[:6]
    if bare == "true":
        raise BareRepository(
            "this operation must be run in a work tree", "git-vibe needs a repository with a work tree, not a bare one"
        )
    if inside != "true":
        raise NotARepository("this operation must be run in a work tree", "go to the work tree, not inside .git")
    if object_format != "sha1":
        raise UnsupportedRepository(
            f"repositories with object format '{object_format}' are not supported", "only sha1 repositories are"
        )
    top = cwd
    for _ in Path(prefix).parts:
        top = top.parent
    return Repository(Path(common), Path(git_dir), top, prefix)


def _discovery_error(words: str) -> Exception:
    text = words.removeprefix("fatal: ")
    if "not a git repository" in text:
        return NotARepository(text, "run it inside a repository, or create one with `git init`")
    if _UNKNOWN_FORMAT.search(text):
        words = text.rpartition("fatal: ")[2]
        return UnsupportedRepository(" ".join(words.split()), "this version of git cannot read it; a newer one may")
    return GitError(text)


class Config:
    """Git configuration as one snapshot; the last value of a key wins, as in git."""

    def __init__(self, listing: bytes) -> None:
        """`listing` is what `git config --list -z` prints."""
        self._values: dict[str, str | None] = {}
        for item in listing.split(b"\0"):
            if item:
                key, separator, value = os.fsdecode(item).partition("\n")
                self._values[key] = value if separator else None

    def text(self, key: str, default: str | None = None) -> str | None:
        """Value of `key` (section and name in lower case), or `default`."""
        value = self._values.get(key.lower(), default)
        return default if value is None else value

    def below(self, prefix: str) -> dict[str, str | None]:
        """Every key that starts with `prefix`, as git prints it, with its value."""
        return {key: value for key, value in self._values.items() if key.startswith(prefix)}

    def boolean(self, key: str, *, default: bool) -> bool:
        """Value as git reads booleans. Raises UsageError for anything else."""
        if key.lower() not in self._values:
            return default
        value = self._values[key.lower()]
        if value is None or value.lower() in ("true", "yes", "on", "1"):
            return True
        if value.lower() in ("false", "no", "off", "0", ""):
            return False
        raise UsageError(f"bad boolean config value '{value}' for '{key}'")

    def size(self, key: str, default: int) -> int:
        """Number of bytes; the suffixes k, m and g are git's. Raises UsageError."""
        return self._number(key, default, {"k": 1 << 10, "m": 1 << 20, "g": 1 << 30})

    def seconds(self, key: str, default: int) -> int:
        """Duration in seconds; the suffixes are s, m, h and d. Raises UsageError."""
        return self._number(key, default, {"s": 1, "m": 60, "h": 3600, "d": 86400})

    def count(self, key: str, default: int) -> int:
        """A plain number. Raises UsageError."""
        return self._number(key, default, {})

    def _number(self, key: str, default: int, units: dict[str, int]) -> int:
        value = self.text(key)
        if value is None:
            return default
        unit = units.get(value[-1:].lower())
        digits = value[:-1] if unit else value
        if not digits.isdigit():
            raise UsageError(f"bad numeric config value '{value}' for '{key}'")
        return int(digits) * (unit or 1)
