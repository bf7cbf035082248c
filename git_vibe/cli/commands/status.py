"""`git vibe status`."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from git_vibe.cli.status_text import changes_data, changes_text, overview_data, overview_text
from git_vibe.errors import UsageError
from git_vibe.types import SessionName

if TYPE_CHECKING:
    import argparse

    from git_vibe.cli.context import Context

ALIASES = ("list", "ps")
PASSES_ON = False
ACCEPTS_EXTRAS = False
SUMMARY = "list the sessions, or what changed in one"
DESCRIPTION = """
Without a name list the sessions: state, number of dirty files, time since the mount, process and path.

A session is `active` while it is mounted, `exported` while it is not, `stale` when the process behind its mount
has died; the next command that needs it mounts it again. Dirty counts files that differ from the base or the
last promote by content.

With a name list what changed in that session: A added, M modified, D deleted, T type changed, R renamed, and
whether git takes the file for text or binary.
"""
EXAMPLES = (("git vibe status feature-auth", "List the files that feature-auth changed."),)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("session", nargs="?", metavar="<session>", help="list the changes of this session")
    parser.add_argument("--porcelain", action="store_true", help="what `git status --porcelain` prints in the session")
    parser.add_argument("--find-renames", action="store_true", help="show a file that moved as one rename")


def run(args: argparse.Namespace, ctx: Context) -> int:
    """Show all sessions or one."""
    if args.session is None:
        return _show_all(args, ctx)
    name = SessionName(args.session)
    return _show_porcelain(name, ctx) if args.porcelain else _show_one(name, args, ctx)


def _show_all(args: argparse.Namespace, ctx: Context) -> int:
    from git_vibe.session.status import overview

    if args.porcelain or args.find_renames:
        raise UsageError("--porcelain and --find-renames need a session", f"`{args.prog} <session> --porcelain`")
    seen = overview(ctx.workspace)
    ctx.output.result(overview_data(seen), overview_text(seen, ctx.output))
    return 0


def _show_porcelain(name: SessionName, ctx: Context) -> int:
    from git_vibe.session.status import porcelain

    text = os.fsdecode(porcelain(ctx.workspace, name))
    ctx.output.result({"session": name, "porcelain": text}, text)
    return 0


def _show_one(name: SessionName, args: argparse.Namespace, ctx: Context) -> int:
    from git_vibe.session.changes import session_changes

    with ctx.output.working(f"Reading session '{name}'"):
        changes = session_changes(ctx.workspace, name, find_renames=args.find_renames)
    record = ctx.workspace.record(name)
    data = {"session": name, "path": record.mount, "base": record.base, "promoted": record.promoted}
    ctx.output.result({**data, **changes_data(changes)}, changes_text(changes))
    if not changes.files:
        ctx.output.note(f"No changes in session '{name}' since {record.reference[:10]}")
    ctx.output.warnings(changes.warnings)
    return 0
