"""The number of dirty files, remembered as long as nothing it depends on has changed.

It lies in the session's directory as `dirty.json` and may be deleted at any time. What it depends on is known by stat
alone, so a change in the same clock tick as the look would go unseen; a look at anything that recent is not remembered.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from git_vibe.git.submodule import all_stores
from git_vibe.session.included import included_file
from git_vibe.session.layers import layer_trees
from git_vibe.session.workspace import Workspace
from git_vibe.store.atomic import write_atomically
from git_vibe.store.record import SessionRecord

_SETTLED_NS = 1_000_000_000


class Fingerprint(NamedTuple):
    """What the delta, the index and the rules looked like; `settled` tells that none of it is too recent."""

    digest: str
    settled: bool


def fingerprint(ws: Workspace, record: SessionRecord) -> Fingerprint:
    """Look at everything the number of dirty files depends on. Raises FileNotFoundError when a file vanishes."""
    digest = hashlib.sha256(f"{record.clean} {record.base} {record.reference}\0".encode())
    newest = 0
    for path, status in _everything(ws, record):
        seen = (status.st_ino, status.st_mode, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
        digest.update(path + repr(seen).encode() + b"\0")
        newest = max(newest, status.st_ctime_ns)
    return Fingerprint(digest.hexdigest(), time.time_ns() - newest > _SETTLED_NS)


def recall(ws: Workspace, record: SessionRecord, key: Fingerprint) -> int | None:
    """The number remembered for this very state, or None."""
    try:
        data = json.loads(_file(ws, record).read_bytes())
        return int(data["count"]) if data["digest"] == key.digest else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def remember(ws: Workspace, record: SessionRecord, key: Fingerprint, count: int) -> None:
    """Remember the number for this state where that is safe; a store that cannot be written is no error."""
    if key.settled:
        with contextlib.suppress(OSError):
            write_atomically(_file(ws, record), json.dumps({"digest": key.digest, "count": count}).encode())


def _file(ws: Workspace, record: SessionRecord) -> Path:
    return ws.paths(record.name).root / "dirty.json"


def _everything(ws: Workspace, record: SessionRecord) -> Iterator[tuple[bytes, os.stat_result]]:
    for tree in layer_trees(ws.paths(record.name)):
        yield from _below(tree)
    yield from _below(os.fsencode(ws.layout.context))
    for path in _rules(ws, record):
        with contextlib.suppress(OSError):
            yield os.fsencode(path), os.stat(path)


def _rules(ws: Workspace, record: SessionRecord) -> list[Path]:
    """Files outside the session's own files that decide what git takes of it."""
    common, private = ws.repo.common_dir, ws.paths(record.name).git_dir
    heads = [each / name for each in all_stores(private) for name in ("HEAD", "logs/HEAD")]
    configured = [ws.repo.config.text(key) for key in ("core.excludesFile", "core.attributesFile")]
    return [
        included_file(ws.paths(record.name)),
        private / "index",
        private / "config.worktree",
        *heads,
        common / "config",
        common / "info" / "exclude",
        common / "info" / "attributes",
        *(Path(path).expanduser() for path in configured if path),
    ]


def _below(directory: bytes) -> Iterator[tuple[bytes, os.stat_result]]:
    """Everything below a directory, in an order that stays the same, with its lstat."""
    try:
        with os.scandir(directory) as entries:
            ordered = sorted(entries, key=lambda entry: entry.name)
    except (FileNotFoundError, NotADirectoryError):
        return
    for entry in ordered:
        yield entry.path, entry.stat(follow_symlinks=False)
        if entry.is_dir(follow_symlinks=False):
            yield from _below(entry.path)
