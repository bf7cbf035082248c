"""Merges of sessions that stopped half-way: what is known about them until they land or are given up.

The user finishes them with git's own commands, so how they ended is told by the state git left.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import NamedTuple

from git_vibe.git.refs import is_ancestor, read_ref
from git_vibe.session.workspace import Workspace
from git_vibe.store.atomic import write_atomically
from git_vibe.store.record import SessionRecord
from git_vibe.types import Oid, SessionName

OPEN, LANDED, GIVEN_UP = "open", "landed", "given up"


class Landing(NamedTuple):
    """A merge that was begun: of the commit `promoted` into the HEAD of the work tree of `git_dir`, which was at
    `head`. `squash` tells that git itself knows of no merge, `keep` that the session is not to be closed."""

    promoted: Oid
    head: Oid
    git_dir: str
    squash: bool
    keep: bool


def begin_landing(ws: Workspace, record: SessionRecord, *, squash: bool, keep: bool) -> None:
    """Remember the merge of a session that is the user's to finish."""
    head = read_ref("HEAD", cwd=ws.repo.worktree)
    if record.promoted is not None and head is not None:
        landing = Landing(record.promoted, head, os.fspath(ws.repo.git_dir), squash, keep)
        write_atomically(_file(ws, record.name), json.dumps(landing._asdict()).encode())


def read_landing(ws: Workspace, name: SessionName) -> Landing | None:
    """The merge of a session that was begun, if any."""
    try:
        data = json.loads(_file(ws, name).read_bytes())
        return Landing(
            Oid(data["promoted"]), Oid(data["head"]), data["git_dir"], squash=data["squash"], keep=data["keep"]
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None


def forget_landing(ws: Workspace, name: SessionName) -> None:
    """There is no such merge any more."""
    _file(ws, name).unlink(missing_ok=True)


def outcome(ws: Workspace, landing: Landing) -> str:
    """What became of a merge: OPEN, LANDED or GIVEN_UP."""
    git_dir, common = Path(landing.git_dir), ws.layout.common_dir
    head = read_ref("HEAD", cwd=common, git_dir=os.fsencode(git_dir)) if git_dir.is_dir() else None
    if head is None:
        return GIVEN_UP
    if is_ancestor(landing.promoted, head, cwd=common):
        return LANDED
    if (git_dir / ("SQUASH_MSG" if landing.squash else "MERGE_HEAD")).exists():
        return OPEN
    went_on = head != landing.head and is_ancestor(landing.head, head, cwd=common)
    return LANDED if landing.squash and went_on else GIVEN_UP


def _file(ws: Workspace, name: SessionName) -> Path:
    return ws.paths(name).root / "landing.json"
