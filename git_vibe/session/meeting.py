"""Words for where sessions meet, and finding it by the names of paths and of their content."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from git_vibe.git.modes import MODE_TREE
from git_vibe.git.refs import NOTHING
from git_vibe.git.write import Entry
from git_vibe.types import Oid

UPSTREAM = "upstream"
"""Stands for the branch a session is to land on where the name of a session would stand."""

GONE = Entry(0, Oid(NOTHING))

_DIRECTORY = Entry(MODE_TREE, Oid(NOTHING))


class Side(NamedTuple):
    """What one side has at a path; `oid` is None where it deleted it (`mode` 0) or has a directory (MODE_TREE)."""

    name: str
    oid: Oid | None
    mode: int


class Overlap(NamedTuple):
    """A path that several sides changed, and whether any two of them merge cleanly there.

    `ranges` are lines of the base version, first and last, that two sides changed, where they were asked for.
    """

    path: bytes
    sides: tuple[Side, ...]
    clean: bool
    ranges: tuple[tuple[int, int], ...] = ()


class UpstreamOverlap(NamedTuple):
    """By how many commits a session is behind, and what it changed that upstream changed, too."""

    behind: int
    overlaps: list[Overlap]


class Meeting(NamedTuple):
    """A path that two sides changed, with what each has there."""

    path: bytes
    ours: Entry
    theirs: Entry


def meetings(ours: dict[bytes, Entry], theirs: dict[bytes, Entry]) -> list[Meeting]:
    """Paths that both changed, and those where one has a file and the other a directory, in order."""
    found = [Meeting(path, ours[path], theirs[path]) for path in ours.keys() & theirs.keys()]
    found += [Meeting(path, ours[path], _DIRECTORY) for path in _present(ours) & _directories(theirs)]
    found += [Meeting(path, _DIRECTORY, theirs[path]) for path in _present(theirs) & _directories(ours)]
    return sorted(found)


def _present(changed: dict[bytes, Entry]) -> set[bytes]:
    return {path for path, entry in changed.items() if entry.mode}


def _directories(changed: dict[bytes, Entry]) -> set[bytes]:
    """All directories above paths that are there."""
    found: set[bytes] = set()
    for path in _present(changed):
        while (path := path.rpartition(b"/")[0]) and path not in found:
            found.add(path)
    return found


def side(name: str, entry: Entry) -> Side:
    """One side of an overlap."""
    return Side(name, None if entry.oid == NOTHING else entry.oid, entry.mode)


def by_path(found: Iterable[Overlap]) -> list[Overlap]:
    """One overlap for each path, of all sides that were found to meet there; upstream is the last of them."""
    together: dict[bytes, Overlap] = {}
    for each in found:
        before = together.get(each.path, each)
        sides = sorted({*before.sides, *each.sides}, key=lambda side: (side.name == UPSTREAM, side))
        ranges = sorted({*before.ranges, *each.ranges})
        together[each.path] = Overlap(each.path, tuple(sides), before.clean and each.clean, tuple(ranges))
    return [together[path] for path in sorted(together)]


def to_json(overlaps: Iterable[Overlap]) -> list[Any]:
    """Overlaps without their lines as JSON holds them."""
    return [[os.fsdecode(each.path), each.sides, each.clean] for each in overlaps]


def from_json(data: list[Any]) -> Iterator[Overlap]:
    """The reverse of `to_json`."""
    for path, sides, clean in data:
        yield Overlap(os.fsencode(path), tuple(_side_from_json(*each) for each in sides), clean)


def _side_from_json(name: str, oid: str | None, mode: int) -> Side:
    return Side(name, None if oid is None else Oid(oid), mode)
