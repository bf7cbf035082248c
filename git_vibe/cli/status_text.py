"""What `git vibe status` prints: sessions as a table, changes as lines, both as JSON data."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from git_vibe.cli.landing_text import finished_lines
from git_vibe.cli.text import age, byte_count, path_text

if TYPE_CHECKING:
    from git_vibe.cli.context import Context
    from git_vibe.cli.output import Output
    from git_vibe.session.changes import Change, Changes
    from git_vibe.session.status import Overview, Row
    from git_vibe.types import SessionName

_HEADERS = ("SESSION", "STATE", "DIRTY", "UPTIME", "PID", "PATH")
_STATE_COLOURS = {"active": "green", "stale": "red"}


def overview_data(seen: Overview) -> dict[str, Any]:
    """All sessions for JSON."""
    return {
        "daemon": {"running": seen.daemon is not None, "pid": seen.daemon},
        "limit": seen.limit,
        "sessions": [row._asdict() for row in seen.sessions],
        "behind": [lag._asdict() for lag in seen.lags],
        "finished": [each._asdict() for each in seen.finished],
    }


def overview_text(seen: Overview, output: Output) -> str:
    """The table of all sessions under a line about the daemon."""
    daemon = "not running" if seen.daemon is None else f"running (pid {seen.daemon})"
    head = "\n".join([*finished_lines(seen.finished), f"daemon {daemon}, sessions {len(seen.sessions)}/{seen.limit}"])
    if not seen.sessions:
        return head
    table = output.table([_cells(row, output) for row in seen.sessions], _HEADERS)
    return "\n\n".join([head, table, *_rebases(seen), *_landed(seen), *_behind(seen)])


def _rebases(seen: Overview) -> list[str]:
    lines = []
    for row in seen.sessions:
        if row.rebase is not None:
            lines += [f"a rebase of session '{row.name}' has not ended:", *(f"  {path}" for path in row.rebase)]
            lines.append(f"  `git vibe rebase --continue {row.name}` or `git vibe rebase --abort {row.name}`")
    return ["\n".join(lines)] if lines else []


def _landed(seen: Overview) -> list[str]:
    lines = [
        f"session '{row.name}' has landed ({row.landed}): `git vibe close {row.name}`"
        for row in seen.sessions
        if row.landed and not row.dirty
    ]
    return ["\n".join(lines)] if lines else []


def _behind(seen: Overview) -> list[str]:
    from git_vibe.session.upstream import line

    return ["\n".join(line(lag) for lag in seen.lags)] if seen.lags else []


def _cells(row: Row, output: Output) -> tuple[str, ...]:
    state = output.paint(row.state, _STATE_COLOURS.get(row.state, "yellow"))
    uptime = "-" if row.uptime is None else age(row.uptime)
    return (row.name, state, str(row.dirty), uptime, str(row.pid or "-"), row.path)


def show_porcelain(name: SessionName, ctx: Context) -> int:
    """Carry out `git vibe status --porcelain`."""
    from git_vibe.session.status import porcelain

    text = os.fsdecode(porcelain(ctx.workspace, name))
    ctx.output.result({"session": name, "porcelain": text}, text)
    return 0


def changes_data(changes: Changes) -> dict[str, Any]:
    """The changes of one session for JSON."""
    return {
        "files": [_change_data(change) for change in changes.files],
        "ignored": {"count": changes.ignored.count, "bytes": changes.ignored.size},
    }


def _change_data(change: Change) -> dict[str, Any]:
    old_path = None if change.old_path is None else os.fsdecode(change.old_path)
    modes = {"old_mode": f"{change.old_mode:06o}", "new_mode": f"{change.new_mode:06o}"}
    return {
        "status": change.status,
        "path": os.fsdecode(change.path),
        "old_path": old_path,
        "binary": change.binary,
        **modes,
    }


def changes_text(changes: Changes) -> str:
    """One line a change, and one about ignored files."""
    lines = [_change_line(change) for change in changes.files]
    if changes.ignored.count:
        lines.append(f"ignored: {changes.ignored.count} files, {byte_count(changes.ignored.size)}")
    return "\n".join(lines)


def _change_line(change: Change) -> str:
    kind = "bin " if change.binary else "text"
    moved = "" if change.old_path is None else f"{path_text(change.old_path)} -> "
    both = change.old_mode and change.new_mode and change.old_mode != change.new_mode
    mode = f" (mode {change.old_mode:06o} -> {change.new_mode:06o})" if both else ""
    return f"{change.status}  {kind}  {moved}{path_text(change.path)}{mode}"
