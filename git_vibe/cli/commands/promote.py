"""`git vibe promote`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from git_vibe.cli.promoting import promote_all, promote_one
from git_vibe.errors import UsageError
from git_vibe.types import SessionName

if TYPE_CHECKING:
    import argparse

    from git_vibe.cli.context import Context

ALIASES: tuple[str, ...] = ()
PASSES_ON = False
ACCEPTS_EXTRAS = False
SUMMARY = "turn a session's changes into a commit on refs/vibes/<session>"
DESCRIPTION = """
Make a commit of everything a session changed and put it on `refs/vibes/<session>`. HEAD, branches, index and
work tree are not touched, and the session goes on.

The commit's tree is what `git add -A && git write-tree` gives in the session: ignored files and context files
are left out. Its parent is the last promote, or the base. Metadata lies in the note `refs/notes/vibe`.

The hooks pre-commit, prepare-commit-msg and commit-msg run in the session; where one fails, nothing is promoted.
`--sign` takes the key of `user.signingKey`, or an SSH key of the session, whose public half is in the note.
"""
EXAMPLES = (
    ("git vibe promote feature-auth", "Promote what is dirty."),
    ("git vibe promote --all", "Promote every session, with a report."),
    ("git vibe promote feature-auth --only src/auth.rs 'tests/**/*.rs'", "Promote some files; the rest stays dirty."),
    ("git log refs/vibes/feature-auth", "Look at the result."),
)
_FLAGS = (
    ("--all", "promote all sessions and report on each"),
    ("--edit", "edit the message first"),
    ("--keep-commits", "publish the commits made in the session, and one for the rest"),
    ("--include-ignored", "take ignored files too"),
    ("--no-verify", "leave out the hooks pre-commit and commit-msg"),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add = parser.add_argument
    add("session", nargs="?", metavar="<session>", help="the session to promote")
    add("--only", nargs="+", default=(), metavar="<pathspec>", help="take only what git's pathspecs match")
    add("-m", "--message", metavar="<text>", help="subject and body (default: VibeFS: Promote session '<session>')")
    for name, text in _FLAGS:
        add(name, action="store_true", help=text)
    add("--sign", action="store_true", default=None, help="sign the commit (default: vibe.sign)")
    add("--no-sign", action="store_false", dest="sign", help="do not sign the commit")


def run(args: argparse.Namespace, ctx: Context) -> int:
    """Promote one session or all and tell what became of each."""
    if args.all == (args.session is not None) or (args.all and (args.only or args.edit)):
        raise UsageError("name one session, or --all without --only and --edit", f"`{args.prog} -h` shows how")
    if args.all:
        return promote_all(args, ctx)
    name = SessionName(args.session)
    if promote_one(name, args, ctx)["commit"] is not None:
        ctx.output.advise(f"`git vibe commit {name}` merges it into the current branch")
    return 0
