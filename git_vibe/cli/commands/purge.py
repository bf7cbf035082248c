"""`git vibe purge`."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse

    from git_vibe.cli.context import Context
    from git_vibe.session.purge import Purged

ALIASES: tuple[str, ...] = ()
PASSES_ON = False
ACCEPTS_EXTRAS = False
SUMMARY = "remove everything git-vibe made in this repository"
DESCRIPTION = """
Remove git-vibe from this repository: unmount every session, stop the daemon, put back the git hooks that were there
before, remove `.git/vibe` and the linked work trees.

Work that exists nowhere else is archived first, in commits under `refs/vibe/archive/`, which always stay.
Promotes (`refs/vibes/`) and their notes stay too unless `--refs` is given, and the audit log moves to
`$XDG_STATE_HOME/git-vibe/audit.log`, where `git vibe audit` still finds it. Asks before it starts; without a
terminal nothing happens unless `--force` is given.
"""
EXAMPLES = (
    ("git vibe purge", "Remove git-vibe, after a question."),
    ("git vibe purge --force --refs", "Remove the promotes as well, without a question."),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("--force", action="store_true", help="do not ask")
    parser.add_argument("--refs", action="store_true", help="also delete refs/vibes/ and refs/notes/vibe")


def run(args: argparse.Namespace, ctx: Context) -> int:
    """Purge the repository and name what was archived."""
    from git_vibe.githooks.install import remove
    from git_vibe.session.locate import session_names
    from git_vibe.session.purge import purge

    ws = ctx.workspace
    if not args.force:
        names = session_names(ws)
        sessions = f"end {len(names)} sessions ({', '.join(names)}) and " if names else ""
        ctx.confirm(
            f"This will {sessions}remove {ws.layout.root}. Go on?", otherwise="`--force` does it without asking"
        )
    with ctx.output.working("Purging"):
        done = purge(ws, refs=args.refs, force=args.force, unhook=remove)
    ctx.output.result(done._asdict(), "" if args.quiet else _text(done))
    return 0


def _text(done: Purged) -> str:
    plural = "session" if done.sessions == 1 else "sessions"
    lines = [f"Removed {done.path} ({done.sessions} {plural})"]
    lines += [f"archived: {ref}" for ref in done.archives]
    lines += [f"could not be archived, moved to {path}" for path in done.rescued]
    lines += [f"deleted: {ref}" for ref in done.deleted_refs]
    return "\n".join(lines)
