"""What `git vibe audit` prints."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from git_vibe.cli.output import Output
    from git_vibe.session.accounts import Accounts, Entry

_HEADERS = ("TIME", "TYPE", "SESSION", "ACTOR", "DETAILS")
_COMMIT_KEYS = ("base", "commit", "new", "promoted")
_WORD_KEYS = ("agent", "model", "step", "into", "style", "archived")
_FLAGS = ("force", "discard", "finished")


def audit_text(found: Accounts, output: Output) -> str:
    """The entries as a table, with local times."""
    if not found.entries:
        return "Nothing is known"
    return output.table([_cells(entry) for entry in found.entries], _HEADERS)


def _cells(entry: Entry) -> tuple[str, ...]:
    inside = f" (in {entry.inside})" if entry.inside else ""
    return (_local(entry.time), entry.type, entry.session or "-", entry.actor + inside, _details(entry))


def _local(time: str) -> str:
    try:
        return datetime.fromisoformat(time).astimezone().strftime("%Y-%m-%d %H:%M:%S %z")
    except ValueError:
        return time


def _details(entry: Entry) -> str:
    told = entry.details
    parts = [f"{key} {str(told[key])[:10]}" for key in _COMMIT_KEYS if told.get(key)]
    parts += [_files(told["files"])] if told.get("files") is not None else []
    parts += [f"{key} {told[key]}" for key in _WORD_KEYS if told.get(key)]
    parts += [f"conflicts: {len(told['conflicts'])}"] if told.get("conflicts") else []
    parts += [key for key in _FLAGS if told.get(key) is True]
    parts += ["from its note"] if entry.source == "notes" else []
    return ", ".join(parts)


def _files(count: Any) -> str:
    return f"{count} {'file' if count == 1 else 'files'}"
