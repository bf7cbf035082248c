"""What a session changed, path by path, remembered as long as nothing it depends on has changed.

Content is named here and not stored. The memory is `sessions/<s>/picture.json`, a cache like that of the number of
dirty files.
"""

from __future__ import annotations

import contextlib
import json
import os
from pathlib import Path
from typing import Any, NamedTuple

from git_vibe.git.differing import changed_entries
from git_vibe.git.refs import is_ancestor
from git_vibe.git.write import Entry
from git_vibe.session.changes import Layers, dirty_count, steadily
from git_vibe.session.layers import layer_trees
from git_vibe.session.remembered import Fingerprint, fingerprint, remember
from git_vibe.session.workspace import Workspace
from git_vibe.store.atomic import write_atomically
from git_vibe.store.record import SessionRecord
from git_vibe.store.stack import is_empty
from git_vibe.types import Oid


class Picture(NamedTuple):
    """A session's tree (None: that of its base), what it has otherwise than the commit `since`, how much is dirty.

    An entry of `changed` whose mode is 0 is gone.
    """

    since: Oid
    tree: Oid | None
    changed: dict[bytes, Entry]
    dirty: int


def picture(ws: Workspace, record: SessionRecord, since: Oid | None = None) -> Picture:
    """What a session holds otherwise than a commit (by default its base). Raises GitError, ObjectMissing."""
    start = since or record.base
    if not is_empty(layer_trees(ws.paths(record.name))):
        return steadily(ws, record.name, lambda layers: _recalled(ws, record, start, layers))
    changed = {} if start == record.base else changed_entries(start, record.base, cwd=ws.repo.common_dir)
    return Picture(start, None, changed, dirty_count(ws, record))


def not_landed_since(ws: Workspace, record: SessionRecord, target: Oid | None) -> Oid:
    """The commit from which on a session's work is not in `target`: its last promote if that landed, or its base."""
    from git_vibe.session.landed import landed

    promoted = record.promoted
    if promoted is None or target is None or landed(ws, record, target) is None:
        return record.base
    return record.base if is_ancestor(promoted, record.base, cwd=ws.repo.common_dir) else promoted


def _recalled(ws: Workspace, record: SessionRecord, since: Oid, layers: Layers) -> Picture:
    if layers is not None:  # what is remembered is about all layers
        return _taken(ws, record, since, layers)
    key = fingerprint(ws, record)
    known = _recall(ws, record, since, key)
    if known is not None:
        return known
    seen = _taken(ws, record, since, layers)
    _remember(ws, record, key, seen)
    return seen


def _taken(ws: Workspace, record: SessionRecord, since: Oid, layers: Layers) -> Picture:
    from git_vibe.session.scratch import scratch_for
    from git_vibe.session.tree import session_tree

    cwd = ws.repo.common_dir
    with scratch_for(ws, record, writes_blobs=False) as scratch:
        tree = session_tree(scratch, layer_trees(scratch.paths, layers)).oid
        changed = changed_entries(since, tree, cwd=cwd, env=scratch.sink.environment)
        same = since == record.reference
        dirty = changed if same else changed_entries(record.reference, tree, cwd=cwd, env=scratch.sink.environment)
        return Picture(since, tree, changed, len(dirty))


def _file(ws: Workspace, record: SessionRecord) -> Path:
    return ws.paths(record.name).root / "picture.json"


def _recall(ws: Workspace, record: SessionRecord, since: Oid, key: Fingerprint) -> Picture | None:
    try:
        data = json.loads(_file(ws, record).read_bytes())
        return _from_json(data) if (data["digest"], data["since"]) == (key.digest, since) else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _from_json(data: dict[str, Any]) -> Picture:
    changed = {os.fsencode(path): Entry(mode, Oid(oid)) for path, (mode, oid) in data["changed"].items()}
    return Picture(Oid(data["since"]), Oid(data["tree"]), changed, int(data["dirty"]))


def _remember(ws: Workspace, record: SessionRecord, key: Fingerprint, seen: Picture) -> None:
    """Remember a picture where that is safe; a store that cannot be written is no error."""
    remember(ws, record, key, seen.dirty)
    if key.settled:
        changed = {os.fsdecode(path): entry for path, entry in seen.changed.items()}
        data = {**seen._asdict(), "digest": key.digest, "changed": changed}
        with contextlib.suppress(OSError):
            write_atomically(_file(ws, record), json.dumps(data).encode(), durable=False)
