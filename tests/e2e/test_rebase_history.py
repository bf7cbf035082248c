"""Rebases along a history that nobody made up, compared step by step with what `git cherry-pick` makes of the same.

Sessions hold what real commits changed. Upstream goes on by real commits and merges; after each stretch every session
is rebased onto it, and now and then promoted. GIT_VIBE_HISTORY names a repository with a history; else it is the one
these tests lie in.
"""

from __future__ import annotations

import os
import random
import re
import subprocess
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.support.gitrepo import GitRepo
from tests.support.runner import Vibe
from tests.support.trees import tree

pytestmark = pytest.mark.fuse

_SOURCES = Path(__file__).parents[2]
_HISTORY = os.environ.get("GIT_VIBE_HISTORY") or str(_SOURCES)
"""Read before tests get an environment of their own."""


class Tally:
    """What was compared."""

    def __init__(self) -> None:
        self.rebases = self.conflicts = self.promotes = self.sessions = 0
        self.upstream: set[str] = set()

    def __str__(self) -> str:
        return (
            f"{len(self.upstream)} upstream commits, {self.sessions} sessions, {self.rebases} rebases"
            f" ({self.conflicts} with conflicts), {self.promotes} promotes"
        )


class Held(NamedTuple):
    """A session, and the commit whose tree it has on top of its base."""

    session: GitRepo
    base: str
    mine: str


class Walk:
    """One walk of sessions along the history of `repo`."""

    def __init__(self, repo: GitRepo, vibe: Vibe, native: Path, seed: int) -> None:
        self.repo = repo
        self.vibe = vibe
        repo.git("worktree", "add", "--quiet", "--detach", str(native))
        self.native = GitRepo(native)
        self.rng = random.Random(seed)
        self.tally = Tally()
        self.held: dict[str, Held] = {}
        self.promoted: set[str] = set()

    def commits(self, *args: str) -> list[str]:
        return self.repo.git("rev-list", "--reverse", *args).split()

    def hold(self, name: str, edit: str) -> None:
        """Begin a session that has what a commit changed."""
        base = self.repo.git("rev-parse", f"{edit}^")
        session = GitRepo(Path(self.vibe("spawn", name, "--from", base)))
        if edit != base:
            patch = self.repo.git_bytes("diff", "--binary", "--full-index", base, edit)
            session.git("apply", "--whitespace=nowarn", "--allow-empty", stdin=patch)
        self.held[name] = Held(session, base, edit)
        self.tally.sessions += 1
        assert self.tree_of(session) == self.repo.git("rev-parse", f"{edit}^{{tree}}")

    def tree_of(self, session: GitRepo) -> str:
        """What `git add -A && git write-tree` gives in a session, whose own index stays as it is."""
        environment = {**os.environ, "GIT_INDEX_FILE": str(self.repo.path.with_name("index"))}
        copy = self.repo.path / ".git/worktrees" / f"vibe-{session.path.name}" / "index"
        self.repo.path.with_name("index").write_bytes(copy.read_bytes())
        subprocess.run(["git", "add", "--all"], cwd=session.path, env=environment, check=True)
        done = subprocess.run(["git", "write-tree"], cwd=session.path, env=environment, check=True, capture_output=True)
        return done.stdout.decode().strip()

    def picked(self, held: Held, onto: str, *, promoted: bool) -> bool:
        """Cherry-pick what the session holds in the native work tree; tell whether that was clean.

        A promote whose very change upstream has by now is left out, as `git rebase` does.
        """
        self.native.git("reset", "--quiet", "--hard")
        self.native.git("clean", "-qfdx")
        self.native.git("checkout", "--quiet", "--detach", onto)
        mine = self.repo.git("commit-tree", f"{held.mine}^{{tree}}", "-p", held.base, "-m", "mine")
        if promoted and self.repo.git("cherry", onto, mine, held.base).startswith("- "):
            return True
        command = ["git", "cherry-pick", "--no-commit", mine]
        return subprocess.run(command, cwd=self.native.path, capture_output=True, check=False).returncode == 0

    def step(self, name: str, onto: str) -> bool:
        """Rebase a session and compare; False when it had conflicts and went back."""
        held = self.held[name]
        clean = self.picked(held, onto, promoted=name in self.promoted)
        before = tree(held.session.path)
        done = self.vibe.run("rebase", name, "--onto", onto)
        self.tally.rebases += 1
        assert done.code == (0 if clean else 1), f"{name} onto {onto}: {done.err}"
        if not clean:
            self.check_conflict(name, held, before)
            return False
        wanted = self.native.git("write-tree")
        assert self.tree_of(held.session) == wanted, f"{name} from {held.base} onto {onto}"
        assert held.session.git("status", "--porcelain") == self.status_without_index()
        mine = self.repo.git("commit-tree", wanted, "-p", onto, "-m", "mine")
        self.held[name] = Held(held.session, onto, mine)
        if not self.has_work(name):
            self.promoted.discard(name)
        return True

    def status_without_index(self) -> str:
        self.native.git("reset", "--quiet")
        return self.native.git("status", "--porcelain")

    def check_conflict(self, name: str, held: Held, before: object) -> None:
        assert unmerged(held.session) == unmerged(self.native)
        assert normal(tree(held.session.path)) == normal(tree(self.native.path))
        self.vibe("rebase", "--abort", name)
        assert tree(held.session.path) == before
        self.tally.conflicts += 1

    def promote(self, name: str) -> None:
        held = self.held[name]
        made = self.vibe.data("promote", name)["commit"]
        if made is not None:
            assert self.repo.git("rev-parse", f"{made}^{{tree}}") == self.repo.git("rev-parse", f"{held.mine}^{{tree}}")
            assert self.repo.git("rev-parse", f"{made}^") == held.base
            self.tally.promotes += 1
            self.promoted.add(name)

    def has_work(self, name: str) -> bool:
        """Whether not all that the session holds has landed."""
        held = self.held[name]
        return self.repo.git("rev-parse", f"{held.mine}^{{tree}}") != self.repo.git(
            "rev-parse", f"{held.base}^{{tree}}"
        )

    def drop(self, name: str) -> None:
        self.vibe("close", "--force", name)
        del self.held[name]


