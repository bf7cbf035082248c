"""The Git tree of a session: what `git add -A && git write-tree` would give in it.

Only directories of the delta are looked at, only their files are hashed, and only their trees are written.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from typing import NamedTuple

from git_vibe.git.hashing import hash_files
from git_vibe.git.modes import MODE_EXECUTABLE, MODE_FILE, MODE_SYMLINK, MODE_TREE
from git_vibe.git.tracked import Tracked
from git_vibe.git.write import Entry
from git_vibe.session.lfs import kept_pointers, uncleaned
from git_vibe.session.line_endings import files_that_keep_crlf, keep_line_endings
from git_vibe.session.scratch import Scratch
from git_vibe.session.survey import Folder, IgnoredEntry, Scope, Survey
from git_vibe.session.tracking import index_differences
from git_vibe.store.stack import DeltaFile, is_empty, read_delta
from git_vibe.types import Oid


class IgnoredSummary:
    """What git ignores in a session, per topmost ignored name."""

    def __init__(self, entries: Sequence[IgnoredEntry]) -> None:
        self.entries = tuple(entries)

    @property
    def count(self) -> int:
        """Number of ignored files."""
        return sum(entry.files for entry in self.entries)

    @property
    def size(self) -> int:
        """Bytes of all ignored files together."""
        return sum(entry.size for entry in self.entries)


class SessionTree(NamedTuple):
    """The tree of a session. `left_out` names what a wider scope wanted and could not take."""

    oid: Oid
    ignored: IgnoredSummary
    left_out: tuple[bytes, ...] = ()
    warnings: tuple[str, ...] = ()


PROMOTED = Scope()
"""What a promote takes: what `git add -A` takes."""


def session_tree(scratch: Scratch, trees: Sequence[bytes], *, scope: Scope = PROMOTED) -> SessionTree:
    """Compute the tree of the scratch's session, whose layers have their files at `trees`.

    Objects go to the scratch's sink. Raises GitError, OSError when a file vanishes meanwhile, ObjectMissing.
    """
    base = scratch.sink.tree_of(scratch.record.clean)
    if is_empty(trees) and not index_differences(scratch):
        return SessionTree(base, IgnoredSummary([]))
    survey = Survey(scratch, scope)
    survey.walk(read_delta(trees), base)
    oid = _assemble(survey, _file_entries(survey))
    return SessionTree(oid, IgnoredSummary(survey.ignored), tuple(survey.left_out), tuple(survey.warnings))


def _file_entries(survey: Survey) -> dict[bytes, Entry]:
    """Tree entries of all files that are taken, by path."""
    files = {
        folder.join(name): mark
        for folder in survey.folders
        for name, mark in folder.marks.items()
        if isinstance(mark, DeltaFile)
    }
    regular = {path: file for path, file in files.items() if stat.S_ISREG(file.status.st_mode)}
    oids = _hash_regular(survey, regular)
    oids |= {path: _hash_symlink(survey, file) for path, file in files.items() if path not in regular}
    return {path: Entry(_git_mode(survey, path, file), oids[path]) for path, file in files.items()}


def _hash_regular(survey: Survey, files: dict[bytes, DeltaFile]) -> dict[bytes, Oid]:
    scratch = survey.scratch
    pointers = kept_pointers(scratch, files)
    changed = {path: file for path, file in files.items() if path not in pointers}
    oids = _hash_changed(scratch, survey.tracked, changed)
    if contents := uncleaned(scratch, oids):
        survey.warnings.append(_uncleaned_warning(contents))
    return pointers | oids


def _uncleaned_warning(paths: list[bytes]) -> str:
    more = f" and {len(paths) - 1} more" if len(paths) > 1 else ""
    name = os.fsdecode(paths[0])
    return f"'{name}'{more} of Git LFS: no filter.lfs is configured, so git takes the content instead of a pointer"


def _hash_changed(scratch: Scratch, tracked: Tracked, files: dict[bytes, DeltaFile]) -> dict[bytes, Oid]:
    for path, file in files.items():
        scratch.link(path, file.path)
    keeping = files_that_keep_crlf(scratch, tracked, files)
    oids = _hash(scratch, [path for path in files if path not in keeping])
    keep_line_endings(scratch, keeping)
    return oids | _hash(scratch, keeping)


def _hash(scratch: Scratch, paths: list[bytes]) -> dict[bytes, Oid]:
    names = hash_files(paths, worktree=scratch.worktree, env=scratch.environment, write=scratch.writes_blobs)
    return dict(zip(paths, names, strict=True))


def _hash_symlink(survey: Survey, file: DeltaFile) -> Oid:
    return survey.scratch.sink.write_blob(os.readlink(file.path))


def _git_mode(survey: Survey, path: bytes, file: DeltaFile) -> int:
    """The mode git records; where it does not trust executable bits or links, what the index has stays."""
    if stat.S_ISLNK(file.status.st_mode):
        return MODE_SYMLINK
    known = None if survey.trusts_modes and survey.trusts_links else survey.tracked.entry(path)
    if known is not None and known.mode == MODE_SYMLINK and not survey.trusts_links:
        return MODE_SYMLINK
    if survey.trusts_modes:
        return MODE_EXECUTABLE if file.status.st_mode & stat.S_IXUSR else MODE_FILE
    return known.mode if known is not None and stat.S_ISREG(known.mode) else MODE_FILE


def _assemble(survey: Survey, files: dict[bytes, Entry]) -> Oid:
    """Write the trees of all folders, children first, and return the root's."""
    written: dict[Folder, Entry | None] = {}
    for folder in reversed(survey.folders):
        entries = dict(folder.entries)
        for name, mark in folder.marks.items():
            entry = _resolve(mark, files.get(folder.join(name)), written)
            if entry is None:
                entries.pop(name, None)
            else:
                entries[name] = entry
        if not survey.scope.everything:
            _restore_context(survey, folder, entries)
        written[folder] = _write(survey, folder, entries)
    root = written[survey.folders[0]]
    return root.oid if root is not None else survey.scratch.sink.write_tree({})


def _resolve(
    mark: Entry | DeltaFile | Folder | None, file: Entry | None, written: dict[Folder, Entry | None]
) -> Entry | None:
    if isinstance(mark, Folder):
        return written[mark]
    return file if isinstance(mark, DeltaFile) else mark


def _restore_context(survey: Survey, folder: Folder, entries: dict[bytes, Entry]) -> None:
    """Give names of the context back what dirty is measured against has there."""
    if folder.context is None:
        return
    kept = survey.scratch.sink.read_tree(folder.kept) if folder.kept is not None else {}
    for name in folder.context.names:
        before = kept.get(name)
        is_hidden = folder.context.is_leaf(name) or (before is not None and not before.is_tree and name not in entries)
        if not is_hidden:
            continue
        if before is None:
            entries.pop(name, None)
        else:
            entries[name] = before


def _write(survey: Survey, folder: Folder, entries: dict[bytes, Entry]) -> Entry | None:
    """The entry for a folder's tree; git knows no empty directories."""
    if not entries:
        return folder.otherwise
    if entries == folder.entries and folder.below is not None:
        return Entry(MODE_TREE, folder.below)
    return Entry(MODE_TREE, survey.scratch.sink.write_tree(entries))
