"""`git vibe init`."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse

    from git_vibe.cli.context import Context

ALIASES: tuple[str, ...] = ()
PASSES_ON = False
ACCEPTS_EXTRAS = False
SUMMARY = "prepare this repository for sessions"
DESCRIPTION = """
Prepare this repository for sessions: make `.git/vibe`, index the files of the current commit and install git hooks
that tell when upstream moves on (see `git help vibe-hook`).

Hooks that are there keep working and run first. Running it again is harmless and refreshes index and hooks. HEAD,
index, branches, tags, configuration and work tree are not touched; from git 2.54 on the hooks are a line in
`.git/config`. `git vibe spawn` does the same by itself in a repository that is not prepared yet.

Files that are not committed are not visible in sessions; a warning says how many there are.
"""
EXAMPLES = (("git vibe init", "Prepare the repository around the current directory."),)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("--reindex", action="store_true", help="build the index of the current commit anew")
    parser.add_argument("--no-hooks", action="store_true", help="install no git hooks")


def run(args: argparse.Namespace, ctx: Context) -> int:
    """Prepare the repository and tell what was found."""
    from git_vibe.cli.hook_verbs import install_by_the_way
    from git_vibe.session.init import initialise

    ws = ctx.workspace
    with ctx.output.working("Indexing the files of HEAD"):
        done = initialise(ws, reindex=args.reindex)
    if not args.no_hooks:
        install_by_the_way(ctx)
    what = "Initialised" if done.created else "Already initialised:"
    text = f"{what} git-vibe in {ws.layout.root} ({done.files} files)"
    data = {"path": str(ws.layout.root), **done._asdict()}
    ctx.output.result(data, "" if args.quiet else text)
    ctx.output.warnings(done.warnings)
    if done.uncommitted:
        plural = "change is" if done.uncommitted == 1 else "changes are"
        ctx.output.warning(f"{done.uncommitted} uncommitted {plural} not visible in sessions")
    return 0
