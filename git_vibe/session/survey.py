"""Walking a delta and deciding, name by name, what `git add -A` would take from it.

The walk goes level by level, so that one run of git answers for all undecided names of a level and an ignored
directory is never entered. Only directories of the delta are walked; the rest of the base is never read.
"""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterator
from typing import NamedTuple

from git_vibe.git.ignore import ignored_paths
from git_vibe.git.modes import MODE_FILE, MODE_GITLINK
from git_vibe.git.tracked import Difference, Tracked
from git_vibe.git.write import Entry
from git_vibe.session.context_names import ContextNames, context_names
from git_vibe.session.conversion import converted_file
from git_vibe.session.embedded import embedded_head, is_embedded, is_untouched
from git_vibe.session.included import read_included
from git_vibe.session.scratch import Scratch
from git_vibe.session.tracking import index_differences, tracked_files
from git_vibe.store.stack import DeltaDirectory, DeltaFile, DeltaNode, Whiteout, measure
from git_vibe.types import Oid

RENAMED_GIT = b"dot-git"
"""The name under which the `.git` of an embedded repository is taken."""

_VERBATIM = b"* -text -filter -ident -working-tree-encoding\n"

_STEERING = (b".gitignore", b".gitattributes")
"""Files that tell git how to treat others."""


class IgnoredEntry(NamedTuple):
    """One ignored name below a directory that is not ignored: how many files it holds, how large they are together."""

    path: bytes
    files: int
    size: int


class Scope(NamedTuple):
    """What is taken besides what `git add -A` takes.

    An ignored entry is taken up to so many files and bytes. `everything` adds private copies of context files and the
    files of embedded repositories, and looks at files git was told not to look at.
    """

    ignored_files: int = 0
    ignored_bytes: int = 0
    everything: bool = False

    def takes(self, entry: IgnoredEntry) -> bool:
        """Whether an ignored entry is small enough to be taken."""
        return entry.files <= self.ignored_files and entry.size <= self.ignored_bytes


class Folder:
    """One directory of the result: the tree it starts from and what happens to its names.

    `kept` is the tree that dirty is measured against at the same path, from which names of the context are taken;
    `context` is what the context shows there. A mark is None for a name
    that goes, an Entry for one that is settled, a file to be hashed, or a folder. `otherwise` takes the place of a
    folder that ends up empty; `taken` tells that nothing in it is asked about, `foreign` that it is in a submodule,
    whose trees the repository does not have, `moved` that its clean files have other names than in the base.
    """

    def __init__(
        self, path: bytes, node: DeltaDirectory, *, below: Oid | None, kept: Oid | None, context: ContextNames | None
    ) -> None:
        self.path = path
        self.node = node
        self.below = below
        self.kept = kept
        self.context = context
        self.taken = False
        self.foreign = False
        self.moved = False
        self.otherwise: Entry | None = None
        self.entries: dict[bytes, Entry] = {}
        self.marks: dict[bytes, Entry | DeltaFile | Folder | None] = {}

    def join(self, name: bytes) -> bytes:
        """Path of a name of this folder."""
        return self.path + b"/" + name if self.path else name


class _Candidate(NamedTuple):
    """A file or directory that is taken unless git ignores it, or in any case when it is `settled`."""

    folder: Folder
    name: bytes
    path: bytes
    node: DeltaFile | DeltaDirectory
    settled: bool = False


