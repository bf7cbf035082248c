"""`git vibe context`."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse

    from git_vibe.cli.context import Context

ALIASES: tuple[str, ...] = ()
PASSES_ON = False
ACCEPTS_EXTRAS = False
SUMMARY = "share files such as .env with every session"
DESCRIPTION = """
Share files that are not in git with every session: `.env`, credentials, local configuration.

What lies in `.git/vibe/context/` appears at the root of every session, running ones included, and hides a
tracked file of the same name. What a session writes to such a file stays in that session. Context files are
never promoted. `add` makes a symbolic link, so the file stays where it is; files may also be put there by hand.
"""
EXAMPLES = (
    ("git vibe context add .env", "Share .env with every session."),
    ("git vibe context add ~/keys/test.pem --as test.pem", "Share it under another name."),
    ("git vibe context remove .env", "Stop sharing it; the file itself stays."),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    verbs = parser.add_subparsers(title="what to do", metavar="add|list|remove", dest="verb", required=True)
    add = verbs.add_parser("add", help="share a file or directory")
    add.add_argument("path", metavar="<path>", help="the file or directory")
    add.add_argument("--as", dest="shown_as", metavar="<name>", help="name at the root of the sessions")
    verbs.add_parser("list", help="list what is shared")
    remove = verbs.add_parser("remove", help="stop sharing a file")
    remove.add_argument("name", metavar="<name>", help="its name at the root of the sessions")


def run(args: argparse.Namespace, ctx: Context) -> int:
    """Do what the verb says."""
    ctx.workspace.require_initialised()
    {"add": _add, "list": _list, "remove": _remove}[args.verb](args, ctx)
    return 0


def _add(args: argparse.Namespace, ctx: Context) -> None:
    from git_vibe.session.context import add

    entry = add(ctx.workspace, ctx.cwd / args.path, name=args.shown_as)
    ctx.output.note(f"'{entry.name}' appears in every session")
    ctx.output.result(entry._asdict())


def _list(args: argparse.Namespace, ctx: Context) -> None:
    from git_vibe.session.context import entries

    found = entries(ctx.workspace)
    lines = [entry.name + (f" -> {entry.target}" if entry.target else "") for entry in found]
    broken = [entry for entry in found if not entry.exists]
    ctx.output.result({"entries": [entry._asdict() for entry in found]}, "\n".join(lines))
    for entry in broken:
        ctx.output.warning(f"'{entry.name}' points to nothing and does not appear")


def _remove(args: argparse.Namespace, ctx: Context) -> None:
    from git_vibe.session.context import remove

    remove(ctx.workspace, args.name)
    ctx.output.note(f"'{args.name}' is no longer shared")
    ctx.output.result({"name": args.name})
