"""What is computed once for a base commit and shared by all its sessions: base table, pre-filled index, conversions."""

from __future__ import annotations

import contextlib
import os
import shutil
import time
from pathlib import Path
from typing import NamedTuple

from git_vibe.errors import GitError
from git_vibe.git.command import run_git
from git_vibe.git.index import build_index
from git_vibe.git.successor import build_successor
from git_vibe.git.table import Table, build_table, is_sound, with_checksum, with_converted
from git_vibe.session.conversion import base_key, convert
from git_vibe.session.lfs import count_missing
from git_vibe.session.workspace import Workspace
from git_vibe.store.atomic import create_dir_atomically, remove_dir_atomically, write_atomically
from git_vibe.types import Oid

NS = 1_000_000_000
KEPT_UNUSED = 3
OID_LENGTH = 40


class Base(NamedTuple):
    """The cache of a commit under the settings in force: its name, its directory, the index for this user."""

    key: str
    directory: Path
    index_file: Path


def ensure_base(ws: Workspace, commit: Oid, *, rebuild: bool = False) -> Base:
    """Make the base table and index of a commit exist; a damaged table is built anew.

    Raises FilterFailed, or GitError when objects are missing.
    """
    key = base_key(ws, commit)
    directory = ws.layout.base_cache(key)
    index = directory / f"index-{os.geteuid()}-{os.getegid()}"
    if rebuild:
        remove_dir_atomically(directory)
    ensure_table(ws, commit, directory, afresh=rebuild)
    if not index.exists():
        table = Table.open(directory / "table")
        write_atomically(index, build_index(table, uid=os.geteuid(), gid=os.getegid()))
    return Base(key, directory, index)


def ensure_table(ws: Workspace, commit: Oid, directory: Path, *, afresh: bool = False) -> None:
    """Make the base table of a commit be whole in its cache; a new one has the same rows, so sessions go on with it.

    `afresh` makes nothing from the table of another commit.
    """
    if not is_sound(directory / "table"):
        remove_dir_atomically(directory)
        _build_table(ws, commit, directory, afresh=afresh)


def _build_table(ws: Workspace, commit: Oid, directory: Path, *, afresh: bool) -> None:
    directory.parent.mkdir(parents=True, exist_ok=True)
    data = _table_of(ws, commit, afresh=afresh)
    try:
        with create_dir_atomically(directory) as staged:
            sizes = convert(ws, commit, Table(memoryview(data)), staged)
            (staged / "table").write_bytes(with_checksum(with_converted(data, sizes) if sizes else data))
    except FileExistsError:
        pass  # another process built the same one
    _drop_unused(ws, keep=directory.name)


def _table_of(ws: Workspace, commit: Oid, *, afresh: bool) -> bytes:
    """The bytes of the table of a commit, made from the newest one that is there where that is possible and wanted."""
    when = _shown_time(ws, commit)
    for directory in _caches(ws)[: 0 if afresh else 1]:
        if is_sound(directory / "table"):
            old = Table.open(directory / "table")
            with contextlib.suppress(GitError):  # the earlier commit may have been pruned
                return build_successor(ws.layout.common_dir, commit, when, old, directory.name[:OID_LENGTH])
    return build_table(ws.layout.common_dir, commit, when)


def _caches(ws: Workspace) -> list[Path]:
    """Caches of all commits, the newest first; others may come and go meanwhile."""
    found = []
    with os.scandir(ws.layout.cache / "base") as entries:
        for entry in entries:
            with contextlib.suppress(FileNotFoundError):
                found.append((entry.stat().st_mtime_ns, Path(entry.path)))
    return [path for _, path in sorted(found, reverse=True)]


def _shown_time(ws: Workspace, commit: Oid) -> int:
    """Modification time of clean files in nanoseconds: the commit's, but safely older than the index (racy git)."""
    committed = int(run_git(["show", "-s", "--format=%ct", commit], cwd=ws.layout.common_dir)) * NS
    return min(committed, (time.time_ns() // NS - 2) * NS)


def _drop_unused(ws: Workspace, keep: str) -> None:
    """Remove caches that no session shows its base from, except the newest few."""
    used = {record.base_key for record in ws.records()} | {keep}
    for path in [path for path in _caches(ws) if path.name not in used][KEPT_UNUSED:]:
        shutil.rmtree(path, ignore_errors=True)


def count_files(base: Base) -> int:
    """How many files the base has."""
    return sum(1 for _ in Table.open(base.directory / "table").files())


def warnings(base: Base) -> tuple[str, ...]:
    """What the user should know about what the base shows."""
    missing = count_missing(base.directory)
    if not missing:
        return ()
    subject = "1 file of Git LFS is" if missing == 1 else f"{missing} files of Git LFS are"
    return (f"{subject} not here and shown as pointers; `git lfs fetch` gets the content for new sessions",)
