"""Which sessions are behind the branch they are to land on, and what of their work changed there, too.

Each session is told about an upstream commit once. What was told lies in its directory as `upstream.json`.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from git_vibe.git.command import run_git
from git_vibe.session.workspace import Workspace
from git_vibe.store.atomic import write_atomically
from git_vibe.store.record import SessionRecord
from git_vibe.types import Oid, SessionName

if TYPE_CHECKING:
    from git_vibe.session.meeting import UpstreamOverlap

_SHOWN = 3


class Branch(NamedTuple):
    """A branch sessions are to land on: its full name, where it is, and the remote-tracking branch it follows."""

    ref: str
    tip: Oid
    upstream: str | None = None


class Lag(NamedTuple):
    """How far a session is behind the commit `tip` of `ref`.

    `paths` are files of the session that changed there, too, and `conflicts` those of them that do not merge cleanly.
    """

    session: SessionName
    base: Oid
    ref: str
    tip: Oid
    behind: int
    paths: tuple[str, ...] = ()
    conflicts: tuple[str, ...] = ()


class Pending(NamedTuple):
    """A session whose upstream moved to the commit `tip` of `ref`."""

    record: SessionRecord
    ref: str
    tip: Oid


def checked_out(git_dir: Path) -> str | None:
    """The branch that is checked out in a work tree, or None while HEAD is detached."""
    with contextlib.suppress(OSError):
        head = (git_dir / "HEAD").read_text(errors="surrogateescape").strip()
        return head.removeprefix("ref: ") if head.startswith("ref: ") else None
    return None


def branches(ws: Workspace, refs: Collection[str]) -> dict[str, Branch]:
    """Those of the refs that exist, by name."""
    if not refs:
        return {}
    command = ["for-each-ref", "--format=%(refname)%00%(objectname)%00%(upstream)", *sorted(refs)]
    lines = os.fsdecode(run_git(command, cwd=ws.repo.common_dir)).splitlines()
    found = (line.split("\0") for line in lines)
    return {ref: Branch(ref, Oid(tip), upstream or None) for ref, tip, upstream in found if ref in refs}


def target_of(ws: Workspace, record: SessionRecord) -> str | None:
    """Full name of the branch that a session is to land on."""
    return record.target or checked_out(ws.repo.common_dir)


def pending(ws: Workspace, moved: Collection[str]) -> list[Pending]:
    """Sessions that were not told yet about where one of the refs in `moved` is now.

    The remote-tracking branch of a session's target counts like the target. Raises GitError.
    """
    targets = {record.name: target for record in ws.records() if (target := target_of(ws, record)) is not None}
    known = branches(ws, set(targets.values()))
    known |= branches(ws, {each.upstream for each in known.values() if each.upstream in moved and each.upstream})
    found = []
    for record in ws.records():
        branch = _moved_branch(known, targets.get(record.name), moved)
        if branch is not None and _told(ws, record) != branch.tip:
            found.append(Pending(record, branch.ref, branch.tip))
    return found


def _moved_branch(known: dict[str, Branch], target: str | None, moved: Collection[str]) -> Branch | None:
    branch = known.get(target or "")
    if branch is None or branch.ref in moved:
        return branch
    return known.get(branch.upstream or "") if branch.upstream in moved else None


def _told(ws: Workspace, record: SessionRecord) -> Oid | None:
    lag = _remembered(ws, record)
    return None if lag is None else lag.tip


def look(ws: Workspace, waiting: Sequence[Pending]) -> Iterator[Lag]:
    """Compare sessions with their upstream in memory, and remember that they were told. Raises GitError.

    Those come first that have no file in common with it: only the others need their content merged.
    """
    from git_vibe.session.comparison import Comparison
    from git_vibe.session.contents import Contents

    by_path = Comparison(ws)
    meeting = []
    for each in waiting:
        found = by_path.with_upstream(each.record, each.tip)
        if found.overlaps:
            meeting.append(each)
        else:
            yield _remember(ws, each, found)
    with Contents(ws) as contents:
        by_content = Comparison(ws, contents)
        for each in meeting:
            yield _remember(ws, each, by_content.with_upstream(each.record, each.tip))


def _remember(ws: Workspace, seen: Pending, found: UpstreamOverlap) -> Lag:
    record, ref, tip = seen
    paths = tuple(os.fsdecode(each.path) for each in found.overlaps)
    conflicts = tuple(os.fsdecode(each.path) for each in found.overlaps if not each.clean)
    lag = Lag(record.name, record.base, ref, tip, found.behind, paths, conflicts)
    with contextlib.suppress(OSError):
        write_atomically(ws.paths(record.name).upstream, json.dumps(lag._asdict()).encode(), durable=False)
    return lag


def _remembered(ws: Workspace, record: SessionRecord) -> Lag | None:
    try:
        data = json.loads(ws.paths(record.name).upstream.read_bytes())
        lists = {name: tuple(data[name]) for name in ("paths", "conflicts")}
        return Lag(**{**data, **lists})
    except (OSError, ValueError, KeyError, TypeError):
        return None


def lags(ws: Workspace) -> Iterator[Lag]:
    """What hooks found out about sessions, as far as it is still so. Raises GitError."""
    found = [(record, lag) for record in ws.records() if (lag := _remembered(ws, record)) is not None and lag.behind]
    known = branches(ws, {lag.ref for _, lag in found})
    for record, lag in found:
        branch = known.get(lag.ref)
        if branch is not None and (branch.tip, record.base) == (lag.tip, lag.base):
            yield lag


def line(lag: Lag) -> str:
    """What there is to say of a session that is behind, and what to do."""
    commits = f"{lag.behind} commit{'s' if lag.behind != 1 else ''}"
    branch = lag.ref.removeprefix("refs/heads/").removeprefix("refs/remotes/")
    onto = f" --onto {branch}" if lag.ref.startswith("refs/remotes/") else ""
    return f"session '{lag.session}' is {commits} behind {branch}; {_files(lag)}: `git vibe rebase {lag.session}{onto}`"


def _files(lag: Lag) -> str:
    if not lag.paths:
        return "none of its files changed there"
    text = f"{len(lag.paths)} of its files changed there, too ({listed(lag.paths)})"
    if not lag.conflicts:
        return f"{text}, without conflicts"
    which = "" if lag.conflicts == lag.paths else f" in {len(lag.conflicts)} ({listed(lag.conflicts)})"
    return f"{text}, with conflicts{which}"


def listed(paths: Collection[str]) -> str:
    """The first few paths, and how many more there are."""
    shown = list(paths)[:_SHOWN]
    more = f" and {len(paths) - _SHOWN} more" if len(paths) > _SHOWN else ""
    return ", ".join(shown) + more
