"""Who did what when: the audit log put together with the notes of promotes, which outlive it and can be fetched."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from git_vibe.git.command import run_git
from git_vibe.git.notes import all_notes
from git_vibe.session.audit import kept_log, utc
from git_vibe.session.workspace import Workspace
from git_vibe.store.journal import Journal, read_journal
from git_vibe.store.layout import NOTES_REF

LOG, NOTES = "log", "notes"

_SPAWN_DETAILS = ("agent", "model")
_PROMOTE_DETAILS = ("commit", "parent", *_SPAWN_DETAILS, "files", "insertions", "deletions")


class Entry(NamedTuple):
    """One thing that was done. `source` is LOG or NOTES; `inside` is the session the command ran in."""

    time: str
    type: str
    session: str | None
    actor: str
    details: dict[str, Any]
    user: str | None = None
    inside: str | None = None
    source: str = LOG


class Accounts(NamedTuple):
    """Entries, the oldest first. `log` tells whether there is a log, `damaged` how many of its lines are lost."""

    entries: list[Entry]
    log: bool
    damaged: int


class Query(NamedTuple):
    """What is asked for; times are as git takes them.

    `type` is a kind of entry, or a detail that is true of it. `actor` is a part of an actor's, user's or agent's name.
    """

    type: str | None = None
    actor: str | None = None
    since: str | None = None
    until: str | None = None
    session: str | None = None


def accounts(ws: Workspace, query: Query) -> Accounts:
    """Everything known that a query matches."""
    log = _log_of(ws)
    logged = [entry for raw in log.entries if (entry := _entry(raw)) is not None]
    entries = sorted([*logged, *_noted(ws, logged)], key=lambda entry: entry.time)
    since, until = _moment(ws, "since", query.since), _moment(ws, "until", query.until)
    wanted = [entry for entry in entries if _matches(entry, query) and _is_between(entry, since, until)]
    return Accounts(wanted, ws.layout.audit.exists(), log.damaged + len(log.entries) - len(logged))


# The log


def _log_of(ws: Workspace) -> Journal:
    """The repository's log, and before it what was kept when git-vibe was removed from the repository."""
    own, kept = _read(ws.layout.audit), _read(kept_log())
    repository = os.fspath(ws.layout.common_dir)
    before = [entry for entry in kept.entries if entry.get("repository") == repository]
    unique = {repr(sorted(entry.items())): entry for entry in before}  # a purge that was killed keeps them again
    return Journal([*unique.values(), *own.entries], own.damaged)


def _read(path: Path) -> Journal:
    with contextlib.suppress(OSError):
        return read_journal(path)
    return Journal([], 0)


def _entry(raw: dict[str, Any]) -> Entry | None:
    try:
        return Entry(
            str(raw["time"]), str(raw["type"]), raw["session"], str(raw["actor"]), dict(raw["details"]),
            raw.get("user"), raw.get("inside"),
        )  # fmt: skip
    except (KeyError, TypeError, ValueError):
        return None


# The notes


def _noted(ws: Workspace, logged: Iterable[Entry]) -> Iterator[Entry]:
    """What the notes tell and the log does not: promotes, and that their sessions were spawned."""
    promoted = {entry.details.get("commit") for entry in logged if entry.type == "promote"}
    spawned = {(entry.session, entry.details.get("created_ns")) for entry in logged if entry.type == "spawn"}
    for annotated, notes in all_notes(NOTES_REF, cwd=ws.layout.common_dir):
        for note in notes:
            commit = note.get("commit", annotated)
            if "parent" in note and commit not in promoted:
                promoted.add(commit)
                yield from _from_note({**note, "commit": commit}, "promoted_ns", "promote", _PROMOTE_DETAILS)
            origin = (note.get("session"), note.get("created_ns"))
            if origin not in spawned:
                spawned.add(origin)
                yield from _from_note(note, "created_ns", "spawn", _SPAWN_DETAILS)


def _from_note(note: dict[str, Any], moment: str, kind: str, told: tuple[str, ...]) -> Iterator[Entry]:
    """An entry, unless the note is not one of git-vibe's."""
    with contextlib.suppress(KeyError, TypeError, ValueError, OverflowError):
        known = {key: note[key] for key in told if key in note}
        time = utc(datetime.fromtimestamp(note[moment] / 1e9, UTC))
        yield Entry(time, kind, str(note["session"]), str(note.get("actor", "unknown")), known, source=NOTES)


# The query


def _moment(ws: Workspace, option: str, text: str | None) -> str | None:
    """A time as git understands it: '2 days ago', 'yesterday', '2026-01-31'."""
    if text is None:
        return None
    answer = run_git(["rev-parse", f"--{option}={text}"], cwd=ws.layout.common_dir).decode()
    return utc(datetime.fromtimestamp(int(answer.partition("=")[2]), UTC))


def _is_between(entry: Entry, since: str | None, until: str | None) -> bool:
    return (since is None or entry.time >= since) and (until is None or entry.time <= until)


def _matches(entry: Entry, query: Query) -> bool:
    if query.session is not None and query.session != entry.session and query.session not in _named(entry):
        return False
    if query.type is not None and query.type != entry.type and entry.details.get(query.type) is not True:
        return False
    names = (entry.actor, entry.user, entry.inside, entry.details.get("agent"))
    return query.actor is None or any(query.actor.lower() in str(name).lower() for name in names if name)


def _named(entry: Entry) -> list[str]:
    """Sessions that an entry about all of them is about."""
    named = entry.details.get("sessions")
    return named if isinstance(named, list) else []
