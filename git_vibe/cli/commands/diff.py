"""`git vibe diff`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from git_vibe.cli.handed_on import options_and_paths
from git_vibe.types import SessionName

if TYPE_CHECKING:
    import argparse

    from git_vibe.cli.context import Context

ALIASES: tuple[str, ...] = ()
PASSES_ON = True
ACCEPTS_EXTRAS = True
SUMMARY = "show what a session changed, as git diff does"
DESCRIPTION = """
Show what a session changed since its base or its last promote, new files included.

git diff does the work, with its pager, colours and configuration. Options that are not listed here are handed
to it, for example `--stat`, `--name-status`, `-w` or `--word-diff`; paths follow `--`. The output applies to
the base with `git apply`.
"""
EXAMPLES = (
    ("git vibe diff feature-auth", "Show the changes."),
    ("git vibe diff feature-auth --stat -- src", "Summarise the changes below src."),
    ("git vibe diff feature-auth --binary | git apply", "Bring the changes into the work tree by hand."),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("session", metavar="<session>", help="the session to look at")
    parser.add_argument("--no-pager", action="store_true", help="do not start a pager")


def run(args: argparse.Namespace, ctx: Context) -> int:
    """Hand over to git diff and return its exit status."""
    from git_vibe.session.diff import diff

    name = SessionName(args.session)
    if ctx.output.json:
        with ctx.output.captured() as collected:
            status = diff(ctx.workspace, name, _git_arguments(args), color="never", pager=False)
        ctx.output.result({"session": name, "patch": "".join(collected)})
        return status
    return diff(ctx.workspace, name, _git_arguments(args), color=args.color, pager=not args.no_pager)


def _git_arguments(args: argparse.Namespace) -> list[str]:
    """Options, then paths after '--'."""
    options, paths = options_and_paths(args.extras, _VALUED)
    return [*(["--quiet"] if args.quiet else []), *options, "--", *paths, *(args.rest or ())]


_VALUED = ("-U", "-S", "-G", "-O", "-l", "--output", "--anchored", "--word-diff-regex", "--src-prefix", "--dst-prefix")
