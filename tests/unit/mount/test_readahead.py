"""Which files are pushed, and which never."""

from __future__ import annotations

from pathlib import Path

import pytest

from git_vibe.git.table import Table, with_converted
from git_vibe.mount.readahead import BATCH_FILES, FILE_BYTES, Readahead
from git_vibe.overlay import edit
from git_vibe.overlay.view import View
from git_vibe.types import ROOT_INODE
from tests.fs.driver import new_session, open_objects, open_view
from tests.support.gitrepo import GitRepo


class Pushed:
    """Stands in for the kernel: remembers what it was given by name; unknown inodes are refused."""

    def __init__(self, view: View) -> None:
        self._view = view
        self.content: dict[bytes, bytes] = {}
        self.unknown = False

    def __call__(self, ino: int, offset: int, data: bytes) -> None:
        if self.unknown:
            raise FileNotFoundError
        assert offset == 0
        self.content[self._view.table.path(ino - 1)] = data


@pytest.fixture
def view(tmp_path: Path) -> View:
    repo = GitRepo.create(tmp_path / "repo")
    files: dict[str, str | bytes] = {f"many/f{number:03}": f"content {number}\n" for number in range(200)}
    files |= {"many/f004": bytes(FILE_BYTES + 1), "many/f005": b"", "many/f006": "-> f000"}
    files |= {f"pairs/d{number}/{name}": name for number in range(5) for name in "ab"}
    repo.commit(files)
    session = new_session(repo.path, tmp_path / "session")
    return open_view(session, open_objects(session))


def inode(view: View, path: str) -> int:
    """Inode number of a path of the base."""
    ino: int = ROOT_INODE
    for name in path.encode().split(b"/"):
        attrs = view.lookup(ino, name)
        assert attrs is not None
        ino = attrs.ino
    return ino


def names(pushed: Pushed) -> list[str]:
    """Names that were pushed, in order."""
    return [path.decode().rpartition("/")[2] for path in pushed.content]


def test_a_file_that_is_not_its_blob_is_never_pushed(view: View) -> None:
    row = inode(view, "many/f003") - 1
    view.table = Table(memoryview(with_converted(bytes(view.table._data), {row: 5})))
    pushed = Pushed(view)
    ahead = Readahead(view, pushed)
    ahead.missed(inode(view, "many/f000"))
    ahead.missed(inode(view, "many/f001"))
    assert names(pushed) == ["f002", "f007", "f008", "f009"]


def test_one_file_alone_pushes_nothing(view: View) -> None:
    pushed = Pushed(view)
    Readahead(view, pushed).missed(inode(view, "many/f100"))
    assert pushed.content == {}


def test_reading_on_pushes_small_regular_neighbours_with_their_content(view: View) -> None:
    pushed = Pushed(view)
    ahead = Readahead(view, pushed)
    ahead.missed(inode(view, "many/f000"))
    ahead.missed(inode(view, "many/f001"))
    assert names(pushed) == ["f002", "f003", "f007", "f008"]
    assert pushed.content[b"many/f007"] == b"content 7\n"


def test_batches_grow_up_to_a_limit(view: View) -> None:
    pushed = Pushed(view)
    ahead, sizes, here = Readahead(view, pushed), [], 10
    for _ in range(7):
        before = len(pushed.content)
        ahead.missed(inode(view, f"many/f{here:03}"))
        sizes.append(len(pushed.content) - before)
        here += sizes[-1] + 1
    assert sizes == [0, 4, 8, 16, 32, BATCH_FILES, 59]


def test_it_goes_on_in_the_next_directory(view: View) -> None:
    pushed = Pushed(view)
    ahead = Readahead(view, pushed)
    for directory in ("d0", "d1", "d2"):
        ahead.missed(inode(view, f"pairs/{directory}/a"))
    assert sorted(pushed.content) == [b"pairs/d1/b", b"pairs/d2/b"]


def test_jumping_about_pushes_nothing(view: View) -> None:
    pushed = Pushed(view)
    ahead = Readahead(view, pushed)
    for name in ("f150", "f010", "f180", "f090"):
        ahead.missed(inode(view, f"many/{name}"))
    assert pushed.content == {}


def test_open_and_changed_files_are_left_alone(view: View) -> None:
    pushed = Pushed(view)
    ahead = Readahead(view, pushed)
    edit.open_file(view, inode(view, "many/f012"), 0)
    edit.truncate(view, inode(view, "many/f013"), 3)
    ahead.missed(inode(view, "many/f010"))
    ahead.missed(inode(view, "many/f011"))
    assert names(pushed) == ["f014", "f015", "f016", "f017"]


def test_an_inode_the_kernel_does_not_know_ends_the_batch(view: View) -> None:
    pushed = Pushed(view)
    pushed.unknown = True
    ahead = Readahead(view, pushed)
    ahead.missed(inode(view, "many/f010"))
    ahead.missed(inode(view, "many/f011"))
    assert pushed.content == {}


def test_a_changed_file_that_is_read_says_nothing(view: View) -> None:
    pushed = Pushed(view)
    ahead = Readahead(view, pushed)
    ino = inode(view, "many/f010")
    edit.open_file(view, ino, 0)
    edit.truncate(view, ino, 1)
    ahead.missed(ino)
    ahead.missed(inode(view, "many/f011"))
    assert pushed.content == {}
