"""Sessions made by hand: a real repository, a plain linked work tree as the mount, layers written file by file."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
from pathlib import Path

from git_vibe.git.repository import Repository
from git_vibe.session.workspace import Workspace
from git_vibe.store.layer import make_whiteout
from git_vibe.store.layout import OPAQUE_XATTR, Layout
from git_vibe.store.record import SessionRecord, write_record
from git_vibe.types import LayerId, Oid, SessionName


def git(*args: str | bytes, cwd: Path, env: dict[str, str] | None = None, ok: tuple[int, ...] = (0,)) -> bytes:
    """Run git and return its output without the last newline."""
    done = subprocess.run(["git", *args], cwd=cwd, env={**os.environ, **(env or {})}, capture_output=True, check=False)
    assert done.returncode in ok, done.stderr.decode(errors="replace")
    return done.stdout.removesuffix(b"\n")


def write(root: Path, path: str | bytes, content: bytes | str, mode: int = 0o644) -> None:
    """Write a file, making its parents."""
    target = os.path.join(os.fsencode(root), os.fsencode(path))
    os.makedirs(os.path.dirname(target), exist_ok=True)
    with open(target, "wb") as file:
        file.write(content.encode() if isinstance(content, str) else content)
    os.chmod(target, mode)


class HandMade:
    """One session: `mount` is a plain checkout, `layer` the top layer; `sync` derives the layer from the mount."""

    def __init__(self, root: Path, name: str) -> None:
        self.repo = root / "repo"
        self.name = SessionName(name)
        self.mount = root / "mounts" / f"vibe-{name}"
        git("worktree", "add", "--detach", os.fspath(self.mount), "HEAD", cwd=self.repo)
        self.pristine = root / f"pristine-{name}"
        shutil.copytree(self.mount, self.pristine, symlinks=True)
        self.layout = Layout(self.repo / ".git")
        self.paths = self.layout.session(self.name)
        self.layout.root.mkdir(exist_ok=True)
        self.layout.version.write_text("1\n")
        self.layer(1)
        base = Oid(git("rev-parse", "HEAD", cwd=self.repo).decode())
        git("update-ref", f"refs/vibe/base/{name}", base, cwd=self.repo)
        write_record(self.paths.meta, SessionRecord(self.name, base, 1_700_000_000_000_000_000, str(self.mount)))
        self.ws = Workspace(Repository(self.repo / ".git", self.repo / ".git", self.repo))

    @property
    def record(self) -> SessionRecord:
        """The record as it is stored."""
        return self.ws.record(self.name)

    def layer(self, number: int) -> Path:
        """The `tree` directory of a layer, made when it does not exist."""
        directory = self.paths.layer(LayerId(number))
        (directory / "work").mkdir(parents=True, exist_ok=True)
        (directory / "tree").mkdir(exist_ok=True)
        return directory / "tree"

    def whiteout(self, path: str, number: int = 1) -> None:
        """Put a whiteout into a layer."""
        target = os.fsencode(self.layer(number) / path)
        os.makedirs(os.path.dirname(target), exist_ok=True)
        make_whiteout(os.fsencode(self.paths.layer(LayerId(number)) / "work"), target)

    def sync(self, number: int = 1) -> None:
        """Make one layer hold exactly what distinguishes the mount from the base."""
        shutil.rmtree(self.layer(number))
        _derive(os.fsencode(self.mount), os.fsencode(self.pristine), os.fsencode(self.layer(number)))

    def native_tree(self) -> str:
        """What `git add -A && git write-tree` gives in the mount, leaving its index alone."""
        index = self.paths.root / "native-index"
        shutil.copy2(self.paths.git_dir / "index", index)  # its time tells git which entries it may not trust
        env = {"GIT_INDEX_FILE": os.fspath(index)}
        git("add", "-A", cwd=self.mount, env=env)
        return git("write-tree", cwd=self.mount, env=env).decode()


def _derive(new: bytes, old: bytes, layer: bytes) -> None:
    os.makedirs(layer, exist_ok=True)
    before = set(os.listdir(old)) if os.path.isdir(old) and not os.path.islink(old) else set()
    after = set(os.listdir(new))
    for name in sorted(before | after):
        paths = [os.path.join(directory, name) for directory in (new, old, layer)]
        if name == b".git" and os.path.isfile(paths[1]):
            continue
        if name not in after:
            os.mknod(paths[2], stat.S_IFCHR, 0)
        else:
            _derive_name(*paths, existed=name in before)


def _derive_name(new: bytes, old: bytes, layer: bytes, *, existed: bool) -> None:
    status = os.lstat(new)
    if stat.S_ISDIR(status.st_mode):
        merges = existed and os.path.isdir(old) and not os.path.islink(old)
        _derive(new, old if merges else b"/nonexistent", layer)
        if existed and not merges:
            os.setxattr(layer, OPAQUE_XATTR, b"y")
        if merges and not os.listdir(layer):
            os.rmdir(layer)
    elif not existed or _differs(new, old):
        _copy(new, layer, status)


def _copy(new: bytes, layer: bytes, status: os.stat_result) -> None:
    if stat.S_ISFIFO(status.st_mode):
        os.mkfifo(layer)
    else:
        shutil.copy2(new, layer, follow_symlinks=False)


def _differs(new: bytes, old: bytes) -> bool:
    first, second = os.lstat(new), os.lstat(old)
    if first.st_mode != second.st_mode:
        return True
    if stat.S_ISLNK(first.st_mode):
        return os.readlink(new) != os.readlink(old)
    with open(new, "rb") as one, open(old, "rb") as other:
        return one.read() != other.read()
