"""What is computed once for a base commit and shared by all its sessions: the base table and the pre-filled index."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path

from git_vibe.git.command import run_git
from git_vibe.git.index import build_index
from git_vibe.git.table import Table, build_table
from git_vibe.session.workspace import Workspace
from git_vibe.store.atomic import create_dir_atomically, write_atomically
from git_vibe.types import Oid

NS = 1_000_000_000
KEPT_UNUSED = 3


def ensure_base(ws: Workspace, commit: Oid, *, rebuild: bool = False) -> Path:
    """Make the base table and index of a commit exist and return the path of the index for this user.

    Raises GitError when objects are missing.
    """
    directory = ws.layout.base_cache(commit)
    index = directory / f"index-{os.geteuid()}-{os.getegid()}"
    if rebuild:
        shutil.rmtree(directory, ignore_errors=True)
    if not directory.exists():
        _build_table(ws, commit, directory)
    if not index.exists():
        table = Table.open(directory / "table")
        write_atomically(index, build_index(table, uid=os.geteuid(), gid=os.getegid()))
    return index


def _build_table(ws: Workspace, commit: Oid, directory: Path) -> None:
    directory.parent.mkdir(parents=True, exist_ok=True)
    data = build_table(ws.layout.common_dir, commit, _shown_time(ws, commit))
    try:
        with create_dir_atomically(directory) as staged:
            (staged / "table").write_bytes(data)
    except FileExistsError:
        pass  # another process built the same one
    _drop_unused(ws, keep=commit)


def _shown_time(ws: Workspace, commit: Oid) -> int:
    """Modification time of clean files in nanoseconds: the commit's, but safely older than the index (racy git)."""
    committed = int(run_git(["show", "-s", "--format=%ct", commit], cwd=ws.layout.common_dir)) * NS
    return min(committed, (time.time_ns() // NS - 2) * NS)


def _drop_unused(ws: Workspace, keep: Oid) -> None:
    """Remove caches of commits that no session has as its base, except the newest few."""
    used = {record.base for record in ws.records()} | {keep}
    caches = sorted(ws.layout.base_cache(keep).parent.iterdir(), key=lambda path: path.stat().st_mtime, reverse=True)
    for path in [path for path in caches if path.name not in used][KEPT_UNUSED:]:
        shutil.rmtree(path, ignore_errors=True)


def count_files(ws: Workspace, commit: Oid) -> int:
    """How many files the base has."""
    return sum(1 for _ in Table.open(ws.layout.base_cache(commit) / "table").files())
