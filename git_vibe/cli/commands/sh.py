"""`git vibe sh`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from git_vibe.errors import UsageError
from git_vibe.types import SessionName

if TYPE_CHECKING:
    import argparse

    from git_vibe.cli.context import Context

ALIASES = ("ssh",)
PASSES_ON = True
ACCEPTS_EXTRAS = True
SUMMARY = "open a shell, or run one command, in a session"
DESCRIPTION = """
Open a shell in a session's mount, or run one command there and return its exit status.

Without a command $SHELL starts. `-c` runs a line of shell; what follows `--` runs as it stands, without a
shell. The environment is the caller's, then the context's `.env`, then the session's `env` file, with
GIT_VIBE_SESSION and GIT_VIBE_MOUNT set. A command that is killed by signal N gives 128+N.
"""
EXAMPLES = (
    ("git vibe sh feature-auth", "Open a shell in the session."),
    ('git vibe sh feature-auth -c "npm test"', "Run the tests there."),
    ("git vibe sh feature-auth -- git log -1", "Run a program with its options."),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("session", metavar="<session>", help="an existing session")
    parser.add_argument("-c", "--command", dest="line", metavar="<command>", help="a line for the shell to run")


def run(args: argparse.Namespace, ctx: Context) -> int:
    """Run the shell or the command and return its exit status."""
    from git_vibe.session.run import run_in_session, shell_command
    from git_vibe.session.spawn import ensure_mounted

    _refuse_contradictions(args)
    record = ctx.workspace.record(SessionName(args.session))
    with ctx.output.working(f"Mounting session '{record.name}'"):
        ensure_mounted(ctx.workspace, record)
    argv = tuple(args.rest) if args.rest else shell_command(ctx.environ, args.line)
    status = run_in_session(ctx.workspace, record, argv, ctx.environ, stdout_to_stderr=ctx.output.json)
    ctx.output.result({"session": record.name, "path": record.mount, "status": status})
    return status


def _refuse_contradictions(args: argparse.Namespace) -> None:
    if args.extras:
        words = " ".join(args.extras)
        raise UsageError(
            f"unrecognised arguments: {words}", f"put the command after --: `git vibe sh {args.session} -- {words}`"
        )
    if args.line is not None and args.rest:
        raise UsageError("give a command with -c or after --, not both", f"`{args.prog} -h` shows how it is used")
