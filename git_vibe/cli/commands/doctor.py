"""`git vibe doctor`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from git_vibe.cli.doctor_text import problems_remain, report_text
from git_vibe.errors import NotARepository

if TYPE_CHECKING:
    import argparse

    from git_vibe.cli.context import Context
    from git_vibe.session.doctor import Problem
    from git_vibe.session.workspace import Workspace

ALIASES: tuple[str, ...] = ()
PASSES_ON = False
ACCEPTS_EXTRAS = False
SUMMARY = "check machine and repository, and mend what can be mended"
DESCRIPTION = """
Check whether this machine can mount sessions and whether the state of this repository is sound. Every problem
comes with what to do about it; `--repair` does what can be done without losing anything.

Outside a repository only the machine is checked. Exit status 1 says that problems remain.

`--config` lists the settings with type, value and origin; they are set with git config.
"""
EXAMPLES = (
    ("git vibe doctor --repair", "Check and mend."),
    ("git vibe doctor --config", "List the settings."),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("--repair", action="store_true", help="mend what can be mended")
    parser.add_argument("--config", action="store_true", help="list the settings with type, value and origin")


def run(args: argparse.Namespace, ctx: Context) -> int:
    """Examine, repair when asked to, and report."""
    return _show_config(ctx) if args.config else _examine(args, ctx)


def _show_config(ctx: Context) -> int:
    from git_vibe.session.settings import settings

    found = settings(ctx.workspace.repo)
    rows = [(item.key, item.kind, item.value, item.origin) for item in found]
    ctx.output.result({"config": [item._asdict() for item in found]}, ctx.output.table(rows, _HEADERS))
    return 0


_HEADERS = ("KEY", "TYPE", "VALUE", "ORIGIN")


def _examine(args: argparse.Namespace, ctx: Context) -> int:
    from git_vibe.githooks.check import check_hooks
    from git_vibe.session.doctor import examine, repair

    report = examine(_workspace(ctx), more=check_hooks)
    remaining, repaired = repair(report.problems) if args.repair else (report.problems, [])
    data = {"facts": report.facts, "problems": _data(remaining), "repaired": _data(repaired)}
    ctx.output.result(data, report_text(report.facts, repaired, remaining, ctx.output))
    if remaining:
        raise problems_remain(remaining, repairing=args.repair)
    return 0


def _workspace(ctx: Context) -> Workspace | None:
    try:
        return ctx.workspace
    except NotARepository as error:
        ctx.output.note(f"{error.message}; checking the machine only")
        return None


def _data(problems: list[Problem]) -> list[dict[str, Any]]:
    return [{"what": item.what, "remedy": item.remedy, "repairable": item.repair is not None} for item in problems]
