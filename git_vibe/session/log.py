"""`git log` over the promotes of a session, whether it is open or closed."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Sequence
from typing import Any, NamedTuple

from git_vibe.errors import SessionNotFound, StateCorrupt
from git_vibe.git.command import run_git, run_git_attached
from git_vibe.git.notes import parse_notes, read_note
from git_vibe.git.refs import is_ancestor, read_ref
from git_vibe.session.diff import paging
from git_vibe.session.workspace import Workspace
from git_vibe.store.layout import NOTES_REF, promote_ref
from git_vibe.store.record import SessionRecord
from git_vibe.types import Oid, SessionName

_FORMAT = "%C(auto)%h%C(reset) %ad %C(blue)%an%C(reset)%n    %s"
_FORMATTING = re.compile(r"--(oneline|format|pretty)\b")
_DIFFING = re.compile(
    r"-(p|u|s|c|cc|L.*|U.*)\Z"
    r"|--(patch|no-patch|raw|stat|numstat|shortstat|dirstat|summary|compact-summary|name-only|name-status|cc|unified)\b"
)
_FIELDS = "%H%n%P%n%cI%n%an <%ae>%n%s%n%N"


class History(NamedTuple):
    """The promotes of a session: those from `base` (None: unknown) to `tip` (None: there are none).

    `of_another` tells that they are those of an earlier session of this name.
    """

    session: SessionName
    tip: Oid | None
    base: Oid | None = None
    of_another: bool = False

    @property
    def range(self) -> list[str]:
        """Revisions and options that make git walk the promotes."""
        return ["--first-parent", str(self.tip), *([f"^{self.base}"] if self.base else [])]


def find_history(ws: Workspace, name: SessionName) -> History:
    """Where the promotes of a session are. Raises SessionNotFound where there never was such a session."""
    record = _record(ws, name)
    tip = read_ref(promote_ref(name), cwd=ws.repo.common_dir)
    if tip is None:
        return History(name, None) if record is not None else _not_found(ws, name)
    note = read_note(NOTES_REF, tip, cwd=ws.repo.common_dir)
    promoted = record is not None and record.promoted is not None
    base = record.base if record is not None and promoted else _spawned_from(ws, tip, note)
    earlier = record is not None and not promoted and note.get("created_ns") != record.created_ns
    if base is not None and not is_ancestor(base, tip, cwd=ws.repo.common_dir):
        base = None
    return History(name, tip, base, earlier)


def _record(ws: Workspace, name: SessionName) -> SessionRecord | None:
    with contextlib.suppress(SessionNotFound, StateCorrupt):
        return ws.record(name)
    return None


def _not_found(ws: Workspace, name: SessionName) -> History:
    raise SessionNotFound(
        f"Instance '{name}' not found, and {promote_ref(name)} does not exist",
        "`git vibe status` lists the sessions, `git for-each-ref refs/vibes/` what sessions have promoted",
    )


def _spawned_from(ws: Workspace, tip: Oid, note: dict[str, Any]) -> Oid | None:
    """The base of a closed session, from the trailer of its last promote or the note of that."""
    command = ["log", "-1", "--no-show-signature", "--format=%(trailers:key=Vibe-Base,valueonly)", tip]
    told = run_git(command, cwd=ws.repo.common_dir).decode(errors="replace").split()
    for text in (*told[-1:], str(note.get("base"))):
        with contextlib.suppress(ValueError):
            return Oid(text)
    return None


def log(
    ws: Workspace, history: History, args: Sequence[str], paths: Sequence[str], *, color: str | None, pager: bool
) -> int:
    """Show promotes with git log on the user's terminal and return its exit status.

    `args` are options of git log, `paths` pathspecs relative to the caller's directory.
    """
    colors = [] if color is None else [f"--color={color}"]
    command = [*paging(ws, "log", wanted=pager), "log", *colors, *_defaults(args), *args, *history.range, "--", *paths]
    return run_git_attached(command, cwd=ws.repo.worktree / ws.repo.prefix)


def _defaults(args: Sequence[str]) -> list[str]:
    """Time, commit and files, as far as the user did not ask for another format."""
    if any(_FORMATTING.match(arg) for arg in args):
        return []
    diffing = any(_DIFFING.match(arg) for arg in args)
    ending = "tformat" if {"-s", "--no-patch"} & set(args) else "format"  # git separates commits by lines, or ends them
    return [f"--format={ending}:{_FORMAT}", "--date=iso", *([] if diffing else ["--stat"])]


# As data


def promotes(ws: Workspace, history: History, args: Sequence[str], paths: Sequence[str]) -> list[dict[str, Any]]:
    """The promotes that git log would show, newest first, each with its files and what its note says."""
    command = ["log", *args, *history.range, "--no-patch", "--no-color", "--format=%H", "--", *paths]
    listing = run_git(command, cwd=ws.repo.worktree / ws.repo.prefix).decode(errors="replace")
    return _described(ws, re.findall(r"\b[0-9a-f]{40}\b", listing))


def _described(ws: Workspace, commits: list[str]) -> list[dict[str, Any]]:
    if not commits:
        return []
    command = ["log", "--no-walk=unsorted", "--stdin", "-z", "--no-patch", "--no-show-signature", "--no-color"]
    notes = ["--no-notes", f"--notes={NOTES_REF}", f"--format={_FIELDS}"]
    listing = run_git([*command, *notes], cwd=ws.repo.common_dir, stdin="\n".join(commits).encode() + b"\n")
    records = [record.split(b"\n", 5) for record in listing.split(b"\0") if record]
    return [_promote(ws, fields) for fields in records]


def _promote(ws: Workspace, fields: list[bytes]) -> dict[str, Any]:
    commit, parents, moment, author, subject = (os.fsdecode(field) for field in fields[:5])
    parent = next(iter(parents.split()), None)
    return {
        "commit": commit,
        "parent": parent,
        "timestamp": moment,
        "author": author,
        "subject": subject,
        "files": _files(ws, commit, parent),
        "note": next(iter(parse_notes(fields[5])), None),
    }


def _files(ws: Workspace, commit: str, parent: str | None) -> list[dict[str, str]]:
    sides = [parent, commit] if parent else ["--root", commit]
    command = ["diff-tree", "-r", "-z", "--no-commit-id", "--no-renames", "--name-status", *sides]
    words = os.fsdecode(run_git(command, cwd=ws.repo.common_dir)).split("\0")
    return [{"status": status, "path": path} for status, path in zip(words[::2], words[1::2], strict=False)]
