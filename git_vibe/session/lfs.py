"""Git LFS in a session: pointers show their content where it can be had, and content that is unchanged stays a pointer.

What a base has of Git LFS is listed in the file `lfs` beside its base table, one pointer a line: row, SHA-256, size,
and `+` where the content is shown or `-` where only the pointer is. What a rebase has brought lies in layers; the
pointers of that are in the session's own file `lfs`, as JSON.
"""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from git_vibe.git.attributes import values_of
from git_vibe.git.conversion import LFS
from git_vibe.git.table import Table
from git_vibe.session.workspace import Workspace
from git_vibe.store.atomic import write_atomically
from git_vibe.store.copy import copy_file
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


# In a session that has moved to another base


def show_content(scratch: Scratch, blobs: Mapping[bytes, Oid], tree: Path) -> None:
    """Put the content of pointers, given by path, into files of a layer whose pointers are there already."""
    from git_vibe.git.conversion import Rules
    from git_vibe.git.lfs import parse_pointer

    if not blobs or not Rules(scratch.ws.repo.config).resolves_lfs:
        return
    source, known = _Source(scratch.ws), _own_pointers(scratch)
    for path, blob in blobs.items():
        data = scratch.sink.read_blob(blob)
        pointer = parse_pointer(data)
        if pointer is not None and _show(source, path, data, pointer, tree / os.fsdecode(path)):
            known.setdefault(path, {})[blob] = Listed(-1, pointer.oid, pointer.size, shown=True)
    _write_own_pointers(scratch, known)


def _show(source: _Source, path: bytes, data: bytes, pointer: Pointer, target: Path) -> bool:
    """Replace a pointer by its content, where that can be had."""
    found = target.with_name(f"{target.name}.{os.urandom(6).hex()}")
    if not source.place(path, data, pointer, found):
        return False
    target.unlink()
    if found.is_symlink():
        copy_file(os.fsencode(found.resolve()), os.fsencode(target))
        found.unlink()
    else:
        os.rename(found, target)
    return True


_Own = dict[bytes, dict[Oid, Listed]]
"""Pointers by path and blob that show their content in layers of a session."""


def _own_pointers(scratch: Scratch) -> _Own:
    try:
        raw = json.loads(scratch.paths.lfs.read_bytes())
    except FileNotFoundError:
        return {}
    return {
        os.fsencode(path): {Oid(blob): Listed(-1, oid, size, shown=True) for blob, (oid, size) in blobs.items()}
        for path, blobs in raw.items()
    }


def _write_own_pointers(scratch: Scratch, known: _Own) -> None:
    if known:
        data = {
            os.fsdecode(path): {blob: (each.oid, each.size) for blob, each in blobs.items()}
            for path, blobs in known.items()
        }
        write_atomically(scratch.paths.lfs, json.dumps(data).encode())


# Bringing work back


def kept_pointers(scratch: Scratch, files: Mapping[bytes, DeltaFile]) -> dict[bytes, Oid]:
    """Those of `files` that hold the content of a pointer known at their path, with the blob of that pointer."""
    return {
        path: blob
        for path, known in _pointers_at(scratch, files).items()
        for blob, pointer in known.items()
        if _is_content(files[path], pointer)
    }


def uncleaned(scratch: Scratch, files: Mapping[bytes, Oid]) -> list[bytes]:
    """Those of `files`, given with their blobs, that were pointers and now become content: nothing cleans them."""
    config = scratch.ws.repo.config
    if any(config.text(f"filter.lfs.{variable}") for variable in ("clean", "process")):
        return []
    return [path for path, known in _pointers_at(scratch, files).items() if files[path] not in known]


def _pointers_at(scratch: Scratch, paths: Collection[bytes]) -> _Own:
    """Known pointers at those of `paths` that the session still gives to Git LFS, with their blobs."""
    known = _base_pointers(scratch)
    for path, blobs in _own_pointers(scratch).items():
        known.setdefault(path, {}).update(blobs)
    asked = [path for path in known if path in paths]
    values = values_of(("filter",), asked, worktree=scratch.worktree, env=scratch.environment) if asked else {}
    return {path: known[path] for path in asked if values[path]["filter"] == LFS}


def _base_pointers(scratch: Scratch) -> _Own:
    directory = scratch.ws.layout.base_cache(scratch.record.base_key)
    pointers = listed(directory)
    if not pointers:
        return {}
    table = Table.open(directory / "table")
    return {table.path(each.row): {Oid(table.oid(each.row).hex()): each} for each in pointers}


def _is_content(file: DeltaFile, pointer: Listed) -> bool:
    if file.status.st_size != pointer.size:
        return False
    import hashlib

    with open(file.path, "rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest() == pointer.oid
