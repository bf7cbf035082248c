"""`git vibe commit`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from git_vibe.types import SessionName

if TYPE_CHECKING:
    import argparse

    from git_vibe.cli.context import Context
    from git_vibe.session.commit import Committed

ALIASES: tuple[str, ...] = ()
PASSES_ON = False
ACCEPTS_EXTRAS = False
SUMMARY = "merge a session into the current branch and close it"
DESCRIPTION = """
Promote what is dirty in a session, merge `refs/vibes/<session>` into the current branch with git merge, and
close the session.

The merge is a fast-forward where it can be, else a merge commit; hooks, merge drivers and signing apply. Local
edits that the merge would overwrite make it refuse. A conflict is left as git leaves it: resolve it and run
`git merge --continue`, or give up with `git merge --abort`; afterwards run the command again to close the
session.
"""
EXAMPLES = (
    ("git vibe commit feature-auth", "Merge and close."),
    ("git vibe commit feature-auth --keep", "Merge and go on working in the session."),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("session", metavar="<session>", help="the session to merge")
    parser.add_argument("--keep", action="store_true", help="do not close the session")
    parser.add_argument("--no-ff", action="store_true", help="make a merge commit even where a fast-forward would do")
    parser.add_argument("--no-promote", action="store_true", help="refuse when there is work that was not promoted")
    parser.add_argument("-m", "--message", metavar="<text>", help="message of the merge commit")


def run(args: argparse.Namespace, ctx: Context) -> int:
    """Merge the session and tell what became of it."""
    from git_vibe.session.commit import commit

    name = SessionName(args.session)
    with ctx.output.working(f"Merging session '{name}'"):
        done = commit(
            ctx.workspace,
            name,
            keep=args.keep,
            message=args.message,
            no_ff=args.no_ff,
            promote_first=not args.no_promote,
        )
    ctx.output.result({"session": name, **done._asdict()}, "" if args.quiet else _text(name, done))
    ctx.output.warnings(done.warnings)
    return 0


def _text(name: str, done: Committed) -> str:
    if done.commit is None:
        return f"Nothing to commit in session '{name}'"
    lines = [done.output] if done.output else []
    lines.append(f"Merged session '{name}'" if done.merged else f"Session '{name}' was merged already")
    lines += [f"Closed session '{name}'"] if done.closed else []
    lines += [f"What was not promoted is archived in {done.archived}"] if done.archived else []
    return "\n".join(lines)
