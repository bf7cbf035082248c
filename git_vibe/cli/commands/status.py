"""`git vibe status`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from git_vibe.cli.conflicts import overlap_warnings, show_conflicts
from git_vibe.cli.status_text import changes_data, changes_text, overview_data, overview_text, show_porcelain
from git_vibe.errors import UsageError
from git_vibe.types import SessionName

if TYPE_CHECKING:
    import argparse

    from git_vibe.cli.context import Context

ALIASES = ("list", "ps")
PASSES_ON = False
ACCEPTS_EXTRAS = False
SUMMARY = "list the sessions, what changed in one, or where they meet"
DESCRIPTION = """
Without a name list the sessions: state, number of dirty files, time since the mount, process and path.

A session is `active` while it is mounted, `exported` while it is not, `stale` when the process behind its mount
has died; the next command that needs it mounts it again. Dirty files differ from the last promote or the base.

With a name list what changed in that session: A added, M modified, D deleted, T type changed, R renamed, and
whether git takes the file for text or binary.

With `--conflicts` list files that several sessions changed, or a session and upstream (the branch it is to land
on), whether git can merge them, and ways out.
"""
EXAMPLES = (
    ("git vibe status feature-auth", "List the files that feature-auth changed."),
    ("git vibe status --conflicts --lines", "List the files that several sessions changed, and which lines."),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("session", nargs="?", metavar="<session>", help="list the changes of this session")
    parser.add_argument("--porcelain", action="store_true", help="what `git status --porcelain` prints in the session")
    parser.add_argument("--find-renames", action="store_true", help="show a file that moved as one rename")
    parser.add_argument("--conflicts", action="store_true", help="list files that sessions, or upstream, changed, too")
    parser.add_argument("--lines", action="store_true", help="with --conflicts also the lines that overlap")


def run(args: argparse.Namespace, ctx: Context) -> int:
    """Show all sessions, one, or where they meet."""
    if args.conflicts or args.lines:
        return show_conflicts(args, ctx)
    if args.session is None:
        return _show_all(args, ctx)
    name = SessionName(args.session)
    return show_porcelain(name, ctx) if args.porcelain else _show_one(name, args, ctx)


def _show_all(args: argparse.Namespace, ctx: Context) -> int:
    from git_vibe.session.status import overview

    if args.porcelain or args.find_renames:
        raise UsageError("--porcelain and --find-renames need a session", f"`{args.prog} <session> --porcelain`")
    seen = overview(ctx.workspace)
    ctx.output.result(overview_data(seen), overview_text(seen, ctx.output))
    ctx.output.warnings(overlap_warnings(seen.sessions))
    return 0


def _show_one(name: SessionName, args: argparse.Namespace, ctx: Context) -> int:
    from git_vibe.session.changes import session_changes

    with ctx.output.working(f"Reading session '{name}'"):
        changes = session_changes(ctx.workspace, name, find_renames=args.find_renames)
    record = ctx.workspace.record(name)
    data = {"session": name, "path": record.mount, "base": record.base, "promoted": record.promoted}
    ctx.output.result(data | changes_data(changes), changes_text(changes))
    if not changes.files:
        ctx.output.note(f"No changes in session '{name}' since {record.reference[:10]}")
    ctx.output.warnings(changes.warnings)
    return 0
