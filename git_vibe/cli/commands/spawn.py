"""`git vibe spawn`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from git_vibe.errors import UsageError
from git_vibe.types import SessionName

if TYPE_CHECKING:
    import argparse

    from git_vibe.cli.context import Context

ALIASES = ("create",)
PASSES_ON = False
ACCEPTS_EXTRAS = True
SUMMARY = "create or join a session and print its path"
DESCRIPTION = """
Create a session, or join it when it exists, and print the path of its mount: the only thing on standard output,
so that `cd "$(git vibe spawn feature)"` works.

The session shows the files of the commit it was spawned from, complete and writable. What is written there
stays in the session until `git vibe promote` or `git vibe commit` brings it back. Without a name an adjective
and a noun are chosen.

git works inside the session: it is a linked work tree whose HEAD is detached at the base, or on its own branch
with `--branch`.
"""
EXAMPLES = (
    ('cd "$(git vibe spawn feature-auth)"', "Create the session feature-auth and go there."),
    ("git vibe spawn --from v1.2 hotfix", "Start from the tag v1.2 instead of HEAD."),
    ("git vibe spawn topic --branch", "Give the session a branch of its own, vibe/topic."),
)


def add_creating_options(parser: argparse.ArgumentParser) -> None:
    """Options of every command that may create a session."""
    parser.add_argument("--from", dest="revision", metavar="<rev>", help="commit to start from (default: HEAD)")
    parser.add_argument(
        "--branch", nargs="?", const="", metavar="<name>",
        help="put the session on a new branch (default name: vibe/<session>) instead of a detached HEAD",
    )  # fmt: skip
    parser.add_argument("--force", action="store_true", help="go beyond the limit vibe.maxSessions")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("session", nargs="?", metavar="<session>", help="letters, digits and inner hyphens")
    add_creating_options(parser)
    parser.add_argument("--agent", metavar="<name>", help="who works there; recorded in promotes")
    parser.add_argument("--model", metavar="<name>", help="what the agent uses (default: GIT_VIBE_MODEL); recorded")


def run(args: argparse.Namespace, ctx: Context) -> int:
    """Create or join the session and print its path."""
    _refuse_extras(args)
    from git_vibe.cli.hook_verbs import hooks_on_first_use
    from git_vibe.session.spawn import Request, spawn

    name = None if args.session is None else SessionName(args.session)
    model = args.model or ctx.environ.get("GIT_VIBE_MODEL")
    request = Request(args.revision, args.branch, args.agent, (), args.force, ctx.output.debug, model)
    with hooks_on_first_use(ctx), ctx.output.working("Spawning a session"):
        spawned = spawn(ctx.workspace, name, request)
    record = spawned.record
    ctx.output.detail(spawned.trace.rstrip())
    ctx.output.warnings(spawned.warnings)
    ctx.output.note(f"{'Spawned' if spawned.created else 'Joined'} session '{record.name}' (base {record.base[:10]})")
    data = {"session": record.name, "path": record.mount, "base": record.base, "created": spawned.created}
    ctx.output.result({**data, "branch": record.branch, "agent": record.agent}, record.mount)
    return 0


def _refuse_extras(args: argparse.Namespace) -> None:
    if args.extras and args.extras[0].startswith("-"):
        raise UsageError(f"unrecognised arguments: {' '.join(args.extras)}", f"`{args.prog} -h` shows how it is used")
    if args.extras:
        command = f"git vibe launch {args.extras[0]} --session {args.session}"
        raise UsageError("spawn takes one session name and starts no program", f"did you mean `{command}`?")
