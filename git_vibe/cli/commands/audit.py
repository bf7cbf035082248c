"""`git vibe audit`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from git_vibe.types import SessionName

if TYPE_CHECKING:
    import argparse

    from git_vibe.cli.context import Context

ALIASES: tuple[str, ...] = ()
PASSES_ON = False
ACCEPTS_EXTRAS = False
TYPES = ("spawn", "launch", "promote", "rebase", "commit", "close", "purge", "force", "discard")
SUMMARY = "show who did what to sessions, and when"
DESCRIPTION = """
List what was done to sessions, the oldest first: spawned, launched an agent in, promoted, rebased, committed, closed,
and purged; of closed sessions too.

The entries come from `.git/vibe/audit.log`, a JSON object a line, and from the notes of promotes (`refs/notes/vibe`),
which tell the rest where the log was lost, or where promotes were made elsewhere and fetched.

An actor is the user as git knows them. `--type force` and `--type discard` list what was done with these options.
"""
EXAMPLES = (
    ("git vibe audit --session feature-auth", "Show what happened to a session."),
    ("git vibe audit --type promote --since yesterday --actor claude", "Show what claude's sessions promoted."),
    ("git vibe audit --json --type force", "List as JSON what was forced."),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add = parser.add_argument
    add("--type", choices=TYPES, metavar="<type>", help=f"only this: {', '.join(TYPES)}")
    add("--actor", metavar="<name>", help="only of this user or agent; a part of the name is enough")
    add("--session", dest="past_session", metavar="<session>", help="only about this session, open or closed")
    add("--since", metavar="<time>", help="only later than this, in any form git takes: '2 days ago', 2026-01-31")
    add("--until", metavar="<time>", help="only earlier than this")


def run(args: argparse.Namespace, ctx: Context) -> int:
    """Show the entries and tell where they are incomplete."""
    from git_vibe.cli.audit_text import audit_text
    from git_vibe.session.accounts import Query, accounts

    session = None if args.past_session is None else SessionName(args.past_session)
    ws = ctx.workspace
    found = accounts(ws, Query(args.type, args.actor, args.since, args.until, session))
    entries = [entry._asdict() for entry in found.entries]
    ctx.output.result({"entries": entries, "log": found.log, "damaged": found.damaged}, audit_text(found, ctx.output))
    if not found.log:
        ctx.output.note(f"{ws.layout.audit} does not exist: this is what the notes of promotes, or older logs, tell")
    if found.damaged:
        ctx.output.warning(f"{found.damaged} lines of {ws.layout.audit} cannot be read and are left out")
    return 0