def unmerged(where: GitRepo) -> list[bytes]:
    return sorted(plain(each) for each in where.git_bytes("ls-files", "-u", "-z").split(b"\0"))


def plain(path: bytes) -> bytes:
    return re.sub(rb"~(HEAD|[0-9a-f]{7,} \(mine\)|[0-9a-f]{40}|[a-z]+[0-9]+)$", b"~side", path)


def normal(found: dict[bytes, tuple[str, int, bytes]]) -> dict[bytes, tuple[str, int, bytes]]:
    return {
        plain(path): (kind, bits, re.sub(rb"(?m)^([<>|]{7}) .*$", rb"\1", content))
        for path, (kind, bits, content) in found.items()
        if kind != "directory"
    }


def walk_along(walk: Walk, upstream: list[str], edits: list[str], stretch: int) -> None:
    """Rebase sessions onto every so many commits of upstream; one that has a conflict makes place for another edit."""
    waiting = list(reversed(edits))
    for number in range(3):
        walk.hold(f"s{number}", waiting.pop())
    count = 3
    for position in range(stretch, len(upstream), stretch):
        onto = upstream[position]
        walk.tally.upstream.update(upstream[: position + 1])
        for name in list(walk.held):
            went_on = walk.step(name, onto)
            if went_on and walk.rng.random() < 0.4:
                walk.promote(name)
            if waiting and not (went_on and walk.has_work(name)):
                walk.drop(name)
                walk.hold(f"s{count}", waiting.pop())
                count += 1


def generated(repo: GitRepo, rng: random.Random, length: int) -> None:
    """A history of edits, renames and merges of some files."""
    names = [f"{directory}/{number}.txt" for directory in "abc" for number in range(6)]
    repo.commit({name: "".join(f"{name} {line}\n" for line in range(30)) for name in names})
    for number in range(length):
        side = number % 4 == 3
        if side:
            repo.git("checkout", "--quiet", "-b", f"side{number}", "HEAD~2" if number > 4 else "HEAD")
        files = sorted(repo.git("ls-files").splitlines())
        chosen = rng.choice([name for name in files if name.endswith(".txt")])
        lines = (repo.path / chosen).read_text().splitlines(keepends=True)
        lines[rng.randrange(len(lines))] = f"changed {number}\n"
        repo.commit({chosen: "".join(lines)}, message=f"edit {number}")
        if number % 5 == 4:
            repo.git("mv", chosen, f"{chosen[:-4]}x.txt")
            repo.commit(message=f"move {number}")
        if side:
            repo.git("checkout", "--quiet", "main")
            subprocess.run(
                ["git", "merge", "--quiet", "-X", "ours", "--no-ff", "-m", f"merge {number}", f"side{number}"],
                cwd=repo.path, check=False, capture_output=True,
            )  # fmt: skip
            repo.commit(message="merged")


def test_along_a_generated_history(repo: GitRepo, vibe: Vibe, tmp_path: Path) -> None:
    rng = random.Random(4)
    generated(repo, rng, 24)
    walk = Walk(repo, vibe, tmp_path / "native", 4)
    commits = walk.commits("main")
    plain_commits = walk.commits("--no-merges", "main")[3:]
    walk_along(walk, commits[len(commits) // 3 :], rng.sample(plain_commits[:12], 12), 8)
    assert walk.tally.rebases >= 6


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(int(os.environ.get("GIT_VIBE_WALKS", "1"))))
def test_along_a_real_history(seed: int, tmp_path: Path) -> None:
    subprocess.run(["git", "clone", "--quiet", "--shared", _HISTORY, str(tmp_path / "repo")], check=True)
    repo = GitRepo(tmp_path / "repo")
    repo.git("checkout", "--quiet", "--detach")
    vibe = Vibe(repo.path)
    walk = Walk(repo, vibe, tmp_path / "native", seed)
    commits = walk.commits("--topo-order", "HEAD")
    length = min(len(commits) // 2, int(os.environ.get("GIT_VIBE_LENGTH", "300")))
    start = walk.rng.randrange(len(commits) // 3, len(commits) - length + 1)
    window = commits[start : start + length]
    near = set(commits[start - length // 4 : start + length // 2])
    edits = [commit for commit in walk.commits("--no-merges", "--min-parents=1", "HEAD") if commit in near]
    try:
        walk_along(walk, window, walk.rng.sample(edits, len(edits)), max(1, length // 40))
    finally:
        merges = len(walk.commits("--merges", f"{window[0]}..{window[-1]}"))
        print(f"\n{walk.tally}; {merges} of upstream are merges")  # noqa: T201  (the figures are the point)
        vibe.run("daemon", "stop", "--all")
