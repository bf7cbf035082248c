"""Git LFS in a session: pointers show their content where it can be had, and content that is unchanged stays a pointer.

What a base has of Git LFS is listed in the file `lfs` beside its base table, one pointer a line: row, SHA-256, size,
and `+` where the content is shown or `-` where only the pointer is.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from git_vibe.git.attributes import values_of
from git_vibe.git.conversion import LFS
from git_vibe.git.table import Table
from git_vibe.session.workspace import Workspace
from git_vibe.types import Oid

if TYPE_CHECKING:
    from git_vibe.git.lfs import Pointer
    from git_vibe.session.scratch import Scratch
    from git_vibe.store.stack import DeltaFile

_LISTING = "lfs"


class Listed(NamedTuple):
    """A pointer of a base: its row, its content's SHA-256 and size, and whether the content is shown."""

    row: int
    oid: str
    size: int
    shown: bool


def listed(directory: Path) -> list[Listed]:
    """The pointers of the base whose cache is `directory`."""
    try:
        lines = (directory / _LISTING).read_text().splitlines()
    except FileNotFoundError:
        return []
    fields = (line.split(" ") for line in lines)
    return [Listed(int(row), oid, int(size), mark == "+") for row, oid, size, mark in fields]


def count_missing(directory: Path) -> int:
    """How many files of a base show a pointer."""
    return sum(not each.shown for each in listed(directory))


def has_arrived(ws: Workspace, directory: Path) -> bool:
    """Whether content that was missing when the cache `directory` was built is there now."""
    missing = [each for each in listed(directory) if not each.shown]
    if not missing:
        return False
    from git_vibe.git.lfs import Pointer, find_content

    return any(find_content(_objects(ws), Pointer(each.oid, each.size)) for each in missing)


def resolve(ws: Workspace, table: Table, files: Mapping[bytes, int], directory: Path) -> dict[int, int]:
    """Put the content of pointers among `files` below `directory`, list them, and return the size of each row."""
    source = _Source(ws)
    found = []
    for path, row, data, pointer in _pointers(ws, table, files):
        shown = source.place(path, data, pointer, directory / "converted" / str(row))
        found.append(Listed(row, pointer.oid, pointer.size, shown))
    if found:
        lines = [f"{each.row} {each.oid} {each.size} {'+' if each.shown else '-'}\n" for each in found]
        (directory / _LISTING).write_text("".join(lines))
    return {each.row: each.size for each in found if each.shown}


def _pointers(ws: Workspace, table: Table, files: Mapping[bytes, int]) -> Iterator[tuple[bytes, int, bytes, Pointer]]:
    from git_vibe.git.lfs import POINTER_MAX, parse_pointer
    from git_vibe.git.objects import BlobReader

    blobs = BlobReader(ws.layout.common_dir)
    for path, row in files.items():
        data = blobs.content(table.oid(row)) if table.size[row] < POINTER_MAX else b""
        pointer = parse_pointer(data)
        if pointer is not None:
            yield path, row, data, pointer


def _objects(ws: Workspace) -> Path:
    from git_vibe.git.lfs import storage

    return storage(ws.layout.common_dir, ws.repo.config.text("lfs.storage"))


class _Source:
    """Where content comes from: the local storage, or git-lfs until it fails for the first time."""

    def __init__(self, ws: Workspace) -> None:
        from git_vibe.git.lfs import can_download

        self._objects = _objects(ws)
        self._common_dir = ws.layout.common_dir
        self._worktree = ws.repo.worktree
        self._can_download = can_download()

    def place(self, path: bytes, data: bytes, pointer: Pointer, target: Path) -> bool:
        """Make the content be at `target`; tell whether that was possible."""
        return self._link(pointer, target) or self._download(path, data, pointer, target)

    def _link(self, pointer: Pointer, target: Path) -> bool:
        from git_vibe.git.lfs import find_content

        found = find_content(self._objects, pointer)
        if found is not None:
            target.unlink(missing_ok=True)
            is_inside = found.is_relative_to(self._common_dir)
            target.symlink_to(os.path.relpath(found, target.parent) if is_inside else found)
        return found is not None

    def _download(self, path: bytes, data: bytes, pointer: Pointer, target: Path) -> bool:
        from git_vibe.git.lfs import download

        self._can_download = self._can_download and download(data, path, target, cwd=self._worktree)
        if self._can_download:
            self._link(pointer, target)
            return target.stat().st_size == pointer.size
        target.unlink(missing_ok=True)
        return False


# Bringing work back


def kept_pointers(scratch: Scratch, files: Mapping[bytes, DeltaFile]) -> dict[bytes, Oid]:
    """Those of `files` that hold the content of the base's pointer at their path, with the blob of that pointer."""
    known = _pointers_at(scratch, files)
    return {path: blob for path, (pointer, blob) in known.items() if _is_content(files[path], pointer)}


def uncleaned(scratch: Scratch, files: Mapping[bytes, Oid]) -> list[bytes]:
    """Those of `files`, given with their blobs, that were pointers and now become content: nothing cleans them."""
    config = scratch.ws.repo.config
    if any(config.text(f"filter.lfs.{variable}") for variable in ("clean", "process")):
        return []
    return [path for path, (_, blob) in _pointers_at(scratch, files).items() if files[path] != blob]


def _pointers_at(scratch: Scratch, paths: Collection[bytes]) -> dict[bytes, tuple[Listed, Oid]]:
    """The base's pointers at those of `paths` that the session still gives to Git LFS, with their blobs."""
    directory = scratch.ws.layout.base_cache(scratch.record.base_key)
    pointers = listed(directory)
    if not pointers:
        return {}
    table = Table.open(directory / "table")
    known = {table.path(each.row): each for each in pointers}
    asked = [path for path in known if path in paths]
    values = values_of(("filter",), asked, worktree=scratch.worktree, env=scratch.environment)
    return {path: (known[path], _blob(table, known[path])) for path in asked if values[path]["filter"] == LFS}


def _blob(table: Table, pointer: Listed) -> Oid:
    return Oid(table.oid(pointer.row).hex())


def _is_content(file: DeltaFile, pointer: Listed) -> bool:
    if file.status.st_size != pointer.size:
        return False
    import hashlib

    with open(file.path, "rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest() == pointer.oid
