"""`git vibe close`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from git_vibe.cli.output import describe
from git_vibe.errors import EXIT_REFUSED, VibeError
from git_vibe.types import SessionName

if TYPE_CHECKING:
    import argparse

    from git_vibe.cli.context import Context

ALIASES = ("remove",)
PASSES_ON = False
ACCEPTS_EXTRAS = False
SUMMARY = "end sessions, after a safety check"
DESCRIPTION = """
End sessions: unmount them and remove their files. `refs/vibes/<session>` stays.

A session with work that was never promoted is not closed; the files are listed. `--discard` throws the work
away after a question, `--force` asks nothing. Either way everything that exists nowhere else is first archived
in a commit under `refs/vibe/archive/<session>/`, which is named.
"""
EXAMPLES = (
    ("git vibe close feature-auth", "Close a session whose work is promoted."),
    ("git vibe close --discard feature-auth", "Give its work up; an archive is kept."),
    ("git for-each-ref refs/vibe/archive", "List the archives."),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("sessions", nargs="+", metavar="<session>", help="sessions to end")
    parser.add_argument("--discard", action="store_true", help="give up work that was not promoted, after a question")
    parser.add_argument("--force", action="store_true", help="close whatever the state, without a question")


def run(args: argparse.Namespace, ctx: Context) -> int:
    """Close every session named; one that is refused does not keep the others."""
    names = [SessionName(name) for name in args.sessions]
    if args.discard and not args.force:
        listed = ", ".join(names)
        ctx.confirm(f"Discard what was not promoted in {listed}?", otherwise="`--force` does it without a question")
    if len(names) == 1:
        ctx.output.result(_close(names[0], args, ctx))
        return 0
    outcomes = [_close_or_explain(name, args, ctx) for name in names]
    ctx.output.result({"sessions": outcomes})
    return EXIT_REFUSED if any("error" in outcome for outcome in outcomes) else 0


def _close_or_explain(name: SessionName, args: argparse.Namespace, ctx: Context) -> dict[str, Any]:
    try:
        return _close(name, args, ctx)
    except VibeError as error:
        ctx.output.complain(error)
        return {"session": name, "error": describe(error)}


def _close(name: SessionName, args: argparse.Namespace, ctx: Context) -> dict[str, Any]:
    from git_vibe.session.close import close

    with ctx.output.working(f"Closing session '{name}'"):
        closed = close(ctx.workspace, name, force=args.force, discard=args.discard)
    archived = f"; what was not promoted is archived in {closed.archived}" if closed.archived else ""
    ctx.output.note(f"Closed session '{name}'{archived}")
    ctx.output.warnings(f"not archived: {left_out}" for left_out in closed.left_out)
    return {"session": name, **closed._asdict()}
