"""Sessions with all their content where git can read it, to be merged and compared, and gone afterwards."""

from __future__ import annotations

import contextlib
from typing import NamedTuple

from git_vibe.git.differing import Lines, changed_lines, common_lines, entry_at
from git_vibe.git.merge import Conflict, merge_trees
from git_vibe.git.write import Entry, reading_too, tree_of
from git_vibe.session.changes import steadily
from git_vibe.session.layers import layer_trees
from git_vibe.session.scratch import Scratch, scratch_for
from git_vibe.session.tree import session_tree
from git_vibe.session.workspace import Workspace
from git_vibe.store.record import SessionRecord
from git_vibe.types import Oid, SessionName


class Content(NamedTuple):
    """A session's tree and the scratch whose objects it is made of."""

    scratch: Scratch
    tree: Oid


class Contents(contextlib.ExitStack):
    """The content of sessions of one repository, each read when it is first asked for and kept inside the block."""

    def __init__(self, ws: Workspace) -> None:
        super().__init__()
        self._ws = ws
        self._read: dict[SessionName, Content] = {}

    def of(self, record: SessionRecord) -> Content:
        """The content of one session."""
        if record.name not in self._read:
            scratch = self.enter_context(scratch_for(self._ws, record))
            tree = steadily(
                self._ws, record.name, lambda layers: session_tree(scratch, layer_trees(scratch.paths, layers))
            )
            self._read[record.name] = Content(scratch, tree.oid)
        return self._read[record.name]

    def conflicts(self, base: Oid | None, ours: SessionRecord, theirs: SessionRecord | Oid) -> tuple[Conflict, ...]:
        """What git cannot merge of a session and another one, or a commit, that both come from the commit `base`."""
        content, cwd = self.of(ours), self._ws.repo.common_dir
        sink = content.scratch.sink
        bottom = sink.write_tree({}) if base is None else tree_of(base, cwd=cwd)
        other = tree_of(theirs, cwd=cwd) if isinstance(theirs, Oid) else self.of(theirs).tree
        environment = self._environment(ours, theirs)
        return merge_trees(
            sink, base=bottom, ours=content.tree, theirs=other, cwd=content.scratch.worktree, env=environment
        ).conflicts

    def _environment(self, ours: SessionRecord, theirs: SessionRecord | Oid) -> dict[str, str]:
        environment = self.of(ours).scratch.environment
        if isinstance(theirs, Oid):
            return environment
        return reading_too(environment, self.of(theirs).scratch.environment)

    def common_lines(self, base: Oid | None, path: bytes, *sides: tuple[SessionRecord | Oid, Entry]) -> list[Lines]:
        """Lines of `path` in the commit `base` that two sides, with their entries at it, both changed."""
        before = None if base is None else entry_at(base, path, cwd=self._ws.repo.common_dir)
        if before is None or not before.is_file:
            return []
        changed = [self._changed_lines(before, who, entry) for who, entry in sides if entry.is_file]
        return common_lines(*changed) if len(changed) == len(sides) else [line for lines in changed for line in lines]

    def _changed_lines(self, before: Entry, who: SessionRecord | Oid, entry: Entry) -> list[Lines]:
        cwd = self._ws.repo.common_dir
        environment = {} if isinstance(who, Oid) else self.of(who).scratch.sink.environment
        return changed_lines(before.oid, entry.oid, cwd=cwd, env=environment)
