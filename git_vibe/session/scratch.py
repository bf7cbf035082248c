"""A throw-away work tree that stands in for a session while git looks at its delta.

It holds empty directories, copies of the `.gitignore` and `.gitattributes` files the view shows, and symbolic links to
the layer files that are to be hashed. So git decides about ignoring and filters by its own rules, on a picture that
does not move, and whether or not the session is mounted.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from git_vibe.git.command import run_git
from git_vibe.session.workspace import Workspace
from git_vibe.store.atomic import begin_writeback
from git_vibe.store.record import SessionRecord

if TYPE_CHECKING:
    from git_vibe.git.write import ObjectSink


class Scratch:
    """One such work tree below the directory `root`, bound to the repository and a copy of the session's index.

    `environment` makes git see it; `sink` is where new objects go. `throwaway` tells that they vanish with it, and
    `writes_blobs` whether the content of files is stored at all or only named, and `untouched` whether the index is
    known to be as it was at the spawn.
    """

    def __init__(
        self, ws: Workspace, record: SessionRecord, root: Path, *, throwaway: bool, writes_blobs: bool
    ) -> None:
        self.ws = ws
        self.record = record
        self.paths = ws.paths(record.name)
        self.root = root
        self.worktree = root / "tree"
        self.index = root / "index"
        self.untouched: bool | None = None
        self.writes_blobs = writes_blobs
        self.worktree.mkdir()
        self.sink = _sink(ws, root, throwaway=throwaway)
        self.environment = {
            **self.sink.environment,
            "GIT_DIR": os.fspath(self._git_dir()),
            "GIT_WORK_TREE": os.fspath(self.worktree),
            "GIT_INDEX_FILE": os.fspath(self.index),
        }
        self._copy_index()

    def _git_dir(self) -> Path:
        return self.paths.git_dir if (self.paths.git_dir / "HEAD").exists() else self.ws.repo.common_dir

    def _copy_index(self) -> None:
        """Copy the session's index; where it is lost, what the base tracks takes its place."""
        try:
            shutil.copyfile(self.paths.git_dir / "index", self.index)
        except FileNotFoundError:
            run_git(["read-tree", self.record.base], cwd=self.worktree, env=self.environment)

    def location(self, path: bytes) -> bytes:
        """Absolute path of `path` in the scratch work tree."""
        return os.path.join(os.fsencode(self.worktree), path)

    def make_directory(self, path: bytes) -> None:
        """Let git see a directory at `path`."""
        with contextlib.suppress(FileExistsError):
            os.mkdir(self.location(path))

    def put(self, path: bytes, content: bytes) -> None:
        """Let git see a file at `path` with its content."""
        self._write(path, content, os.O_TRUNC)

    def append(self, path: bytes, content: bytes) -> None:
        """Add to a file that `put` made, or make it."""
        self._write(path, content, os.O_APPEND)

    def _write(self, path: bytes, content: bytes, flags: int) -> None:
        """Never through a link: it would lead into a layer."""
        flags |= os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        with open(os.open(self.location(path), flags, 0o600), "wb") as file:
            file.write(content)

    def link(self, path: bytes, target: bytes) -> None:
        """Let git read the file `target` under the name `path`, unless there is a copy already."""
        with contextlib.suppress(FileExistsError):
            os.symlink(target, self.location(path))


@contextlib.contextmanager
def scratch_for(
    ws: Workspace, record: SessionRecord, *, throwaway: bool = True, writes_blobs: bool = True
) -> Iterator[Scratch]:
    """A scratch work tree for one look at the session; everything throw-away is gone after the block."""
    ws.layout.cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="scratch-", dir=ws.layout.cache) as directory:
        yield Scratch(ws, record, Path(directory), throwaway=throwaway, writes_blobs=writes_blobs)


def _sink(ws: Workspace, root: Path, *, throwaway: bool) -> ObjectSink:
    from git_vibe.git.write import repository_sink, throwaway_sink

    if not throwaway:
        return repository_sink(ws.repo.common_dir, begin_writeback)
    (root / "objects").mkdir()
    return throwaway_sink(ws.repo.common_dir, root / "objects")
