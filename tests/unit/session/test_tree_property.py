"""Whatever is done in a session, its tree is what git would make of a plain checkout in which the same was done.

A view without a kernel writes the layers, so that they are as a session leaves them; hypothesis chooses what is done.
"""

from __future__ import annotations

import itertools
import os
import shutil
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from git_vibe.session.layers import layer_trees
from git_vibe.session.scratch import scratch_for
from git_vibe.session.tree import session_tree
from tests.fs.driver import Driver, Objects, Session, open_objects
from tests.support.operations import BASIC, NAMES, Native, Operation, paths_below, perform
from tests.support.properties import QUICK, THOROUGH, Paths, operations
from tests.unit.session.handmade import HandMade, git, write

CHANGES = {kind: maker for kind, maker in BASIC.items() if kind not in ("read", "listdir", "setxattr", "mkfifo")}
"""Nothing that only looks, and no fifo: git waits for ever for one named .gitignore."""
CHANGES["chmod"] = (12, CHANGES["chmod"][1])
ALPHABETS = tuple(
    dict(zip(NAMES, names, strict=True))
    for names in (NAMES, ("a", "x.o", "local", "build"), ("src", ".gitignore", ".gitattributes", "docs"))
)
STEERING = (
    (".gitignore", b"*.o\nlocal\n"),
    (".gitignore", b"/a\n!x.o\nbuild/\n"),
    (".gitignore", b"*\n!src\n!*/\n"),
    (".gitignore", b""),
    (".gitattributes", b"* text\n"),
    (".gitattributes", b"* text=auto\na -text\n"),
    (".gitattributes", b"*.o binary\n[attr]x text\nb x\n"),
)
LINES = (b"one\r\ntwo\r\n", b"one\r\ntwo\n")
INDEX_COMMANDS = (
    ("rm", "-q", "-r", "--cached", "--ignore-unmatch"),
    ("add", "-f"),
    ("update-index", "--chmod=+x"),
    ("update-index", "--assume-unchanged"),
    ("commit", "-q", "-m", "inside", "-i"),
)
_numbers = itertools.count(1)


@pytest.fixture
def theirs(tmp_path: Path) -> dict[str, bytes]:
    """The files of a small `.git` directory with a commit, by path."""
    other = tmp_path / "other"
    other.mkdir()
    git("init", "-q", cwd=other)
    git("commit", "-q", "--allow-empty", "-m", "theirs", cwd=other)
    kept = ("HEAD", "config", "objects", "refs")
    found = {path: other / ".git" / path for path in sorted(paths_below(str(other / ".git")))}
    return {path: file.read_bytes() for path, file in found.items() if file.is_file() and path.split("/")[0] in kept}


