"""`git vibe commit`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from git_vibe.cli.landing_text import landed_text
from git_vibe.types import SessionName

if TYPE_CHECKING:
    import argparse

    from git_vibe.cli.context import Context

ALIASES: tuple[str, ...] = ()
PASSES_ON = False
ACCEPTS_EXTRAS = False
SUMMARY = "merge a session into a branch and close it"
DESCRIPTION = """
Promote what is dirty in a session, merge `refs/vibes/<session>` into the current branch with git merge, and
close the session.

The merge is a fast-forward where it can be, else a merge commit; hooks, merge drivers and signing apply. Local
edits that the merge would overwrite make it refuse, and so do conflicts with other sessions, unless `--force` is
given. A conflict is left as git leaves it: resolve it and run `git merge --continue` (`git commit` after
`--squash`), or give up with `git merge --abort` (`git reset --merge`). The session is closed when it has landed.

With `--into` the branch must not be checked out anywhere; it is merged in memory, without hooks.
"""
EXAMPLES = (
    ("git vibe commit feature-auth", "Merge and close."),
    ("git vibe commit feature-auth --keep", "Merge and go on working in the session."),
    ("git vibe commit feature-auth --squash -m 'Add login'", "Land it as one commit."),
    ("git vibe commit hotfix --into release", "Merge into a branch that is not checked out."),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add = parser.add_argument
    add("session", metavar="<session>", help="the session to merge")
    add("--keep", action="store_true", help="do not close the session")
    style = parser.add_mutually_exclusive_group()
    for name, text in (
        ("squash", "make one ordinary commit instead of a merge"),
        ("no-ff", "make a merge commit even where a fast-forward would do"),
        ("ff-only", "refuse where a fast-forward will not do"),
    ):
        style.add_argument(f"--{name}", action="store_const", dest="style", const=name, help=text)
    add("--into", metavar="<branch>", help="merge into this branch instead of the current one")
    add("--force", action="store_true", help="merge in spite of conflicts with other sessions")
    add("--no-promote", action="store_true", help="refuse when there is work that was not promoted")
    add("-m", "--message", metavar="<text>", help="message of the merge commit, or of the one commit of --squash")


def run(args: argparse.Namespace, ctx: Context) -> int:
    """Merge the session and tell what became of it."""
    from git_vibe.session.commit import commit
    from git_vibe.session.merge_here import Manner

    name = SessionName(args.session)
    manner = Manner(args.keep, args.message, args.style, args.into, not args.no_promote, args.force)
    with ctx.output.working(f"Merging session '{name}'"):
        done = commit(ctx.workspace, name, manner)
    ctx.output.result({"session": name, **done._asdict()}, "" if args.quiet else landed_text(name, done, args.into))
    ctx.output.warnings(done.warnings)
    for line in done.behind:
        ctx.output.note(line)
    return 0
