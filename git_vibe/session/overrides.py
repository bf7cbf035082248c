"""Tracked files that the context overrides must not look modified to git inside a session.

They get git's assume-unchanged mark in the session's own index, and lose it when the context no longer has them.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator

from git_vibe.git.command import run_git
from git_vibe.session.workspace import Workspace
from git_vibe.store.record import SessionRecord

MARKS = "overridden"


def context_files(root: bytes) -> Iterator[bytes]:
    """Paths of all files in the context, relative to it; links to directories are followed."""
    for directory, _, names in os.walk(root, followlinks=True):
        inside = os.path.relpath(directory, root)
        for name in names:
            yield name if inside == b"." else inside + b"/" + name


def hide_overridden(ws: Workspace, record: SessionRecord, *, afresh: bool = False) -> None:
    """Bring the marks in the session's index in line with the context; its mount must be there.

    `afresh` makes them all again, in an index that may have lost them.
    """
    paths = ws.paths(record.name)
    marked_file = paths.root / MARKS
    root = os.fsencode(ws.layout.context)
    if not marked_file.exists() and not os.listdir(root):
        return
    before = set(marked_file.read_bytes().split(b"\0")) - {b""} if marked_file.exists() else set()
    wanted = _tracked(record, context_files(root))
    _mark(record, "--no-assume-unchanged", _tracked(record, before - wanted))
    _mark(record, "--assume-unchanged", wanted if afresh else wanted - before)
    marked_file.write_bytes(b"\0".join(sorted(wanted)))


def _tracked(record: SessionRecord, paths: Iterable[bytes]) -> set[bytes]:
    pathspecs: list[str | bytes] = [b":(top,literal)" + path for path in paths]
    if not pathspecs:
        return set()
    return set(run_git(["ls-files", "-z", "--", *pathspecs], cwd=record.mount).split(b"\0")) - {b""}


def _mark(record: SessionRecord, option: str, paths: set[bytes]) -> None:
    if paths:
        run_git(["update-index", option, "-z", "--stdin"], cwd=record.mount, stdin=b"\0".join(sorted(paths)))
