"""`git vibe launch`."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from git_vibe.cli.commands.spawn import add_creating_options
from git_vibe.errors import UsageError
from git_vibe.types import SessionName

if TYPE_CHECKING:
    import argparse

    from git_vibe.cli.context import Context

ALIASES: tuple[str, ...] = ()
PASSES_ON = True
ACCEPTS_EXTRAS = True
SUMMARY = "run an agent or any program in a session"
DESCRIPTION = """
Create a session, or join the one that `--session` names, and run a program there: an agent, an editor, anything
on PATH.

The program starts in the session's mount with GIT_VIBE_SESSION and GIT_VIBE_MOUNT set, and with the variables
of the context's `.env` and of the session's `env` file. Its exit status is passed on. The session stays when
the program ends.

Promotes name the program that was launched last as their agent, unless `git vibe spawn --agent` named one; the note
has its arguments and the model, which its own option `--model` or GIT_VIBE_MODEL tells.
Without `--session` the session is named after the program, for example curious-claude.
"""
EXAMPLES = (
    ("git vibe launch claude", "Start claude in a new session."),
    ("git vibe launch aider --session feature-auth -- --model o3", "Join a session; what follows -- is the program's."),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add = parser.add_argument
    add("binary", metavar="<program>", help="name on PATH, or a path")
    add("arguments", nargs="*", metavar="<argument>", help="the program's arguments; after -- also options")
    add("--session", metavar="<session>", help="session to create or join (default: a new one)")
    add_creating_options(parser)


def run(args: argparse.Namespace, ctx: Context) -> int:
    """Run the program in its session and return its exit status."""
    from git_vibe.cli.hook_verbs import hooks_on_first_use
    from git_vibe.session.audit import audit
    from git_vibe.session.provenance import told_model
    from git_vibe.session.run import find_program, run_in_session
    from git_vibe.session.spawn import Request, spawn

    argv = (find_program(args.binary, ctx.environ, ctx.cwd), *_program_arguments(args))
    name = None if args.session is None else SessionName(args.session)
    agent = os.path.basename(argv[0])
    model = told_model(argv, ctx.environ)
    request = Request(args.revision, args.branch, agent, argv, args.force, ctx.output.debug, model)
    with hooks_on_first_use(ctx), ctx.output.working("Spawning a session"):
        spawned = spawn(ctx.workspace, name, request)
    record = spawned.record
    ctx.output.detail(spawned.trace.rstrip())
    ctx.output.warnings(spawned.warnings)
    ctx.output.note(f"Launching {agent} in session '{record.name}' ({record.mount})")
    audit(ctx.workspace, "launch", session=record.name, agent=agent, model=model, command=argv)
    status = run_in_session(ctx.workspace, record, argv, ctx.environ, stdout_to_stderr=ctx.output.json)
    ctx.output.result({"session": record.name, "path": record.mount, "status": status})
    return status


def _program_arguments(args: argparse.Namespace) -> list[str]:
    options = [word for word in args.extras if word.startswith("-")]
    if options:
        raise UsageError(
            f"unrecognised arguments: {' '.join(options)}",
            f"put the program's own options after --: `git vibe launch {args.binary} -- {' '.join(options)}`",
        )
    return [*args.arguments, *args.extras, *(args.rest or ())]
