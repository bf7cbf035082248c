"""What becomes of a session on another base: its commits made anew, its files merged.

Where its promotes or its own commits apply one by one, only what came after them is merged: so what upstream has taken
over of them already is no conflict, as in `git rebase`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from git_vibe.git.merge import Merge
from git_vibe.git.refs import read_ref, unreachable_tips
from git_vibe.session.archive import session_head
from git_vibe.session.merging import Sides, merge_trees
from git_vibe.session.rebase_state import Stand
from git_vibe.session.replay import Replayed, replayed
from git_vibe.session.scratch import Scratch
from git_vibe.store.layout import promote_ref
from git_vibe.types import Oid

_UNCOMMITTED = "the commits made in the session do not apply one by one; their changes are uncommitted now"
_UNPROMOTED = "what the session has promoted does not apply commit by commit; it is unpromoted now"


class Outcome(NamedTuple):
    """Where the session stands and is to stand, its merged tree, and commits that were made anew.

    `lost` are commits that could not be made anew, each with what to say about it.
    """

    before: Stand
    after: Stand
    merge: Merge
    rewritten: tuple[tuple[Oid, Oid], ...]
    lost: tuple[tuple[Oid, str], ...]


def outcome(scratch: Scratch, tree: Oid, onto: Oid, sides: Sides) -> Outcome:
    """Merge a session whose tree is `tree` with what changed from its base to `onto`. Raises GitError."""
    record = scratch.record
    head = session_head(scratch.paths) or record.base
    published = read_ref(promote_ref(record.name), cwd=scratch.ws.repo.common_dir)
    before = Stand(record.base, record.below, record.shown, record.promoted, head, published)
    made: dict[tuple[Oid, Oid], Oid] = {}
    promotes = replayed(scratch, record.base, record.promoted, onto, made) if record.promoted else None
    own = replayed(scratch, record.base, head, onto, made)
    promoted = promotes.tip if promotes is not None and promotes.tip != onto else None
    after = Stand(
        onto, record.clean, record.base_key if record.shown else None, promoted,
        own.tip if own is not None else onto, promoted or published,
    )  # fmt: skip
    merge = _merge(scratch, tree, list(_steps(before, after, promotes, own)), sides)
    pairs = dict([*(promotes.pairs if promotes else ()), *(own.pairs if own else ())])
    return Outcome(before, after, merge, tuple(pairs.items()), tuple(_lost(scratch, before, promotes, own)))


def _steps(before: Stand, after: Stand, promotes: Replayed | None, own: Replayed | None) -> Iterator[tuple[Oid, Oid]]:
    """Commits the session's files came from, each with what it became; the best to start from first."""
    if before.promoted is not None and promotes is not None:
        yield before.promoted, promotes.tip
    if own is not None:
        yield before.head, own.tip
    yield before.base, after.base


def _merge(scratch: Scratch, tree: Oid, steps: list[tuple[Oid, Oid]], sides: Sides) -> Merge:
    """The first of these merges that is clean, else the first of all; a step that has just this tree comes first."""
    trees = list(dict.fromkeys((scratch.sink.tree_of(old), scratch.sink.tree_of(new)) for old, new in steps))
    first: Merge | None = None
    for base, ours in sorted(trees, key=lambda step: step[0] != tree):
        merge = merge_trees(scratch, base=base, ours=ours, theirs=tree, sides=sides)
        if not merge.conflicts:
            return merge
        first = first or merge
    assert first is not None
    return first


def _lost(
    scratch: Scratch, before: Stand, promotes: Replayed | None, own: Replayed | None
) -> Iterator[tuple[Oid, str]]:
    if before.promoted is not None and promotes is None:
        yield before.promoted, _UNPROMOTED
    if own is None and _is_only_here(scratch, before):
        yield before.head, _UNCOMMITTED


def _is_only_here(scratch: Scratch, before: Stand) -> bool:
    """Whether the session's HEAD has commits that nothing but its own branch and the promotes reach."""
    cwd = scratch.ws.repo.common_dir
    branch = scratch.record.branch
    if branch is not None and read_ref(branch, cwd=cwd) == before.head:
        return True
    return bool(unreachable_tips([before.head], cwd=cwd))
