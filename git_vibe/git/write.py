"""Reading and writing trees and small blobs, in the user's object database or in a throw-away one."""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from git_vibe.errors import ObjectMissing
from git_vibe.git.command import run_git
from git_vibe.git.loose import object_name, write_loose
from git_vibe.git.modes import MODE_TREE
from git_vibe.git.objects import BlobReader, open_repository
from git_vibe.git.refs import has_replacements
from git_vibe.types import Oid

if TYPE_CHECKING:
    import pygit2

_TYPE_COMMIT = 1
_TYPE_TREE = 2
_TYPE_BLOB = 3
_KINDS = {_TYPE_COMMIT: b"commit", _TYPE_TREE: b"tree", _TYPE_BLOB: b"blob"}
_ABOVE_USER_BACKENDS = 1000
_NOBODY = "git-vibe <git-vibe@localhost> 0 +0000"


class Entry(NamedTuple):
    """One entry of a Git tree."""

    mode: int
    oid: Oid

    @property
    def is_tree(self) -> bool:
        """Whether the entry is a directory."""
        return self.mode == MODE_TREE

    @property
    def is_file(self) -> bool:
        """Whether the entry is a plain file, which has lines."""
        return stat.S_ISREG(self.mode)


class ObjectSink:
    """Where new objects go, and everything the repository already has.

    `environment` makes git read and write the same objects.
    """

    def __init__(self, common_dir: Path, repo: pygit2.Repository, environment: Mapping[str, str]) -> None:
        self.common_dir = common_dir
        self.environment = dict(environment)
        self._odb = repo.odb
        self._blobs = BlobReader(common_dir)
        self._asks_git = has_replacements(common_dir)

    def read_tree(self, oid: Oid) -> dict[bytes, Entry]:
        """Entries of a tree by name. Raises ObjectMissing."""
        return parse_tree(self._read_tree(oid))

    def _read_tree(self, oid: Oid) -> bytes:
        if self._asks_git:
            return self._read_tree_with_git(oid)
        try:
            return bytes(self._odb.read(oid)[1])
        except KeyError:
            return self._read_tree_with_git(oid)

    def _read_tree_with_git(self, oid: Oid) -> bytes:
        """git also finds replacements, what was packed since the handle was opened, what a partial clone left out."""
        try:
            return run_git(["cat-file", "tree", oid], cwd=self.common_dir)
        except Exception as error:
            raise ObjectMissing(f"tree {oid} is missing", "`git fsck` shows what the repository lacks") from error

    def tree_of(self, commit: Oid) -> Oid:
        """The tree of a commit. Raises GitError."""
        if not self._asks_git:
            with contextlib.suppress(KeyError, ValueError):
                kind, data = self._odb.read(commit)
                if kind == _TYPE_COMMIT:
                    return Oid(data[5:45].decode())
        return tree_of(commit, cwd=self.common_dir)

    def read_blob(self, oid: Oid) -> bytes:
        """Content of a blob of the repository. Raises ObjectMissing."""
        return self._blobs.content(bytes.fromhex(oid))

    def write_tree(self, entries: Mapping[bytes, Entry]) -> Oid:
        """Store a tree and return its name."""
        return self._write(_TYPE_TREE, format_tree(entries.items()))

    def write_blob(self, data: bytes) -> Oid:
        """Store a blob and return its name."""
        return self._write(_TYPE_BLOB, data)

    def write_commit(self, tree: Oid, parents: Iterable[Oid]) -> Oid:
        """Store a commit of nobody's and return its name; for what is looked at and thrown away."""
        lines = [f"tree {tree}", *(f"parent {parent}" for parent in parents), f"author {_NOBODY}"]
        data = "\n".join([*lines, f"committer {_NOBODY}", "", ""])
        return self._write(_TYPE_COMMIT, data.encode())

    def _write(self, kind: int, data: bytes) -> Oid:
        return Oid(str(self._odb.write(kind, data)))


class _RepositorySink(ObjectSink):
    """New objects go to the repository itself."""

    def __init__(self, common_dir: Path, before_naming: Callable[[bytes], None]) -> None:
        super().__init__(common_dir, open_repository(common_dir), {})
        self._before_naming = before_naming

    def _write(self, kind: int, data: bytes) -> Oid:
        """The library only refreshes the time of what is there, so that git does not prune it."""
        name = object_name(_KINDS[kind], data)
        if name in self._odb:
            return super()._write(kind, data)
        write_loose(self.common_dir / "objects", _KINDS[kind], data, self._before_naming)
        return name


def repository_sink(common_dir: Path, before_naming: Callable[[bytes], None] = lambda path: None) -> ObjectSink:
    """New objects go to the repository itself; `before_naming` has their bytes be written before they get their names,
    so that a ref that is moved durably afterwards leads to whole ones."""
    return _RepositorySink(common_dir, before_naming)


def throwaway_sink(common_dir: Path, directory: Path) -> ObjectSink:
    """New objects go to `directory`, which the caller removes; the repository gets none."""
    import pygit2

    repo = open_repository(common_dir)
    durable = False
    repo.odb.add_backend(pygit2.OdbBackendLoose(os.fspath(directory), 1, durable), _ABOVE_USER_BACKENDS)
    return ObjectSink(common_dir, repo, throwaway_environment(common_dir, directory))


def throwaway_environment(common_dir: Path, directory: str | os.PathLike[str]) -> dict[str, str]:
    """Variables that make git write objects to `directory` and read them there and in the repository."""
    return {
        "GIT_OBJECT_DIRECTORY": os.fspath(directory),
        "GIT_ALTERNATE_OBJECT_DIRECTORIES": _alternate(common_dir / "objects"),
    }


def reading_too(environment: Mapping[str, str], other: Mapping[str, str]) -> dict[str, str]:
    """The environment of a throw-away sink with which git also reads the objects of another one."""
    objects = _alternate(Path(other["GIT_OBJECT_DIRECTORY"]))
    both = f"{environment['GIT_ALTERNATE_OBJECT_DIRECTORIES']}:{objects}"
    return {**environment, "GIT_ALTERNATE_OBJECT_DIRECTORIES": both}


def _alternate(path: Path) -> str:
    """A path as git's list of alternates wants it, where ':' separates and '"' quotes."""
    text = os.fspath(path)
    if ":" not in text and not text.startswith('"'):
        return text
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def tree_of(commit: Oid, *, cwd: Path) -> Oid:
    """The tree of a commit, asked of git, which needs no library. Raises GitError."""
    return Oid(run_git(["rev-parse", "--verify", f"{commit}^{{tree}}"], cwd=cwd).decode().strip())


def parse_tree(data: bytes) -> dict[bytes, Entry]:
    """Entries of a raw tree object by name."""
    entries: dict[bytes, Entry] = {}
    position = 0
    while position < len(data):
        space = data.index(b" ", position)
        end = data.index(b"\0", space)
        oid = Oid(data[end + 1 : end + 21].hex())
        entries[data[space + 1 : end]] = Entry(int(data[position:space], 8), oid)
        position = end + 21
    return entries


def format_tree(entries: Iterable[tuple[bytes, Entry]]) -> bytes:
    """A raw tree object; git sorts directories as if their names ended in a slash."""
    ordered = sorted(entries, key=lambda item: item[0] + b"/" if item[1].is_tree else item[0])
    return b"".join(b"%o %s\0%s" % (entry.mode, name, bytes.fromhex(entry.oid)) for name, entry in ordered)
