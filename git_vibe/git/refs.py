"""Refs: read, and moved only from the value they are expected to have."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from git_vibe.errors import GitError, RefMoved
from git_vibe.git.command import DURABLE, NO_HOOKS, run_git, run_git_status
from git_vibe.types import Oid

PRIVATE = ("refs/vibe/", "refs/vibes/")
"""Where the refs of git-vibe lie."""
NOTHING = "0" * 40
"""The old value of a ref that must not exist yet."""


def read_ref(ref: str, *, cwd: Path, git_dir: bytes | None = None) -> Oid | None:
    """What a ref (or HEAD, MERGE_HEAD) points to, or None when there is no such ref.

    `git_dir` names another repository than the one around `cwd`.
    """
    if git_dir is None and ref.startswith("refs/") and (cwd / "objects").is_dir():
        found = read_loose_ref(cwd / ref)
        if found is not None:
            return found
    env = {"GIT_DIR": os.fsdecode(git_dir)} if git_dir is not None else None
    done = run_git_status(["rev-parse", "--verify", "--quiet", "--end-of-options", ref], cwd=cwd, env=env)
    return Oid(done.stdout.decode().strip()) if done.returncode == 0 else None


def read_loose_ref(path: Path) -> Oid | None:
    """The object that a file of a git directory names; None when it names another ref, or is not there."""
    try:
        return Oid(path.read_text().strip())
    except (OSError, ValueError):
        return None


def update_ref(ref: str, new: Oid, *, old: Oid | None, message: str, cwd: Path) -> None:
    """Move `ref` from `old` (None: it does not exist) to `new`, durably, with a reflog entry.

    `cwd` is the common git directory. Raises RefMoved or GitError.
    """
    command = [*DURABLE, *_hookless(ref), "update-ref", "--create-reflog", "-m", message, ref, new, old or NOTHING]
    done = run_git_status(command, cwd=cwd)
    if done.returncode == 0:
        _sync_name(cwd / ref, top=cwd)
        return
    if read_ref(ref, cwd=cwd) != old:
        raise RefMoved(f"{ref} was moved by somebody else", f"look at it with `git log {ref}`, then try again")
    raise GitError(f"git update-ref failed: {done.stderr.decode(errors='replace').strip()}")


def _sync_name(path: Path, *, top: Path) -> None:
    """Make the name of a file durable; git does not do that for refs that are files of their own."""
    for directory in path.relative_to(top).parents:
        with contextlib.suppress(FileNotFoundError):
            fd = os.open(top / directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            os.fsync(fd)
            os.close(fd)


def delete_ref(ref: str, *, cwd: Path) -> None:
    """Delete a ref; a missing one is fine. Raises GitError."""
    run_git([*_hookless(ref), "update-ref", "-d", ref], cwd=cwd)


def _hookless(ref: str) -> tuple[str, ...]:
    return NO_HOOKS if ref.startswith(PRIVATE) else ()


def is_ancestor(old: str, new: str, *, cwd: Path, env: Mapping[str, str] | None = None) -> bool:
    """Whether commit `new` contains `old`."""
    return run_git_status(["merge-base", "--is-ancestor", old, new], cwd=cwd, env=env).returncode == 0


def unreachable_tips(commits: Iterable[Oid], *, cwd: Path) -> list[Oid]:
    """Those of `commits` that no ref reaches and that no other of them contains. Objects that are gone do not count."""
    listing = "".join(f"{commit}\n" for commit in commits).encode()
    command = ["rev-list", "--ignore-missing", "--parents", "--not", "--glob=refs/*", "--stdin"]
    found = [line.split() for line in run_git(command, cwd=cwd, stdin=listing).decode().splitlines()]
    contained = {parent for line in found for parent in line[1:]}
    return [Oid(line[0]) for line in found if line[0] not in contained]


def replacements(common_dir: Path) -> dict[bytes, bytes]:
    """What `git replace` shows instead of objects, by their names as 20 bytes. Costs nothing where there is none."""
    if not has_replacements(common_dir):
        return {}
    listing = run_git(["for-each-ref", "--format=%(refname:lstrip=2) %(objectname)", "refs/replace/"], cwd=common_dir)
    pairs = (line.split() for line in listing.decode().splitlines())
    return {bytes.fromhex(name): bytes.fromhex(other) for name, other in pairs}


def has_replacements(common_dir: Path) -> bool:
    """Whether `git replace` may have been used; False is certain."""
    if (common_dir / "refs" / "replace").exists():
        return True
    with contextlib.suppress(FileNotFoundError):
        return b" refs/replace/" in (common_dir / "packed-refs").read_bytes()
    return False
