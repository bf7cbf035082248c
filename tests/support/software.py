"""Programs of other people in a session and in a native work tree of the same commit, to compare what they do."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NoReturn

import pytest

from tests.support.gitrepo import Content, GitRepo
from tests.support.runner import Vibe
from tests.support.soundness import assert_sound
from tests.support.trees import tree

Tree = dict[bytes, tuple[str, int, bytes]]


def unavailable(reason: str) -> NoReturn:
    """Skip a test that cannot run here; fail it where the run insists on everything."""
    if os.environ.get("GIT_VIBE_REQUIRE_FUSE") == "1":
        pytest.fail(f"GIT_VIBE_REQUIRE_FUSE=1, but {reason}", pytrace=False)
    pytest.skip(reason)


def needs(*programs: str) -> None:
    """Go on only where these programs are installed."""
    missing = [program for program in programs if shutil.which(program) is None]
    if missing:
        unavailable(f"not installed: {', '.join(missing)}")


class Pair:
    """A session and a native work tree of one commit; their paths have the same length, as programs note them down."""

    def __init__(self, repo: GitRepo) -> None:
        self.repo = repo
        self.vibe = Vibe(repo.path)
        self.session = Path(self.vibe("spawn", "alpha"))
        self.native = repo.path.with_name(f"{repo.path.name}.twin") / "alpha"
        repo.git("worktree", "add", "--quiet", "--detach", str(self.native))

    @classmethod
    def of(cls, top: Path, files: Mapping[str, Content]) -> Pair:
        """A pair for a new repository `top`/repo with these files; scripts are executable."""
        repo = GitRepo.create(top / "repo")
        repo.write(files)
        for name, content in files.items():
            (repo.path / name).chmod(0o755 if str(content).startswith("#!") else 0o644)
        repo.commit()
        return cls(repo)

    def run(self, script: str, *, masked: str = "(?!)", timeout: float = 100, **environment: str) -> str:
        """Run a shell script on both sides: status, output but for what is `masked`, must be the same. The output."""
        told = [
            re.sub(masked, "MASKED", output_of(script, top, timeout=timeout, **environment))
            for top in (self.native, self.session)
        ]
        assert told[1] == told[0], f"{script}\nprints natively:\n{told[0]}\nin the session:\n{told[1]}"
        return told[0]

    def compare(self, without: Callable[[bytes], bool] = lambda path: False) -> Tree:
        """Both trees must be the same but for paths told by `without`. The tree."""
        expected, found = _comparable(self.native, without), _comparable(self.session, without)
        different = [path for path in expected | found if expected.get(path) != found.get(path)]
        assert not different, different
        return expected

    def assert_whole(self) -> None:
        """What was done is seen by git alike and can be brought back, and nothing is left broken."""
        self.run("echo done >done; git add --all; git write-tree; git status --short | wc -l")
        self.vibe("promote", "alpha")
        promoted = self.repo.git("rev-parse", "refs/vibes/alpha^{tree}")
        assert promoted == subprocess.check_output(["git", "write-tree"], cwd=self.native, text=True).strip()
        assert_sound(self.vibe, self.repo)


def output_of(script: str, top: Path, *, timeout: float = 100, **environment: str) -> str:
    """What a shell that ends at the first failure prints in `top`, which is shown as TOP, and its status."""
    done = subprocess.run(
        ["sh", "-euc", script], cwd=top, env={**os.environ, **environment}, timeout=timeout, check=False,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    return f"{os.fsdecode(done.stdout).replace(str(top), 'TOP')}status {done.returncode}\n"


def _comparable(top: Path, without: Callable[[bytes], bool]) -> Tree:
    shown = os.fsencode(top)
    return {
        path: (kind, mode, content.replace(shown, b"TOP"))
        for path, (kind, mode, content) in tree(top).items()
        if not without(path)
    }
