"""What is computed once for a base commit and shared by all its sessions: base table, pre-filled index, conversions."""

from __future__ import annotations

import contextlib
import os
import shutil
import time
from pathlib import Path
from typing import NamedTuple

from git_vibe.errors import GitError, StateCorrupt
from git_vibe.git.command import run_git
from git_vibe.git.index import build_index
from git_vibe.git.promisor import fetch_missing
from git_vibe.git.refs import has_replacements
from git_vibe.git.submodule import Submodule, list_submodules, show_submodules
from git_vibe.git.successor import build_successor
from git_vibe.git.table import (
    Table,
    build_table,
    is_sound,
    with_checksum,
    with_converted,
    with_links_as_files,
    with_submodules,
)
from git_vibe.session.conversion import base_key, conversions_are_whole, convert, is_plain, shows_the_same
from git_vibe.session.lfs import count_missing
from git_vibe.session.submodules import (
    GET_SUBMODULES,
    missing_submodules,
    shown_submodules,
    shows_submodules,
    submodule_index,
)
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
        for each in shown_submodules(directory):
            write_atomically(submodule_index(index, each), _index_of(table, table.row_at(each.path) or 0))
        write_atomically(index, _index_of(table, 0))
    return Base(key, directory, index)


def _index_of(table: Table, row: int) -> bytes:
    return build_index(table, uid=os.geteuid(), gid=os.getegid(), below=row)


def ensure_table(ws: Workspace, commit: Oid, directory: Path, *, afresh: bool = False) -> None:
    """Make the base table of a commit be whole in its cache; a new one has the same rows, so sessions go on with it.

    `afresh` makes nothing from the table of another commit. Raises StateCorrupt where the settings in force would give
    other files than the cache had; a converted file that is damaged then stays so.
    """
    sound = is_sound(directory / "table")
    if sound and conversions_are_whole(directory):
        return
    if shows_the_same(ws, commit, directory.name):
        remove_dir_atomically(directory)
        _build_table(ws, commit, directory, afresh=afresh)
    elif not sound:
        raise StateCorrupt(
            f"{directory} is damaged, and settings of conversion have changed since it was built",
            "set core.autocrlf, core.eol, filters, attributes and vibe.* as they were, then try again",
        )


def is_whole(directory: Path) -> bool:
    """Whether what was built for a commit is there as it was written; of converted files the sizes."""
    return is_sound(directory / "table") and conversions_are_whole(directory)


def _build_table(ws: Workspace, commit: Oid, directory: Path, *, afresh: bool) -> None:
    directory.parent.mkdir(parents=True, exist_ok=True)
    fetch_missing(ws.repo.config, commit, cwd=ws.layout.common_dir)
    data = _table_of(ws, commit, afresh=afresh or has_replacements(ws.layout.common_dir))
    data, submodules = _with_submodules(ws, commit, data)
    if not ws.repo.config.boolean("core.symlinks", default=True):
        data = with_links_as_files(data)
    try:
        with create_dir_atomically(directory) as staged:
            list_submodules(staged, submodules)
            sizes = convert(ws, commit, Table(memoryview(data)), staged)
            (staged / "table").write_bytes(with_checksum(with_converted(data, sizes) if sizes else data))
    except FileExistsError:
        pass  # another process built the same one
    _drop_unused(ws, keep=directory.name)


def _with_submodules(ws: Workspace, commit: Oid, data: bytes) -> tuple[bytes, list[Submodule]]:
    if not shows_submodules(ws):
        return with_submodules(data, {}), []
    return show_submodules(ws.layout.common_dir, commit, data)


def _table_of(ws: Workspace, commit: Oid, *, afresh: bool) -> bytes:
    """The bytes of the table of a commit, made from the newest one that is there where that is possible and wanted."""
    when = _shown_time(ws, commit)
    known = [directory for directory in _caches(ws) if is_plain(directory.name)]
    for directory in known[: 0 if afresh else 1]:
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
    found = [_warning_of(each) for each in missing_submodules(base.directory)]
    missing = count_missing(base.directory)
    if missing:
        subject = "1 file of Git LFS is" if missing == 1 else f"{missing} files of Git LFS are"
        found.append(f"{subject} not here and shown as pointers; `git lfs fetch` gets the content for new sessions")
    return tuple(found)


def _warning_of(submodule: Submodule) -> str:
    what = f"submodule '{os.fsdecode(submodule.path)}' is not here at {submodule.commit[:12]}"
    return f"{what} and shown as an empty directory; {GET_SUBMODULES}"
