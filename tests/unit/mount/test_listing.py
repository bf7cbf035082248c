"""A listing goes on where it was, whatever happens to the directory between two parts of it."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path

import pytest

from git_vibe.mount.listing import LIMIT, Listings
from git_vibe.overlay import edit
from git_vibe.overlay.edit import Caller
from git_vibe.overlay.view import View
from git_vibe.types import ROOT_INODE
from tests.fs.driver import new_session, open_objects, open_view
from tests.support.gitrepo import GitRepo

ROOM = 200
ROOT_USER = Caller(0, 0)


@pytest.fixture
def view(tmp_path: Path) -> View:
    """Twenty files at the root."""
    repo = GitRepo.create(tmp_path / "repo")
    repo.commit({f"f{number:02}": "x" for number in range(20)})
    session = new_session(repo.path, tmp_path / "session")
    return open_view(session, open_objects(session))


def entries(part: bytes) -> Iterator[tuple[bytes, int]]:
    """Names of a part with the positions behind them."""
    while part:
        _, position, length, _ = struct.unpack_from("=QQII", part)
        yield part[24 : 24 + length], position
        part = part[24 + length + (-length % 8) :]


def read_on(listings: Listings, position: int) -> list[bytes]:
    """All names from a position on."""
    names = []
    while part := listings.read(ROOT_INODE, position, ROOM, None):
        for name, position in entries(part):  # noqa: B007
            names.append(name)
    return names


def test_all_names_in_parts(view: View) -> None:
    assert sorted(read_on(Listings(view), 0)) == sorted([b".", b"..", *view.names(view.root)])


def test_removing_what_was_listed_skips_nothing(view: View) -> None:
    listings, seen, position = Listings(view), [], 0
    while part := listings.read(ROOT_INODE, position, ROOM, None):
        for name, position in entries(part):  # noqa: B007
            seen.append(name)
            if name.startswith(b"f"):
                edit.unlink(view, ROOT_INODE, name)
    assert sorted(name for name in seen if name.startswith(b"f")) == [b"f%02d" % number for number in range(20)]
    assert set(read_on(listings, 0)) == {b".", b"..", b".git"}


def test_a_new_name_is_in_the_next_listing(view: View) -> None:
    listings = Listings(view)
    first = list(entries(listings.read(ROOT_INODE, 0, ROOM, None)))
    edit.create(view, ROOT_INODE, b"new", 0o644, ROOT_USER)
    assert b"new" not in read_on(listings, first[-1][1])
    assert b"new" in read_on(listings, 0)


def test_two_readers_have_listings_of_their_own(view: View) -> None:
    listings = Listings(view)
    first = list(entries(listings.read(ROOT_INODE, 0, ROOM, None)))
    edit.unlink(view, ROOT_INODE, b"f00")
    second = list(entries(listings.read(ROOT_INODE, 0, ROOM, None)))
    assert first[-1][1] != second[-1][1]
    seen = [name for name, _ in first] + read_on(listings, first[-1][1])
    assert sorted(set(seen)) == sorted(seen)


def test_a_listing_that_is_long_gone_goes_on_in_a_new_one(view: View) -> None:
    listings = Listings(view)
    first = list(entries(listings.read(ROOT_INODE, 0, ROOM, None)))
    for _ in range(LIMIT):
        listings.read(ROOT_INODE, 0, ROOM, None)
    assert [name for name, _ in first] + read_on(listings, first[-1][1]) == read_on(listings, 0)


def test_entries_that_did_not_fit_are_not_counted_as_given(view: View) -> None:
    edit.create(view, ROOT_INODE, b"dirty", 0o644, ROOT_USER)
    node = view.inodes.nodes[view.children(view.root)[b"dirty"]]
    before = node.lookups
    given = Listings(view).read(ROOT_INODE, 0, 0, lambda parent, attrs: b"e" * 8)
    assert (given, node.lookups) == (b"", before)
    Listings(view).read(ROOT_INODE, 0, 1 << 16, lambda parent, attrs: b"e" * 8)
    assert node.lookups == before + 1
