"""Whether the work of a session has landed in a branch, decided by content: branches are rebased and squashed.

What has landed and was reverted later has not landed any more.
"""

from __future__ import annotations

import contextlib
import json
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from git_vibe.git.command import run_git, run_git_status
from git_vibe.git.likeness import likeness, likenesses
from git_vibe.git.refs import is_ancestor
from git_vibe.git.write import throwaway_environment
from git_vibe.session.workspace import Workspace
from git_vibe.store.atomic import write_atomically
from git_vibe.store.record import SessionRecord
from git_vibe.types import Oid

MERGED, SAME, PICKED, SQUASHED, CONTAINED = "merged", "same tree", "picked", "squashed", "contained"
"""Ways to land: an ancestor, the very same files, every commit is there rebased or cherry-picked, one commit holds the
whole change, merging it would add nothing."""


def landed(ws: Workspace, record: SessionRecord, target: Oid) -> str | None:
    """How the last promote of a session landed in the commit `target`; None when it has not, or there is none.

    What was found is remembered. Raises GitError.
    """
    if record.promoted is None:
        return None
    file = ws.paths(record.name).root / "landed.json"
    asked = [record.promoted, target]
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        known = json.loads(file.read_bytes())
        if known["asked"] == asked:
            return str(known["how"]) if known["how"] else None
    how = commit_landed(ws, record.promoted, target)
    with contextlib.suppress(OSError):
        write_atomically(file, json.dumps({"asked": asked, "how": how}).encode(), durable=False)
    return how


def commit_landed(ws: Workspace, commit: Oid, target: Oid, env: Mapping[str, str] | None = None) -> str | None:
    """How a commit landed in another one, or None. `env` makes git see the commit where it is no object of the
    repository. Raises GitError."""
    with _objects(ws, env) as environment:
        return _Question(ws, commit, target, environment).answer()


@contextlib.contextmanager
def _objects(ws: Workspace, env: Mapping[str, str] | None) -> Iterator[Mapping[str, str]]:
    """Where a merge in memory puts its objects: never into the repository."""
    if env is not None:
        yield env
        return
    ws.layout.cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="scratch-", dir=ws.layout.cache) as directory:
        yield throwaway_environment(ws.layout.common_dir, directory)


class _Change(NamedTuple):
    """The whole change of a commit since it parted from the target: the way there, and the way back."""

    forth: str
    back: str
    paths: list[bytes]


class _Question:
    """Whether one commit landed in another."""

    def __init__(self, ws: Workspace, commit: Oid, target: Oid, env: Mapping[str, str]) -> None:
        self._cwd = ws.layout.common_dir
        self._env = env
        self._commit = commit
        self._target = target

    def answer(self) -> str | None:
        """The way it landed, or None."""
        if is_ancestor(self._commit, self._target, cwd=self._cwd, env=self._env):
            return self._unless_reverted(MERGED)
        if self._tree(self._commit) == self._tree(self._target):
            return SAME
        parting = self._parting()
        if parting is None:
            return None
        return self._by_patches(parting) or (CONTAINED if self._adds_nothing() else None)

    def _tree(self, commit: Oid) -> Oid:
        return Oid(self._git("rev-parse", "--verify", f"{commit}^{{tree}}").decode().strip())

    def _parting(self) -> Oid | None:
        """The newest commit both have."""
        done = run_git_status(["merge-base", self._commit, self._target], cwd=self._cwd, env=self._env)
        return Oid(done.stdout.decode().strip()) if done.returncode == 0 else None

    def _git(self, *args: str) -> bytes:
        return run_git(args, cwd=self._cwd, env=self._env)

    def _by_patches(self, parting: Oid) -> str | None:
        change = self._change(parting, self._commit)
        theirs = self._likenesses(parting, self._target, change)
        if _stands(change, theirs):
            return SQUASHED
        has_merges = self._git("rev-list", "--merges", "--max-count=1", f"{parting}..{self._commit}")
        own = {} if has_merges else self._likenesses(parting, self._commit, change)
        picked = bool(own) and not Counter(own.values()) - Counter(theirs.values())
        return PICKED if picked and not self._is_undone(change, own, theirs) else None

    def _is_undone(self, change: _Change, own: Mapping[Oid, str], theirs: Mapping[Oid, str]) -> bool:
        """Whether the whole or any commit of it was reverted again."""
        backs = [change.back, *(likeness(commit, self._before(commit), cwd=self._cwd, env=self._env) for commit in own)]
        taken = Counter(theirs.values())
        return any(taken[back] for back in backs) and not self._adds_nothing()

    def _before(self, commit: Oid) -> Oid:
        return Oid(self._git("rev-parse", "--verify", f"{commit}^").decode().strip())

    def _unless_reverted(self, how: str) -> str | None:
        """An ancestor has landed unless a later commit takes back its last promote, or all that was merged with it."""
        merge = self._merge_of(self._commit)
        pairs = [(self._before(self._commit), self._commit), *([(self._before(merge), merge)] if merge else [])]
        for old, new in pairs:
            change = self._change(old, new)
            theirs = self._likenesses(self._commit, self._target, change)
            counted = Counter(theirs.values())
            if change.paths and counted[change.back] > counted[change.forth]:
                return None
        return how

    def _merge_of(self, commit: Oid) -> Oid | None:
        """The merge that brought a commit into the target."""
        options = ("--ancestry-path", "--merges", "--first-parent", "--reverse")
        merges = self._git("rev-list", *options, f"{commit}..{self._target}").decode().split()
        return Oid(merges[0]) if merges else None

    def _change(self, old: Oid, new: Oid) -> _Change:
        listing = self._git("diff-tree", "-r", "-z", "--name-only", "--no-renames", old, new)
        forth = likeness(old, new, cwd=self._cwd, env=self._env)
        back = likeness(new, old, cwd=self._cwd, env=self._env)
        return _Change(forth, back, listing.split(b"\0")[:-1])

    def _likenesses(self, old: Oid, new: Oid, change: _Change) -> dict[Oid, str]:
        return likenesses(old, new, change.paths, cwd=self._cwd, env=self._env)

    def _adds_nothing(self) -> bool:
        """Whether merging the commit would leave the target's files as they are."""
        command = ["merge-tree", "--write-tree", self._target, self._commit]
        done = run_git_status(command, cwd=self._cwd, env=self._env)
        return done.returncode == 0 and done.stdout.decode().split()[:1] == [self._tree(self._target)]


def _stands(change: _Change, theirs: Mapping[Oid, str]) -> bool:
    """Whether the change is there and was not taken back as often."""
    counted = Counter(theirs.values())
    return counted[change.forth] > counted[change.back]
