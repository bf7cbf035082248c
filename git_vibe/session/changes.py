"""What a session changed, by content: its tree against the tree dirty is measured against."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from git_vibe.daemon import client
from git_vibe.errors import GitError
from git_vibe.git.command import run_git
from git_vibe.session.layers import layer_trees
from git_vibe.session.remembered import fingerprint, recall, remember
from git_vibe.session.workspace import Workspace
from git_vibe.store.record import SessionRecord
from git_vibe.store.stack import is_empty
from git_vibe.types import LayerId, Oid, SessionName

if TYPE_CHECKING:
    from git_vibe.session.scratch import Scratch
    from git_vibe.session.tree import IgnoredSummary

_ATTEMPTS = 2

T = TypeVar("T")
Layers = Sequence[LayerId] | None


class Change(NamedTuple):
    """One changed path. `status` is A, M, D, T or R; `old_path` is set for a rename. A mode of 0 means absent.

    `added` and `deleted` count lines of text.
    """

    status: str
    path: bytes
    old_path: bytes | None
    old_mode: int
    new_mode: int
    binary: bool
    added: int = 0
    deleted: int = 0


class _Count(NamedTuple):
    """What git counted in a changed file."""

    binary: bool
    added: int = 0
    deleted: int = 0


_TEXT = _Count(binary=False)


class Changes(NamedTuple):
    """All changes of a session in the order of their paths."""

    files: list[Change]
    ignored: IgnoredSummary
    warnings: tuple[str, ...] = ()


def session_changes(ws: Workspace, name: SessionName, *, find_renames: bool = False) -> Changes:
    """What differs from the last promote or the base. Raises SessionNotFound, GitError, ObjectMissing."""
    record = ws.record(name)
    return steadily(ws, name, lambda layers: _changes(ws, record, layers, find_renames=find_renames))


def steadily(ws: Workspace, name: SessionName, look: Callable[[Layers], T]) -> T:
    """Look at the layers of a session that may be written to meanwhile (None: all of them, as they are).

    Where files vanish under the look again and again, it is given sealed layers.
    """
    for _ in range(_ATTEMPTS):
        with contextlib.suppress(GitError, FileNotFoundError, NotADirectoryError):
            return look(None)
    with ws.session_lock(name), client.sealed_layers(ws.layout, name) as layers:
        return look(layers)


def _changes(ws: Workspace, record: SessionRecord, layers: Layers, *, find_renames: bool) -> Changes:
    from git_vibe.session.scratch import scratch_for
    from git_vibe.session.tree import session_tree

    with scratch_for(ws, record) as scratch:
        tree = session_tree(scratch, layer_trees(scratch.paths, layers))
        files = tree_changes(scratch, record.reference, tree.oid, find_renames=find_renames)
        return Changes(files, tree.ignored, tree.warnings)


def tree_changes(scratch: Scratch, old: Oid, new: Oid, *, find_renames: bool = False) -> list[Change]:
    """Changes from one commit or tree to another, both readable by the scratch."""
    renames = "--find-renames" if find_renames else "--no-renames"
    command = ["diff-tree", "-r", "-z", "--raw", "--numstat", "--abbrev=40", renames, old, new]
    return parse_changes(run_git(command, cwd=scratch.worktree, env=scratch.environment))


def parse_changes(listing: bytes) -> list[Change]:
    """Understand what `git diff-tree -z --raw --numstat` prints: all raw records, then all counts."""
    fields = iter(listing.split(b"\0")[:-1])
    changes: list[Change] = []
    counts: dict[bytes, _Count] = {}
    for field in fields:
        if field.startswith(b":"):
            changes.append(_parse_raw(field, fields))
        else:
            _parse_count(field, fields, counts)
    return [change._replace(**counts.get(change.path, _TEXT)._asdict()) for change in changes]


def _parse_raw(field: bytes, rest: Iterator[bytes]) -> Change:
    old_mode, new_mode, _, _, status = field[1:].split(b" ")
    letter = status[:1].decode()
    first = next(rest)
    old_path, path = (first, next(rest)) if letter in "RC" else (None, first)
    return Change(letter, path, old_path, int(old_mode, 8), int(new_mode, 8), binary=False)


def _parse_count(field: bytes, rest: Iterator[bytes], counts: dict[bytes, _Count]) -> None:
    added, deleted, path = field.split(b"\t", 2)
    if not path:
        next(rest)
        path = next(rest)
    binary = added == b"-"
    counts[path] = _Count(binary) if binary else _Count(binary, int(added), int(deleted))


def dirty_count(ws: Workspace, record: SessionRecord) -> int:
    """Number of dirty files; a session that wrote nothing costs next to nothing."""
    trees = layer_trees(ws.paths(record.name))
    if not is_empty(trees):
        return steadily(ws, record.name, lambda layers: _count_delta(ws, record, layers))
    if record.reference == record.clean:
        return 0
    return _count(["diff-tree", "-r", "-z", "--name-only", "--no-renames", record.reference, record.clean], ws, {})


def is_dirty(ws: Workspace, record: SessionRecord) -> bool:
    """Whether the session differs from its last promote or its base."""
    return dirty_count(ws, record) > 0


def _count_delta(ws: Workspace, record: SessionRecord, layers: Layers) -> int:
    if layers is not None:  # what is remembered is about all layers
        return _count_anew(ws, record, layers)
    key = fingerprint(ws, record)
    known = recall(ws, record, key)
    if known is not None:
        return known
    count = _count_anew(ws, record, layers)
    remember(ws, record, key, count)
    return count


def _count_anew(ws: Workspace, record: SessionRecord, layers: Layers) -> int:
    from git_vibe.session.scratch import scratch_for
    from git_vibe.session.tree import session_tree

    with scratch_for(ws, record, writes_blobs=False) as scratch:
        tree = session_tree(scratch, layer_trees(scratch.paths, layers))
        command = ["diff-tree", "-r", "-z", "--name-only", "--no-renames", record.reference, tree.oid]
        return _count(command, ws, scratch.sink.environment)


def _count(command: list[str], ws: Workspace, env: dict[str, str]) -> int:
    return run_git(command, cwd=ws.repo.common_dir, env=env).count(b"\0")