class SessionAndCheckout(RuleBasedStateMachine):
    """A session and a plain checkout of its base in which the same is done."""

    def __init__(self, root: Path, objects: Objects, theirs: dict[str, bytes]) -> None:
        super().__init__()
        self.root = root
        self.theirs = theirs
        self.session = HandMade(root, f"p{next(_numbers)}")
        where = Session(self.session.repo / ".git", self.session.paths.layers, root / "context", root / "cache")
        self.actors = Native(str(self.session.mount)), Driver(where, objects)
        self.paths = Paths(self.session.mount)
        self.lines: tuple[bytes, ...] = ()
        self.is_sound = True

    @initialize(file_mode=st.sampled_from(("true", "false")), data=st.sampled_from(((), LINES)))
    def configure(self, file_mode: str, data: tuple[bytes, ...]) -> None:
        """What git does with line ends an index already has depends on when it looks: either, not both."""
        git("config", "core.fileMode", file_mode, cwd=self.session.repo)
        self.session.ws.repo.__dict__.pop("config", None)
        self.lines = data

    @rule(data=st.data(), names=st.sampled_from(ALPHABETS))
    def change(self, data: st.DataObject, names: dict[str, str]) -> None:
        """Do something with files and directories."""
        for _ in range(data.draw(st.integers(1, 8))):
            self.perform(data.draw(operations(CHANGES, self.paths, names)))

    @rule(data=st.data(), names=st.sampled_from(ALPHABETS))
    def change_more(self, data: st.DataObject, names: dict[str, str]) -> None:
        self.change(data, names)

    @rule(data=st.data(), steering=st.sampled_from(STEERING))
    def steer(self, data: st.DataObject, steering: tuple[str, bytes]) -> None:
        """Tell git how to treat the files of some directory."""
        name, content = steering
        self.perform(Operation("write", (os.path.join(data.draw(self.directories()), name), content)))

    @rule(data=st.data(), name=st.sampled_from(NAMES))
    def embed(self, data: st.DataObject, name: str) -> None:
        """Make some directory a repository of its own."""
        top = os.path.join(data.draw(self.directories()), name, ".git")
        self.perform(Operation("mkdir", (os.path.dirname(top), 0o755)))
        folders = {str(parent) for path in self.theirs for parent in Path(top, path).parents if top in str(parent)}
        for folder in sorted(folders):
            self.perform(Operation("mkdir", (folder, 0o755)))
        for path, content in self.theirs.items():
            self.perform(Operation("write", (os.path.join(top, path), content)))

    @precondition(lambda self: self.lines)
    @rule(data=st.data())
    def write_lines(self, data: st.DataObject) -> None:
        path = data.draw(st.sampled_from(self.paths.existing() or ["a"]))
        self.perform(Operation("write", (path, data.draw(st.sampled_from(self.lines)))))

    @precondition(lambda self: not self.lines)
    @rule(data=st.data(), command=st.sampled_from(INDEX_COMMANDS))
    def change_index(self, data: st.DataObject, command: tuple[str, ...]) -> None:
        """Let git note something in the index of the session, or refuse to."""
        path = data.draw(st.sampled_from(self.paths.existing() or ["a"]))
        git(*command, "--", path, cwd=self.session.mount, ok=(0, 1, 128))

    @rule(event=st.sampled_from(("seal", "unseal", "remount")))
    def meanwhile(self, event: str) -> None:
        """Something that changes the layers but not the picture."""
        if event == "remount":
            self.actors[0].close_all()
        getattr(self.actors[1], event)()

    @rule()
    def compare(self) -> None:
        """The session's tree is what git makes of the checkout."""
        self.is_sound = False
        found, expected = self.tree(), self.session.native_tree()
        assert found == expected, self.difference(expected, found)
        self.is_sound = True

    def tree(self) -> str:
        """The session's tree, whose objects stay."""
        with scratch_for(self.session.ws, self.session.record, throwaway=False) as scratch:
            return session_tree(scratch, layer_trees(self.session.paths)).oid

    def difference(self, expected: str, found: str) -> str:
        return git("diff-tree", "-r", expected, found, cwd=self.session.repo).decode(errors="replace")

    def perform(self, operation: Operation) -> None:
        """Do the same on both sides."""
        self.is_sound = False
        self.paths.used(operation)
        native, driver = self.actors
        expected = perform(native, operation)
        assert perform(driver, operation) == expected, operation
        self.is_sound = True

    def directories(self) -> st.SearchStrategy[str]:
        """The top or one of the directories that are there."""
        return st.sampled_from(["", *(path for path in self.paths.existing() if (self.session.mount / path).is_dir())])

    def teardown(self) -> None:
        try:
            if self.is_sound:
                self.compare()
        finally:
            self.actors[0].close_all()
            self.actors[1].remount()
            shutil.rmtree(self.session.mount)
            shutil.rmtree(self.session.pristine)
            git("worktree", "prune", cwd=self.session.repo)


@pytest.fixture
def objects(repo: Path) -> Iterator[Objects]:
    """What the base of all sessions has, in a repository that git does not clean up."""
    write(repo, "c", "three\n")
    write(repo, "a/b/x.o", "tracked, ignored\n", 0o755)
    write(repo, "a/b/c/d", "deep\n")
    git("add", "-A", "-f", cwd=repo)
    git("commit", "-q", "-m", "more", cwd=repo)
    yield open_objects(Session(repo / ".git", repo, repo, repo))


def run(profile: settings, *given: Any) -> None:
    """Try whatever the profile asks for."""
    machine: Any = partial(SessionAndCheckout, *given)
    run_state_machine_as_test(machine, settings=profile)


def test_tree_is_what_git_makes_of_a_checkout(repo: Path, objects: Objects, theirs: dict[str, bytes]) -> None:
    run(settings(QUICK, max_examples=16, stateful_step_count=40), repo.parent, objects, theirs)


@pytest.mark.slow
def test_tree_is_what_git_makes_of_a_checkout_for_long(repo: Path, objects: Objects, theirs: dict[str, bytes]) -> None:
    run(settings(THOROUGH, max_examples=150, stateful_step_count=60), repo.parent, objects, theirs)
