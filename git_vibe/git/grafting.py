"""A tree with some of its paths changed; only the trees on the way to them are read and written."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from git_vibe.git.modes import MODE_TREE
from git_vibe.git.write import Entry

if TYPE_CHECKING:
    from git_vibe.git.write import ObjectSink
    from git_vibe.types import Oid

Changed = Mapping[bytes, Entry | None]
"""What lies at a path from now on; None where nothing does."""


def graft(sink: ObjectSink, tree: Oid, changed: Changed) -> Oid:
    """Write `tree` with what is changed and return its name. Raises ObjectMissing."""
    return _graft(sink, tree, changed) or sink.write_tree({})


def _graft(sink: ObjectSink, tree: Oid | None, changed: Changed) -> Oid | None:
    """The new tree, or None where it is empty: git knows no empty directories."""
    entries = sink.read_tree(tree) if tree is not None else {}
    below: dict[bytes, dict[bytes, Entry | None]] = {}
    for path, entry in changed.items():
        name, _, rest = path.partition(b"/")
        if rest:
            below.setdefault(name, {})[rest] = entry
        else:
            _put(entries, name, entry)
    for name, changes in below.items():
        _graft_directory(sink, entries, name, changes)
    return sink.write_tree(entries) if entries else None


def _graft_directory(sink: ObjectSink, entries: dict[bytes, Entry], name: bytes, changes: Changed) -> None:
    """Change what lies below a name; a file there gives way only to something."""
    found = entries.get(name)
    if found is not None and not found.is_tree and not any(changes.values()):
        return
    tree = _graft(sink, found.oid if found is not None and found.is_tree else None, changes)
    _put(entries, name, None if tree is None else Entry(MODE_TREE, tree))


def _put(entries: dict[bytes, Entry], name: bytes, entry: Entry | None) -> None:
    if entry is None:
        entries.pop(name, None)
    else:
        entries[name] = entry
