"""`git vibe status` about files that several sessions, or a session and upstream, changed."""

from __future__ import annotations

import os
import shlex
import stat
from typing import TYPE_CHECKING, Any

from git_vibe.cli.text import path_text
from git_vibe.errors import UsageError
from git_vibe.types import SessionName

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from git_vibe.cli.context import Context
    from git_vibe.cli.output import Output
    from git_vibe.session.overlaps import Overlap, Side
    from git_vibe.session.status import Row

_UPSTREAM = "upstream"
_HEADERS = ("PATH", "CHANGED BY", "MERGE")
_SHOWN = 3


def show_conflicts(args: argparse.Namespace, ctx: Context) -> int:
    """Carry out `git vibe status --conflicts`."""
    from git_vibe.session.overlaps import session_overlaps

    if not args.conflicts:
        raise UsageError("--lines needs --conflicts", f"`{args.prog} --conflicts --lines`")
    ctx.workspace.require_initialised()
    names = None if args.session is None else [ctx.workspace.record(SessionName(args.session)).name]
    with ctx.output.working("Comparing sessions"):
        overlaps = session_overlaps(ctx.workspace, lines=args.lines, names=names)
    ctx.output.result(conflicts_data(overlaps), conflicts_text(overlaps, ctx.output, lines=args.lines))
    if not overlaps:
        ctx.output.note("No file was changed by several sessions, or by a session and upstream")
    for way in ways_out(overlaps):
        ctx.output.advise(way)
    return 0


def conflicts_data(overlaps: Sequence[Overlap]) -> dict[str, Any]:
    """The overlaps and the ways out for JSON."""
    return {"overlaps": [_overlap_data(each) for each in overlaps], "ways_out": ways_out(overlaps)}


def _overlap_data(overlap: Overlap) -> dict[str, Any]:
    return {
        "path": os.fsdecode(overlap.path),
        "sides": [{"name": side.name, "oid": side.oid, "mode": f"{side.mode:06o}"} for side in overlap.sides],
        "clean": overlap.clean,
        "ranges": [list(lines) for lines in overlap.ranges],
    }


def conflicts_text(overlaps: Sequence[Overlap], output: Output, *, lines: bool) -> str:
    """The overlaps as a table."""
    if not overlaps:
        return ""
    rows = [(*_cells(each, output), *([_lines_text(each)] if lines else [])) for each in overlaps]
    return output.table(rows, (*_HEADERS, *(["LINES"] if lines else [])))


def _cells(overlap: Overlap, output: Output) -> tuple[str, str, str]:
    verdict = output.paint("clean", "green") if overlap.clean else output.paint("conflict", "red")
    return path_text(overlap.path), ", ".join(_side_text(side) for side in overlap.sides), verdict


def _side_text(side: Side) -> str:
    """Who, and what it made of the file when that is no file any more."""
    if side.mode == 0:
        return f"{side.name} (deleted)"
    return f"{side.name} (directory)" if stat.S_ISDIR(side.mode) else side.name


def _lines_text(overlap: Overlap) -> str:
    return ", ".join(str(first) if first == last else f"{first}-{last}" for first, last in overlap.ranges) or "-"


# Ways out


def ways_out(overlaps: Sequence[Overlap]) -> list[str]:
    """What can be done about overlaps, with commands that name the sessions at hand."""
    behind = {name for each in overlaps if _names(each)[-1] == _UPSTREAM for name in _names(each)[:-1]}
    ways = [f"`git vibe rebase {name}` brings what upstream changed into session '{name}'" for name in sorted(behind)]
    of_sessions = [each for each in overlaps if _names(each)[1] != _UPSTREAM]
    return ways + (_ways_of_two(of_sessions[0]) if of_sessions else [])


def _names(overlap: Overlap) -> list[str]:
    return [side.name for side in overlap.sides]


def _ways_of_two(overlap: Overlap) -> list[str]:
    first, second = _names(overlap)[:2]
    path = shlex.quote(path_text(overlap.path))
    return [
        f"`git vibe promote {first}`, then `git vibe rebase {second} --onto {first}`: one goes on from the other",
        f"`git vibe promote {first} --only {path}`: bring that file back first, the rest of the session later",
        f"`git vibe launch <program> --session {first}`: agents that need the same files share a session",
        "scopes: give each agent directories of its own to work in",
    ]


# In the list of sessions


def overlap_warnings(rows: Sequence[Row]) -> list[str]:
    """One line for each session that met others."""
    return [_warning(row) for row in rows if row.overlaps]


def _warning(row: Row) -> str:
    shown = ", ".join(path_text(os.fsencode(path)) for path in row.overlaps[:_SHOWN])
    more = f" and {len(row.overlaps) - _SHOWN} more" if len(row.overlaps) > _SHOWN else ""
    others = " and ".join(row.overlaps_with)
    return f"'{row.name}' changed files that {others} changed, too: {shown}{more} (`git vibe status --conflicts`)"
