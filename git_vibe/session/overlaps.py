"""Where sessions meet: paths that two of them changed, or one of them and upstream, and whether git can merge that."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations

from git_vibe.session.comparison import Comparison, upstream_of
from git_vibe.session.meeting import UPSTREAM, Overlap, Side, UpstreamOverlap, by_path
from git_vibe.session.workspace import Workspace
from git_vibe.store.record import SessionRecord
from git_vibe.types import Oid, SessionName

__all__ = [
    "UPSTREAM",
    "Overlap",
    "Side",
    "UpstreamOverlap",
    "compared",
    "session_overlaps",
    "upstream_of",
    "upstream_overlap",
]


def upstream_overlap(ws: Workspace, record: SessionRecord, target: Oid, *, lines: bool = False) -> UpstreamOverlap:
    """What a session changed, and did not land, that changed between its base and `target`. Raises GitError."""
    from git_vibe.session.contents import Contents

    with Contents(ws) as contents:
        return Comparison(ws, contents, lines=lines).with_upstream(record, target)


def session_overlaps(
    ws: Workspace, *, lines: bool = False, names: Sequence[SessionName] | None = None, upstream: bool = True
) -> list[Overlap]:
    """What sessions changed that others, or (with `upstream`) upstream, changed, too, in the order of paths.

    `names` picks what those sessions are a side of. Raises GitError.
    """
    from git_vibe.session.contents import Contents

    with Contents(ws) as contents:
        return compared(Comparison(ws, contents, lines=lines), ws.records(), names, upstream=upstream)


def compared(
    comparison: Comparison,
    records: list[SessionRecord],
    names: Sequence[SessionName] | None = None,
    *,
    upstream: bool = True,
) -> list[Overlap]:
    """What `session_overlaps` answers, by one comparison of some sessions."""
    behind = _upstream(comparison, records, names) if upstream else ()
    return by_path([*_among(comparison, records, names), *behind])


def _among(
    comparison: Comparison, records: list[SessionRecord], names: Sequence[SessionName] | None
) -> Iterator[Overlap]:
    for ours, theirs in combinations(records, 2):
        if names is None or ours.name in names or theirs.name in names:
            yield from comparison.of_two(ours, theirs)


def _upstream(
    comparison: Comparison, records: list[SessionRecord], names: Sequence[SessionName] | None
) -> Iterator[Overlap]:
    for record in records:
        target = comparison.target(record)
        if target is not None and (names is None or record.name in names):
            yield from comparison.with_upstream(record, target).overlaps
