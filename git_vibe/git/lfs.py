"""Git LFS: telling pointers from content, and finding the content. git-lfs itself is needed only to download."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path
from typing import NamedTuple

from git_vibe.errors import GitError
from git_vibe.git.command import stream_git

POINTER_MAX = 1024
_OID = re.compile(r"[0-9a-f]{64}")


class Pointer(NamedTuple):
    """What a pointer says: SHA-256 of the content in hexadecimal, and its size."""

    oid: str
    size: int


def parse_pointer(data: bytes) -> Pointer | None:
    """The pointer that a blob is, or None when it is something else."""
    from dulwich.lfs import LFSPointer

    found = LFSPointer.from_bytes(data) if len(data) < POINTER_MAX else None
    return Pointer(found.oid, found.size) if found is not None and _OID.fullmatch(found.oid) else None


def storage(common_dir: Path, configured: str | None) -> Path:
    """Where content lies; `configured` is lfs.storage."""
    return common_dir / Path(configured or "lfs").expanduser() / "objects"


def content_path(objects: Path, oid: str) -> Path:
    """Where the content of a pointer lies below the storage, whether it is there or not."""
    return objects / oid[:2] / oid[2:4] / oid


def find_content(objects: Path, pointer: Pointer) -> Path | None:
    """The file with the whole content of a pointer, or None."""
    path = content_path(objects, pointer.oid)
    try:
        return path if path.stat().st_size == pointer.size else None
    except OSError:
        return None


def can_download() -> bool:
    """Whether git-lfs is installed."""
    return shutil.which("git-lfs") is not None


def download(pointer: bytes, path: bytes, target: Path, *, cwd: Path) -> bool:
    """Let git-lfs write the content of the file `path`, whose blob is `pointer`, to `target`; tell whether it could."""
    try:
        with open(target, "wb") as output:
            stream_git(["lfs", "smudge", "--", os.fsdecode(path)], cwd=cwd, output=output, stdin=pointer)
    except GitError:
        return False
    return target.stat().st_size != len(pointer) or target.read_bytes() != pointer
