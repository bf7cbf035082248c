"""What is to be committed or pushed and was changed in a session as well, to something else."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import NamedTuple

from git_vibe.errors import GitError
from git_vibe.git.command import run_git
from git_vibe.git.differing import changed_entries
from git_vibe.git.write import Entry
from git_vibe.session.upstream import listed
from git_vibe.session.workspace import Workspace
from git_vibe.store.record import SessionRecord
from git_vibe.types import Oid, SessionName

_EMPTY_TREE = Oid("4b825dc642cb6eb9a060e54bf8d69288fbee4904")


class Touched(NamedTuple):
    """Paths of a commit or push that a session changed, too."""

    session: SessionName
    paths: tuple[str, ...]


def staged_entries(ws: Workspace) -> dict[bytes, Entry]:
    """What the commit that is being made changes; git names the index in the environment. Raises GitError."""
    head = "HEAD" if _exists("HEAD") else _EMPTY_TREE
    fields = run_git(["diff-index", "--cached", "-z", "--raw", "--no-renames", "--no-abbrev", head], cwd=None)
    records = fields.split(b"\0")
    return dict(zip(records[1::2], map(_entry, records[:-1:2]), strict=True))


def _entry(record: bytes) -> Entry:
    _, mode, _, oid, _ = record[1:].split(b" ")
    return Entry(int(mode, 8), Oid(oid.decode()))


def _exists(revision: str) -> bool:
    try:
        return bool(run_git(["rev-parse", "--verify", "--quiet", revision], cwd=None))
    except GitError:
        return False


def pushed_entries(ws: Workspace, local: Oid, remote: Oid) -> dict[bytes, Entry]:
    """What a push from the remote's commit (zeros: there is none) to ours changes. Raises GitError."""
    known = _known(ws, remote) or _fork_point(ws, local)
    return changed_entries(known, local, cwd=ws.repo.common_dir) if known is not None else {}


def _known(ws: Workspace, commit: Oid) -> Oid | None:
    try:
        run_git(["cat-file", "-e", f"{commit}^{{commit}}"], cwd=ws.repo.common_dir)
    except GitError:
        return None
    return commit


def _fork_point(ws: Workspace, local: Oid) -> Oid | None:
    """The newest commit below `local` that some remote has."""
    command = ["rev-list", "--boundary", "--topo-order", local, "--not", "--remotes"]
    rows = run_git(command, cwd=ws.repo.common_dir).decode().splitlines()
    return next((Oid(row[1:]) for row in rows if row.startswith("-")), None)


def others(ws: Workspace) -> list[SessionRecord]:
    """All sessions but the one in which the command runs."""
    return [record for record in ws.records() if ws.paths(record.name).git_dir != ws.repo.git_dir]


def touched(ws: Workspace, entries: dict[bytes, Entry]) -> Iterator[Touched]:
    """Other sessions that changed one of the paths to something else."""
    from git_vibe.session.comparison import Comparison

    comparison = Comparison(ws)
    for record in others(ws) if entries else []:
        changed = comparison.seen(record).changed
        met = sorted(path for path in entries.keys() & changed.keys() if entries[path] != changed[path])
        if met:
            yield Touched(record.name, tuple(map(os.fsdecode, met)))


def warning(found: Touched, what: str) -> str:
    """What there is to say; `what` is 'staged' or 'pushed'."""
    count = "a file" if len(found.paths) == 1 else f"{len(found.paths)} files"
    return (
        f"session '{found.session}' also changed {count} that you {what} ({listed(found.paths)}):"
        " `git vibe status --conflicts` shows where they meet"
    )
