"""`git vibe rebase`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from git_vibe.types import SessionName

if TYPE_CHECKING:
    import argparse

    from git_vibe.cli.context import Context

ALIASES: tuple[str, ...] = ()
PASSES_ON = False
ACCEPTS_EXTRAS = False
SUMMARY = "move a session to what upstream has now"
DESCRIPTION = """
Merge what changed upstream into a session and make that its new base. The session stays mounted and in use: files
that only upstream changed show their new content at once, files that are open keep theirs, and work that was not
promoted stays as it is.

What both sides changed is merged by git. Where that fails the files get git's conflict markers, `git status` in the
session lists them, and promote and commit wait: resolve them in the session, `git add` the files and run
`git vibe rebase --continue`, or go back with `--abort`, which restores everything as it was.
"""
EXAMPLES = (
    ("git vibe rebase feature-auth", "Move to the branch the session was spawned from."),
    ("git vibe rebase feature-auth --onto other-session", "Move to what another session has promoted."),
    ("git vibe rebase --all", "Move all sessions; those with conflicts are reported."),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("session", metavar="<session>", nargs="?", help="the session to move")
    parser.add_argument("--onto", metavar="<revision>", help="the new base: any revision, or a session's last promote")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--all", action="store_true", help="move every session")
    what.add_argument("--continue", dest="resume", action="store_true", help="go on after conflicts were resolved")
    what.add_argument("--abort", action="store_true", help="go back to where the session stood")


def run(args: argparse.Namespace, ctx: Context) -> int:
    """Move one session or all."""
    from git_vibe.errors import UsageError

    if args.all == (args.session is not None):
        raise UsageError("name one session, or give --all", "`git vibe status` lists the sessions")
    if args.onto is not None and (args.resume or args.abort):
        raise UsageError("--onto does not go with --continue or --abort", "leave one of them away")
    return _run_all(args, ctx) if args.all else _run_one(args, ctx)


def _run_one(args: argparse.Namespace, ctx: Context) -> int:
    from git_vibe.cli.rebase_text import back_text, done_text
    from git_vibe.session.rebase import rebase
    from git_vibe.session.rebase_end import abort, conflict_error, resume

    name = SessionName(args.session)
    with ctx.output.working(f"Rebasing session '{name}'"):
        if args.resume or args.abort:
            done = (resume if args.resume else abort)(ctx.workspace, name)
        else:
            done = rebase(ctx.workspace, name, onto=args.onto)
    ctx.output.warnings(done.warnings)
    if done.conflicts:
        raise conflict_error(name, done.conflicts)
    text = back_text(done) if args.abort else done_text(done)
    ctx.output.result(done._asdict(), "" if args.quiet else text)
    return 0


def _run_all(args: argparse.Namespace, ctx: Context) -> int:
    from git_vibe.cli.rebase_text import show_all
    from git_vibe.session.rebase import rebase_all

    with ctx.output.working("Rebasing all sessions"):
        results = rebase_all(ctx.workspace, onto=args.onto)
    return show_all(results, ctx.output)
