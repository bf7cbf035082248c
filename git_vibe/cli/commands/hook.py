"""`git vibe hook`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse

    from git_vibe.cli.context import Context

ALIASES: tuple[str, ...] = ()
PASSES_ON = True
ACCEPTS_EXTRAS = False
SUMMARY = "install or remove the git hooks, or ask how they stand"
DESCRIPTION = """
Git hooks that tell when the branch moves that a session is to land on, and when a commit or push holds files that
sessions changed as well. They warn and never change anything; with vibe.hooks.block=true pre-commit and pre-push fail.

Hooks that are there already run first, with their arguments and input, and their exit status counts; `remove` puts
them back as they were. `git vibe init` installs the hooks unless core.hooksPath leads away from `.git/hooks`: then
`install` makes git include a file that sets core.hooksPath to a directory of git-vibe, whose hooks run first what lies
at the former path, and nothing changes there. From git 2.54 on the hooks are configured instead of put into files.

vibe.quiet=true silences the hooks, GIT_VIBE_HOOK=0 silences them for one command. `run` is what the hooks call;
`agent` is for the hooks of coding agents.
"""
EXAMPLES = (
    ("git vibe hook status", "Tell which hooks are installed and what they run first."),
    ("git vibe hook install", "Install them, again where something changed."),
    ("git vibe hook remove", "Remove them and put back what was there."),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    verbs = parser.add_subparsers(
        title="what to do", metavar="install|remove|status|run|agent", dest="verb", required=True
    )
    verbs.add_parser("install", help="install the hooks, also where core.hooksPath leads elsewhere")
    verbs.add_parser("remove", help="remove the hooks and put back what was there before")
    verbs.add_parser("status", help="tell how the hooks stand")
    ran = verbs.add_parser("run", help="what a git hook calls; its arguments follow --, its input is standard input")
    ran.add_argument("event", metavar="<event>", help="name of the git hook")
    agent = verbs.add_parser("agent", help="what the hook of a coding agent calls, with its JSON on standard input")
    agent.add_argument("agent_event", metavar="<event>", help="name of the agent's event")


def run(args: argparse.Namespace, ctx: Context) -> int:
    """Do what the verb says."""
    from git_vibe.cli import hook_verbs

    verbs = {"install": hook_verbs.install, "remove": hook_verbs.remove, "status": hook_verbs.status}
    if args.verb in verbs:
        verbs[args.verb](args, ctx)
        return 0
    given = sys.stdin.buffer.read()
    return {"run": hook_verbs.run_git_hook, "agent": hook_verbs.run_agent_hook}[args.verb](args, ctx, given)
