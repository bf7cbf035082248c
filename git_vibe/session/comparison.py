"""One look at several sessions: what each changed, against others and against upstream.

Upstream of a session is the branch it is to land on. What was promoted and has landed there is the session's no more.
Paths are compared by the names of their content, which are remembered; content is merged only where both sides have
a path otherwise, and what came out is remembered by the trees that were merged.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from git_vibe.errors import VibeError
from git_vibe.git.command import run_git, run_git_status
from git_vibe.git.differing import changed_entries
from git_vibe.git.modes import MODE_TREE
from git_vibe.git.refs import read_ref
from git_vibe.git.write import Entry
from git_vibe.session.meeting import (
    GONE,
    UPSTREAM,
    Meeting,
    Overlap,
    UpstreamOverlap,
    from_json,
    meetings,
    side,
    to_json,
)
from git_vibe.session.picture import Picture, not_landed_since, picture
from git_vibe.session.verdicts import Verdicts, merge_rules
from git_vibe.session.workspace import Workspace
from git_vibe.store.record import SessionRecord
from git_vibe.types import Oid, SessionName

if TYPE_CHECKING:
    from git_vibe.session.contents import Contents


def upstream_of(ws: Workspace, record: SessionRecord) -> Oid | None:
    """The commit a session is to land on: of its target, or of what is checked out in the main work tree."""
    return _tip(ws, record.target) or _tip(ws, "HEAD")


def _tip(ws: Workspace, ref: str | None) -> Oid | None:
    common = ws.repo.common_dir
    return None if ref is None else read_ref(ref, cwd=common, git_dir=os.fsencode(common))


class Comparison:
    """One look at several sessions: each is looked at once, and content is read where it decides.

    Without `contents` only paths are compared, and every overlap counts as clean; `lines` adds what lines overlap.
    """

    def __init__(self, ws: Workspace, contents: Contents | None = None, *, lines: bool = False) -> None:
        self._ws = ws
        self._contents = contents
        self._lines = lines
        self._rules = merge_rules(ws)
        self._tips: dict[str | None, Oid | None] = {}
        self._pictures: dict[SessionName, Picture] = {}
        self._moves: dict[tuple[Oid, Oid], dict[bytes, Entry]] = {}
        self._counts: dict[str, int] = {}

    def target(self, record: SessionRecord) -> Oid | None:
        """`upstream_of`, asked once for each branch."""
        if record.target not in self._tips:
            self._tips[record.target] = upstream_of(self._ws, record)
        return self._tips[record.target]

    def picture(self, record: SessionRecord) -> Picture:
        """What a session changed that has not landed. Raises VibeError or OSError."""
        if record.name not in self._pictures:
            self._pictures[record.name] = picture(self._ws, record, self._since(record, self.target(record)))
        return self._pictures[record.name]

    def moved_upstream(self, record: SessionRecord) -> dict[bytes, Entry]:
        """What upstream changed since the base of a session. Raises GitError."""
        target = self.target(record)
        return {} if target is None or target == record.base else self._moved(self.seen(record).since, target)

    # A session and upstream

    def with_upstream(self, record: SessionRecord, target: Oid) -> UpstreamOverlap:
        """What `upstream_overlap` answers."""
        if target == record.base:
            return UpstreamOverlap(0, [])
        self._tips[record.target] = target
        seen = self.seen(record)
        verdicts = Verdicts(self._ws, record.name)
        compared = (seen.tree, record.base, seen.since, record.promoted, target)
        key = ("upstream" if self._contents else "upstream-paths", *compared, self._rules)
        known = None if self._lines else verdicts.get(*key)
        if known is not None:
            return UpstreamOverlap(known[0], list(from_json(known[1])))
        found = UpstreamOverlap(self._behind(record, target), self._met_upstream(record, seen, target))
        if not self._lines:
            verdicts.put([found.behind, to_json(found.overlaps)], *key)
        return found

    def _since(self, record: SessionRecord, target: Oid | None) -> Oid:
        if record.promoted is None:
            return record.base
        verdicts = Verdicts(self._ws, record.name)
        key = ("since", record.base, record.promoted, target)
        known = verdicts.get(*key)
        if known is None:
            known = not_landed_since(self._ws, record, target)
            verdicts.put(known, *key)
        return Oid(known)

    def seen(self, record: SessionRecord) -> Picture:
        """The picture of a session; a damaged one, or one that was closed just now, must not hinder the others."""
        try:
            return self.picture(record)
        except (VibeError, OSError):
            return Picture(record.base, None, {}, 0)

    def _behind(self, record: SessionRecord, target: Oid) -> int:
        key = f"{record.base}..{target}"
        if key not in self._counts:
            self._counts[key] = int(run_git(["rev-list", "--count", key], cwd=self._ws.repo.common_dir))
        return self._counts[key]

    def _met_upstream(self, record: SessionRecord, seen: Picture, target: Oid) -> list[Overlap]:
        if not seen.changed:
            return []
        met = [each for each in meetings(seen.changed, self._moved(seen.since, target)) if _may_differ(each)]
        met = [each for each in met if not self._took(record, seen, each)]
        if not met:
            return []
        open_paths = self._open(seen.since, record, target, met)
        return [
            self._overlap(seen.since, each, (record, target), clean=each.path not in open_paths)
            for each in met
            if each.ours != each.theirs or each.path in open_paths
        ]

    def _took(self, record: SessionRecord, seen: Picture, met: Meeting) -> bool:
        """Whether upstream has at a path just what the session promoted (squashed, or picked)."""
        if record.promoted is None or record.promoted == seen.since:
            return False
        return self._moved(seen.since, record.promoted).get(met.path) == met.theirs

    def _moved(self, old: Oid, new: Oid) -> dict[bytes, Entry]:
        """What the commit `new` has otherwise than `old`, asked once."""
        if (old, new) not in self._moves:
            self._moves[old, new] = changed_entries(old, new, cwd=self._ws.repo.common_dir)
        return self._moves[old, new]

    # Two sessions

    def of_two(self, ours: SessionRecord, theirs: SessionRecord) -> list[Overlap]:
        """What two sessions both changed."""
        mine, other = self.seen(ours), self.seen(theirs)
        met = meetings(mine.changed, other.changed)
        if not met:
            return []
        key = ("session", mine.tree, ours.reference, other.tree, theirs.reference, self._rules)
        open_paths = self._open_of_two(ours, theirs, met, key)
        base = self._common_base(ours, theirs) if self._lines else None
        return [self._overlap(base, each, (ours, theirs), clean=each.path not in open_paths) for each in met]

    def _open_of_two(
        self, ours: SessionRecord, theirs: SessionRecord, met: list[Meeting], key: tuple[object, ...]
    ) -> set[bytes]:
        """`_open`, remembered for a key."""
        if self._contents is None:
            return set()
        verdicts = Verdicts(self._ws, ours.name)
        known = verdicts.get(*key)
        if known is None:
            found = self._open(self._common_base(ours, theirs), ours, theirs, met)
            known = [os.fsdecode(path) for path in found]
            verdicts.put(known, *key)
        return {os.fsencode(path) for path in known}

    def _common_base(self, ours: SessionRecord, theirs: SessionRecord) -> Oid | None:
        if ours.reference == theirs.reference:
            return ours.reference
        command = ["merge-base", ours.reference, theirs.reference]
        found = run_git_status(command, cwd=self._ws.repo.common_dir).stdout.split()
        return Oid(found[0].decode()) if found else None

    # Both

    def _open(
        self, base: Oid | None, ours: SessionRecord, theirs: SessionRecord | Oid, met: list[Meeting]
    ) -> set[bytes]:
        """Those of the paths where git stops at a conflict; all of them where it cannot merge at all."""
        if self._contents is None:
            return set()
        try:
            left = self._contents.conflicts(base, ours, theirs)
        except (VibeError, OSError):
            return {each.path for each in met}
        paths = {each.path for each in left}
        oids = {entry.oid for each in left for entry in each.stages.values()}
        return {each.path for each in met if each.path in paths or _is_open(each, oids)}

    def _overlap(
        self, base: Oid | None, met: Meeting, who: tuple[SessionRecord, SessionRecord | Oid], *, clean: bool
    ) -> Overlap:
        both = tuple(zip(who, (met.ours, met.theirs), strict=True))
        found = self._contents.common_lines(base, met.path, *both) if self._contents and self._lines else ()
        return Overlap(met.path, tuple(side(_name(each), entry) for each, entry in both), clean, tuple(found))


def _name(who: SessionRecord | Oid) -> str:
    return UPSTREAM if isinstance(who, Oid) else who.name


def _may_differ(met: Meeting) -> bool:
    """Whether there is something to merge; what both deleted may have been renamed differently."""
    return met.ours != met.theirs or met.ours == GONE


def _is_open(met: Meeting, unmerged: set[Oid]) -> bool:
    """Whether content of a path is left unmerged under another name, or a file stands against a directory."""
    return MODE_TREE in (met.ours.mode, met.theirs.mode) or not unmerged.isdisjoint((met.ours.oid, met.theirs.oid))