class Survey:
    """The outcome: folders with every parent before its children, what was ignored, what the user should know."""

    def __init__(self, scratch: Scratch, scope: Scope) -> None:
        self.scratch = scratch
        self.scope = scope
        self.tracked: Tracked = tracked_files(scratch)
        self.included = read_included(scratch.paths)
        self.trusts_modes = scratch.ws.repo.config.boolean("core.filemode", default=True)
        self.trusts_links = scratch.ws.repo.config.boolean("core.symlinks", default=True)
        self.folders: list[Folder] = []
        self.ignored: list[IgnoredEntry] = []
        self.left_out: list[bytes] = []
        self.warnings: list[str] = []

    def walk(self, delta: DeltaDirectory, base_tree: Oid) -> None:
        """Visit the whole delta."""
        context = context_names(self.scratch.ws.layout.context)
        kept = self.scratch.sink.tree_of(self.scratch.record.reference)
        root = Folder(b"", delta, below=base_tree, kept=kept, context=context)
        level = [root]
        while level:
            candidates = [candidate for folder in level for candidate in self._enter(folder)]
            level = self._decide(candidates)
        self._follow_index()
        if not self.scope.everything:
            self._follow_moves()
            self._keep_frozen()

    def _enter(self, folder: Folder) -> list[_Candidate]:
        """Add a folder, settle what needs no question and return the rest."""
        self.folders.append(folder)
        self.scratch.make_directory(folder.path)
        if folder.below is not None:
            folder.entries = self.scratch.sink.read_tree(folder.below)
        children = _children(folder)
        for name in _STEERING:
            self._put_steering(folder, name, children.get(name))
        candidates = (self._candidate(folder, name, children[name]) for name in sorted(children))
        return [candidate for candidate in candidates if candidate is not None]

    def _put_steering(self, folder: Folder, name: bytes, node: DeltaNode | None) -> None:
        """Let git see the `.gitignore` or `.gitattributes` file the view shows in a folder."""
        content = self._steering_content(folder, name, node)
        if content is not None:
            self.scratch.put(folder.join(name), content)

    def _steering_content(self, folder: Folder, name: bytes, node: DeltaNode | None) -> bytes | None:
        if node is not None:
            return _read_regular(node)
        if folder.context is not None and name in folder.context.names:
            return folder.context.content(name)
        entry = folder.entries.get(name)
        return self.scratch.sink.read_blob(entry.oid) if entry is not None and stat.S_ISREG(entry.mode) else None

    def _candidate(self, folder: Folder, name: bytes, node: DeltaNode) -> _Candidate | None:
        path = folder.join(name)
        if name.lower() == b".git":
            return self._git_directory(folder, name, path, node)
        elif self._is_context(folder, name, node):
            pass
        elif isinstance(node, Whiteout):
            self._whiteout(folder, name)
        elif isinstance(node, DeltaDirectory):
            self.scratch.make_directory(path)
            return _Candidate(folder, name, path, node)
        elif stat.S_ISREG(node.status.st_mode) or stat.S_ISLNK(node.status.st_mode):
            return _Candidate(folder, name, path, node)
        else:
            folder.marks[name] = None
        return None

    def _git_directory(self, folder: Folder, name: bytes, path: bytes, node: DeltaNode) -> _Candidate | None:
        """git stores no such name; a scope that takes everything takes what lies there under another."""
        if name != b".git":
            self.warnings.append(f"git cannot store the name '{os.fsdecode(path)}'")
        if path == b".git" or not self.scope.everything:
            return None
        if isinstance(node, Whiteout) or not self.scope.takes(IgnoredEntry(path, *measure(node))):
            self.left_out.append(path)
            return None
        renamed = folder.join(RENAMED_GIT)
        if isinstance(node, DeltaDirectory):
            self.scratch.make_directory(renamed)
            self.scratch.put(renamed + b"/.gitattributes", _VERBATIM)
        return _Candidate(folder, RENAMED_GIT, renamed, node, settled=True)

    def _is_context(self, folder: Folder, name: bytes, node: DeltaNode) -> bool:
        """Whether a name is the context's and so never the session's work."""
        if self.scope.everything:
            return False
        if isinstance(node, DeltaFile) and node.is_context:
            return True
        if folder.context is None or name not in folder.context.names:
            return False
        return folder.context.is_leaf(name) or isinstance(node, DeltaFile)

    def _whiteout(self, folder: Folder, name: bytes) -> None:
        """A name is gone; below a directory of the context only what is not the context's goes."""
        folder.marks[name] = None
        if folder.context is None or folder.context.directory(name) is None or self.scope.everything:
            return
        self._enter(self._child(folder, name, DeltaDirectory((), opaque=True)))

    def _child(self, folder: Folder, name: bytes, node: DeltaDirectory) -> Folder:
        """Make the folder for a directory of the delta."""
        entry = folder.entries.get(name)
        below = entry.oid if entry is not None and entry.is_tree and not node.opaque else None
        foreign = folder.foreign or (entry is not None and entry.mode == MODE_GITLINK)
        child = Folder(
            folder.join(name),
            node,
            below=Oid(node.tree) if node.tree is not None and not foreign else below,
            kept=self._kept_tree(folder, name),
            context=folder.context.directory(name) if folder.context is not None else None,
        )
        child.foreign = foreign
        child.moved = node.tree is not None or (folder.moved and not node.opaque)
        folder.marks[name] = child
        return child

    def _kept_tree(self, folder: Folder, name: bytes) -> Oid | None:
        """The tree that dirty is measured against below a name; asked only where the context needs it."""
        if folder.kept is None or folder.context is None:
            return None
        entry = self.scratch.sink.read_tree(folder.kept).get(name)
        return entry.oid if entry is not None and entry.is_tree else None

    def _decide(self, candidates: list[_Candidate]) -> list[Folder]:
        """Settle the names of one level and return the folders of the next."""
        asked = [each.path for each in candidates if not self._is_settled(each)]
        ignored = ignored_paths(asked, worktree=self.scratch.worktree, env=self.scratch.environment)
        level = []
        for each in candidates:
            child = self._ignored(each) if each.path in ignored else self._taken(each)
            if child is not None:
                level.append(child)
        return level

    def _is_settled(self, candidate: _Candidate) -> bool:
        return candidate.settled or candidate.folder.taken or self._is_tracked(candidate)

    def _is_tracked(self, candidate: _Candidate) -> bool:
        if self.tracked.entry(candidate.path) is not None or candidate.path in self.included:
            return True
        return isinstance(candidate.node, DeltaDirectory) and self.tracked.has_below(candidate.path)

    def _ignored(self, candidate: _Candidate) -> Folder | None:
        entry = IgnoredEntry(candidate.path, *measure(candidate.node))
        self.ignored.append(entry)
        if self.scope.takes(entry):
            child = self._taken(candidate)
            if child is not None:
                child.taken = True
            return child
        candidate.folder.marks[candidate.name] = None
        if self.scope.everything:
            self.left_out.append(candidate.path)
        return None

    def _taken(self, candidate: _Candidate) -> Folder | None:
        """Take a file, or a directory as what git would make of it."""
        folder, name, path, node, settled = candidate
        if isinstance(node, DeltaFile):
            folder.marks[name] = node
            return None
        link = self._gitlink(path, node)
        if link is not None:
            folder.marks[name] = link
            return None
        child = self._child(folder, name, node)
        child.taken = folder.taken or settled
        return child

    def _gitlink(self, path: bytes, node: DeltaDirectory) -> Entry | None:
        """What a directory is recorded as when it is a submodule or an embedded repository."""
        known = self.tracked.entry(path)
        is_known = known is not None and known.mode == MODE_GITLINK
        if not is_known and (self.tracked.has_below(path) or not is_embedded(node)):
            return None
        if self.scope.everything and not is_untouched(node):
            return None
        head = embedded_head(self.scratch, path, node) if is_embedded(node) else None
        if head is not None:
            return Entry(MODE_GITLINK, head)
        if known is not None and is_known:
            return Entry(MODE_GITLINK, known.oid)
        self.warnings.append(
            f"'{os.fsdecode(path)}' is a repository without a commit; its files are taken as plain files"
        )
        return None

    def _follow_moves(self) -> None:
        """Treat clean files of renamed directories like new ones where the index does not know their new names."""
        moved = [folder for folder in self.folders if folder.moved]
        files = {place[0].join(place[1]): place for folder in moved for place in self._clean_files(folder)}
        new = [path for path in files if self.tracked.entry(path) is None]
        ignored = ignored_paths(new, worktree=self.scratch.worktree, env=self.scratch.environment)
        for path in new:
            folder, name = files[path]
            entry = folder.entries[name]
            if path in ignored:
                folder.marks[name] = None
            elif not self.trusts_modes and stat.S_ISREG(entry.mode):
                folder.marks[name] = Entry(MODE_FILE, entry.oid)

    def _clean_files(self, folder: Folder) -> Iterator[tuple[Folder, bytes]]:
        """Files below a folder that the delta says nothing about; folders that it knows are left out."""
        for name, entry in folder.entries.items():
            if entry.is_tree and name not in folder.marks:
                yield from self._clean_files(self._open(folder, name))
            elif entry.mode != MODE_GITLINK and name not in folder.marks:
                yield folder, name

    def _follow_index(self) -> None:
        """Apply to clean files of the base what only the session's index says about them."""
        scratch = self.scratch
        clean = {
            each: folder
            for each in index_differences(scratch)
            if (folder := self._folder_of_clean(each.path)) is not None
        }
        untracked = [each.path for each in clean if each.mode == 0]
        ignored = ignored_paths(untracked, worktree=scratch.worktree, env=scratch.environment)
        for each, folder in clean.items():
            self._follow_entry(folder, each, is_ignored=each.path in ignored)

    def _follow_entry(self, folder: Folder, difference: Difference, *, is_ignored: bool) -> None:
        """What is ignored and not tracked goes; what the index has otherwise is looked at like a changed file."""
        name = os.path.basename(difference.path)
        entry = folder.entries[name]
        if is_ignored:
            folder.marks[name] = None
        elif difference.mode and stat.S_ISREG(entry.mode):
            folder.marks[name] = self._clean_file(difference.path, entry)
        elif not self.trusts_modes and stat.S_ISREG(entry.mode):
            folder.marks[name] = Entry(MODE_FILE, entry.oid)

    def _clean_file(self, path: bytes, entry: Entry) -> DeltaFile:
        """A file of the base, put where it can be hashed."""
        location = self.scratch.location(path)
        shown = converted_file(self.scratch.ws, self.scratch.record, path)
        if shown is None:
            self.scratch.put(path, self.scratch.sink.read_blob(entry.oid))
        else:
            shutil.copyfile(shown, location)
        os.chmod(location, stat.S_IMODE(entry.mode))
        return DeltaFile(location, os.lstat(location))

    def _folder_of_clean(self, path: bytes) -> Folder | None:
        """The folder of a file of the base when the delta says nothing about it, else None."""
        folder = self.folders[0]
        *parents, name = path.split(b"/")
        for parent in parents:
            mark = folder.marks.get(parent, folder)
            if mark is not folder and not isinstance(mark, Folder):
                return None
            if mark is folder and parent not in folder.entries:
                return None
            folder = self._open(folder, parent)
        return folder if name in folder.entries and name not in folder.marks else None

    def _open(self, folder: Folder, name: bytes) -> Folder:
        """The folder below another, made where the delta has none; a name that is gone becomes an empty one."""
        mark = folder.marks.get(name)
        if isinstance(mark, Folder):
            return mark
        child = self._child(folder, name, DeltaDirectory((), opaque=name in folder.marks))
        self._enter(child)
        return child

    def _keep_frozen(self) -> None:
        """Entries git was told not to look at stay as the index has them, whatever the view shows."""
        for entry in self.tracked.frozen():
            *parents, name = entry.path.split(b"/")
            folder = self.folders[0]
            for parent in parents:
                folder = self._open(folder, parent)
            mark = folder.marks.get(name)
            if isinstance(mark, Folder):
                mark.otherwise = Entry(entry.mode, entry.oid)
            else:
                folder.marks[name] = Entry(entry.mode, entry.oid)


def _children(folder: Folder) -> dict[bytes, DeltaNode]:
    """What the delta says about a folder's names; an opaque one hides directories of the context like a whiteout."""
    children = folder.node.children()
    if folder.node.opaque and folder.context is not None:
        hidden: dict[bytes, DeltaNode] = {name: Whiteout() for name in folder.context.names}
        return hidden | children
    return children


def _read_regular(node: DeltaNode) -> bytes | None:
    if isinstance(node, DeltaFile) and stat.S_ISREG(node.status.st_mode):
        with open(node.path, "rb") as file:
            return file.read()
    return None
