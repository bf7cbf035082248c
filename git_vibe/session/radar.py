"""Comparing all sessions when one may have met another: new overlaps go to the log of events.

The daemon has `python -m git_vibe.session.radar <common-dir> <runtime-dir or ''>` run when names of paths tell that
it may be so. What was found is kept in `radar.json`, for the daemon and for the hooks of agents.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

from git_vibe.git.repository import Repository
from git_vibe.session.comparison import Comparison
from git_vibe.session.events import log_events
from git_vibe.session.overlaps import Overlap, compared
from git_vibe.session.workspace import Workspace
from git_vibe.store.atomic import write_atomically
from git_vibe.store.layout import Layout
from git_vibe.store.lock import locked
from git_vibe.types import RECURSION_LIMIT

_PATHS_MAX = 20_000
"""How many paths of a session are kept; the daemon knows more from workers."""

Between = dict[str, list[str]]
"""Names of sessions, or "upstream", by the path they meet at."""


class Seen(NamedTuple):
    """What `radar.json` says: paths that each session changed and that upstream changed since, and where they meet.

    `created_ns` tells sessions from later ones of the same name.
    """

    changed: dict[str, list[str]]
    upstream: dict[str, list[str]]
    overlaps: Between
    created_ns: dict[str, int]


def look(ws: Workspace) -> Seen:
    """Compare all sessions, by paths; log overlaps that are new. Raises GitError or SessionBusy."""
    with locked(ws.layout.radar_lock, what="the radar"):
        before = recall(ws.layout)
        seen = _compare(ws)
        write_atomically(ws.layout.radar, json.dumps(seen._asdict()).encode(), durable=False)
        log_events(ws.layout, _news(_among_the_same(before, seen), seen.overlaps))
    return seen


def recall(layout: Layout) -> Seen:
    """What the last look found."""
    with contextlib.suppress(OSError, ValueError, TypeError):
        return Seen(**json.loads(layout.radar.read_bytes()))
    return Seen({}, {}, {}, {})


def new_between(before: Between, now: Between) -> Between:
    """Those overlaps of `now` where somebody is a side who was none before."""
    return {path: names for path, names in now.items() if not set(names) <= set(before.get(path, ()))}


def _among_the_same(before: Seen, now: Seen) -> Between:
    """Overlaps of before, of sessions that are still the same."""
    others = {name for name, created in before.created_ns.items() if now.created_ns.get(name) != created}
    return {path: [name for name in names if name not in others] for path, names in before.overlaps.items()}


def _news(before: Between, now: Between) -> Iterable[dict[str, Any]]:
    for path, names in new_between(before, now).items():
        yield {"event": "overlap", "path": path, "between": names}


def _compare(ws: Workspace) -> Seen:
    records, comparison = ws.records(), Comparison(ws)
    overlaps = {os.fsdecode(each.path): _names(each) for each in compared(comparison, records)}
    changed = {str(record.name): _texts(comparison.seen(record).changed) for record in records}
    upstream = {str(record.name): _texts(comparison.moved_upstream(record)) for record in records}
    return Seen(changed, upstream, overlaps, {str(record.name): record.created_ns for record in records})


def _names(overlap: Overlap) -> list[str]:
    return [side.name for side in overlap.sides]


def _texts(paths: Iterable[bytes]) -> list[str]:
    return [os.fsdecode(path) for path in sorted(paths)[:_PATHS_MAX]]


def main() -> None:
    """Look once."""
    sys.setrecursionlimit(RECURSION_LIMIT)
    common_dir, runtime_dir = (Path(word) if word else None for word in sys.argv[1:3])
    assert common_dir is not None
    top = common_dir.parent if common_dir.name == ".git" else common_dir
    ws = Workspace(Repository(common_dir, common_dir, top), runtime_dir)
    if ws.is_initialised():
        look(ws)


if __name__ == "__main__":
    main()
