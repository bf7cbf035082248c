"""`git vibe promote`."""

from __future__ import annotations

from typing import TYPE_CHECKING

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
"""
EXAMPLES = (
    ("git vibe promote feature-auth", "Promote what is dirty."),
    ("git log refs/vibes/feature-auth", "Look at the result."),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("session", metavar="<session>", help="the session to promote")
    parser.add_argument(
        "-m", "--message", metavar="<text>", help="subject and body (default: VibeFS: Promote session '<session>')"
    )


def run(args: argparse.Namespace, ctx: Context) -> int:
    """Promote the session and tell the commit."""
    from git_vibe.session.promote import promote

    name = SessionName(args.session)
    with ctx.output.working(f"Promoting session '{name}'"):
        done = promote(ctx.workspace, name, message=args.message)
    if done is None:
        ctx.output.result({"session": name, "commit": None}, "" if args.quiet else f"Nothing to promote in '{name}'")
        return 0
    plural = "file" if done.files == 1 else "files"
    text = f"Promoted session '{name}' to {done.ref}: {done.commit[:10]}, {done.files} {plural} changed"
    ctx.output.result({"session": name, **done._asdict()}, "" if args.quiet else text)
    ctx.output.warnings(done.warnings)
    ctx.output.advise(f"`git vibe commit {name}` merges it into the current branch")
    return 0
