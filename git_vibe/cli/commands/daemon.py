"""`git vibe daemon`."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse

    from git_vibe.cli.context import Context

ALIASES: tuple[str, ...] = ()
PASSES_ON = False
ACCEPTS_EXTRAS = False
SUMMARY = "start, stop or ask the process that serves the mounts"
DESCRIPTION = """
Start, stop or ask the daemon of this repository. It starts by itself when a command needs it and ends when no
session has been mounted for vibe.daemonLinger.

`start` also mounts sessions again whose mounts were lost. `stop` ends the daemon only: mounted sessions go on
and the next daemon takes them over; with `--all` they are unmounted too.
"""
EXAMPLES = (
    ("git vibe daemon start", "Start the daemon and recover every session."),
    ("git vibe daemon stop --all", "Unmount everything and stop."),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    verbs = parser.add_subparsers(title="what to do", metavar="start|stop|status", dest="verb", required=True)
    verbs.add_parser("start", help="start the daemon and mount lost sessions again")
    stop = verbs.add_parser("stop", help="stop the daemon")
    stop.add_argument("--all", dest="unmount_all", action="store_true", help="unmount the sessions as well")
    verbs.add_parser("status", help="tell whether it runs")


def run(args: argparse.Namespace, ctx: Context) -> int:
    """Do what the verb says."""
    ctx.workspace.require_initialised()
    {"start": _start, "stop": _stop, "status": _status}[args.verb](args, ctx)
    return 0


def _start(args: argparse.Namespace, ctx: Context) -> None:
    from git_vibe.session.service import start

    started = start(ctx.workspace)
    for name, error in started.failed:
        ctx.output.warning(f"session '{name}' could not be mounted again: {error}")
    recovered = f"; mounted again: {', '.join(started.recovered)}" if started.recovered else ""
    text = "" if args.quiet else f"The daemon runs (pid {started.pid}){recovered}"
    ctx.output.result({"running": True, "pid": started.pid, "recovered": started.recovered}, text)


def _stop(args: argparse.Namespace, ctx: Context) -> None:
    from git_vibe.session.service import stop

    stopped = stop(ctx.workspace, unmount_all=args.unmount_all)
    text = "The daemon is stopped" if stopped else "The daemon was not running"
    ctx.output.result({"running": False, "stopped": stopped}, "" if args.quiet else text)


def _status(args: argparse.Namespace, ctx: Context) -> None:
    from git_vibe.session.service import running_pid

    pid = running_pid(ctx.workspace)
    text = "The daemon is not running" if pid is None else f"The daemon runs (pid {pid})"
    ctx.output.result({"running": pid is not None, "pid": pid}, text)
