"""What the daemon is told of changes: each path once, until the view begins a new layer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
import trio

from git_vibe.mount import wire
from git_vibe.mount.news import News
from git_vibe.mount.wire import Request
from git_vibe.overlay import edit
from git_vibe.overlay.seal import seal
from git_vibe.overlay.view import View
from git_vibe.types import ROOT_INODE
from tests.fs.driver import new_session, open_objects, open_view
from tests.support.gitrepo import GitRepo


@pytest.fixture
def view(tmp_path: Path) -> View:
    repo = GitRepo.create(tmp_path / "repo")
    repo.commit({"a": "a", "b": "b", "tree/c": "c"})
    session = new_session(repo.path, tmp_path / "session")
    return open_view(session, open_objects(session))


class Kernel:
    """Sends requests to handlers that do nothing, so that a failed one looks like any other."""

    def __init__(self, view: View, tell: Callable[[Sequence[bytes]], None] = lambda paths: None) -> None:
        self.news = News(view, tell)
        nothing = {opcode: lambda request, body: b"done" for opcode in range(64)}
        self._handlers = self.news.listening(nothing)
        self._view = view

    def ask(self, opcode: int, ino: int, body: bytes = b"") -> None:
        answer = self._handlers[opcode](Request(0, opcode, 1, ino, 0, 0, 0, 0), memoryview(body))
        assert answer == b"done"

    def ino(self, path: bytes) -> int:
        directory = self._view.root
        *parents, name = path.split(b"/")
        for parent in parents:
            directory = self._view.directory(self._view.child(directory, parent) or 0)
        return self._view.child(directory, name) or 0

    def heard(self) -> list[bytes]:
        """What there is to tell since the last call."""
        return sorted(self.news.take())


@pytest.fixture
def kernel(view: View) -> Kernel:
    return Kernel(view)


def attributes(valid: int) -> bytes:
    return wire.SETATTR_IN.pack(valid, *[0] * 10)


REQUESTS: list[tuple[int, bytes, bytes, list[bytes]]] = [
    (wire.WRITE, b"a", b"", [b"a"]),
    (wire.WRITE, b"tree/c", b"", [b"tree/c"]),
    (wire.FALLOCATE, b"a", b"", [b"a"]),
    (wire.SETATTR, b"a", attributes(wire.FATTR_SIZE), [b"a"]),
    (wire.SETATTR, b"a", attributes(wire.FATTR_MODE), [b"a"]),
    (wire.SETATTR, b"a", attributes(wire.FATTR_MTIME), []),
    (wire.MKNOD, b"tree", wire.MKNOD_IN.pack(0o100644, 0) + b"new\0", [b"tree/new"]),
    (wire.SYMLINK, b"tree", b"new\0target\0", [b"tree/new"]),
    (wire.LINK, b"tree", wire.LINK_IN.pack(2) + b"new\0", [b"tree/new"]),
    (wire.UNLINK, b"tree", b"c\0", [b"tree/c"]),
    (wire.MKDIR, b"tree", wire.MKDIR_IN.pack(0, 0) + b"new\0", []),
    (wire.READ, b"a", b"", []),
]
"""Opcode, the file or directory that it is about, the body, and what is told."""


@pytest.mark.parametrize(("opcode", "about", "body", "told"), REQUESTS)
def test_what_a_request_changes(kernel: Kernel, opcode: int, about: bytes, body: bytes, told: Sequence[bytes]) -> None:
    kernel.ask(opcode, kernel.ino(about), body)
    assert kernel.heard() == told


def test_renames_change_both_names_and_directories_all_below(kernel: Kernel) -> None:
    kernel.ask(wire.RENAME, ROOT_INODE, wire.RENAME_IN.pack(kernel.ino(b"tree")) + b"a\0b\0")
    kernel.ask(wire.RENAME2, ROOT_INODE, wire.RENAME2_IN.pack(ROOT_INODE, 0) + b"tree\0forest\0")
    assert kernel.heard() == [b"a", b"forest", b"tree/", b"tree/b"]


def test_copy_changes_its_target(kernel: Kernel) -> None:
    body = wire.COPY_FILE_RANGE_IN.pack(0, kernel.ino(b"b"), 0, 1)
    kernel.ask(wire.COPY_FILE_RANGE, kernel.ino(b"a"), body)
    assert kernel.heard() == [b"b"]


def test_told_once_in_a_layer(kernel: Kernel, view: View) -> None:
    kernel.ask(wire.WRITE, kernel.ino(b"a"))
    kernel.ask(wire.WRITE, kernel.ino(b"a"))
    assert kernel.heard() == [b"a"]
    edit.write(view, kernel.ino(b"a"), 0, b"x")
    kernel.ask(wire.WRITE, kernel.ino(b"a"))
    assert kernel.heard() == []
    seal(view)
    kernel.ask(wire.WRITE, kernel.ino(b"a"))
    assert kernel.heard() == [b"a"]


def test_told_by_and_by(view: View) -> None:
    told: list[Sequence[bytes]] = []
    kernel = Kernel(view, told.append)
    kernel.ask(wire.UNLINK, ROOT_INODE, b"x\0")
    kernel.ask(wire.UNLINK, ROOT_INODE, b"y\0")

    async def listen() -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(kernel.news.run)
            while not told:
                await trio.sleep(0.01)
            nursery.cancel_scope.cancel()

    trio.run(listen)
    assert told == [[b"x", b"y"]]


def test_what_is_gone_is_nobodys(kernel: Kernel) -> None:
    kernel.ask(wire.WRITE, 1 << 40)
    kernel.ask(wire.UNLINK, 1 << 40, b"a\0")
    assert kernel.heard() == []
