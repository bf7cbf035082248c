"""Repositories inside a session: what git records of them is the commit their HEAD names."""

from __future__ import annotations

import os
import shutil
import stat

from git_vibe.git.refs import read_ref
from git_vibe.session.scratch import Scratch
from git_vibe.store.stack import DeltaDirectory, DeltaFile, DeltaNode
from git_vibe.types import Oid

_NAMES_OF_COMMITS = (b"HEAD", b"packed-refs", b"config", b"refs", b"commondir")


def is_embedded(node: DeltaDirectory) -> bool:
    """Whether a directory of the delta has a `.git` of its own."""
    return b".git" in node.children()


def is_untouched(node: DeltaDirectory) -> bool:
    """Whether the delta has nothing of a submodule but its `.git` file, and those of submodules inside it."""
    children = dict(node.children())
    link = children.pop(b".git", None)
    is_merged = not node.opaque and node.tree is None
    is_link = isinstance(link, DeltaFile) and stat.S_ISREG(link.status.st_mode)
    below = [each for each in children.values() if isinstance(each, DeltaDirectory) and is_untouched(each)]
    return is_merged and (is_link or (link is None and bool(below))) and len(below) == len(children)


def embedded_head(scratch: Scratch, path: bytes, node: DeltaDirectory) -> Oid | None:
    """The commit HEAD names in the repository at `path`, or None when it is none or has no commit."""
    git = node.children()[b".git"]
    if isinstance(git, DeltaDirectory):
        directory: bytes | None = _refs_copy(scratch, path, git)
    elif isinstance(git, DeltaFile) and stat.S_ISREG(git.status.st_mode):
        directory = _linked_directory(scratch, path, git)
    else:
        return None
    return read_ref("HEAD", cwd=scratch.worktree, git_dir=directory) if directory is not None else None


def _refs_copy(scratch: Scratch, path: bytes, git: DeltaDirectory) -> bytes:
    """Put what names commits in a merged `.git` directory into one place, where git can read it."""
    target = os.path.join(os.fsencode(scratch.root), b"embedded-" + os.urandom(6).hex().encode())
    children = git.children()
    os.makedirs(os.path.join(target, b"objects"))
    for name in _NAMES_OF_COMMITS:
        if name in children:
            _copy(children[name], os.path.join(target, name))
    return target


def _copy(node: DeltaNode, target: bytes) -> None:
    if isinstance(node, DeltaDirectory):
        os.mkdir(target)
        for name, child in node.children().items():
            _copy(child, os.path.join(target, name))
    elif isinstance(node, DeltaFile) and stat.S_ISREG(node.status.st_mode):
        shutil.copyfile(node.path, target)


def _linked_directory(scratch: Scratch, path: bytes, gitfile: DeltaFile) -> bytes | None:
    """Where a `.git` file points to; relative to the place the session has for its users."""
    with open(gitfile.path, "rb") as file:
        content = file.read(8192)
    if not content.startswith(b"gitdir: "):
        return None
    return os.path.join(os.fsencode(scratch.record.mount), path, content[len(b"gitdir: ") :].rstrip(b"\r\n"))
