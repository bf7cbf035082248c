"""How `git vibe promote` goes through sessions: a line and a JSON object for each."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from git_vibe.cli.output import describe
from git_vibe.errors import EXIT_REFUSED, VibeError

if TYPE_CHECKING:
    import argparse

    from git_vibe.cli.context import Context
    from git_vibe.session.authoring import Wishes
    from git_vibe.session.promote import Promoted
    from git_vibe.types import SessionName


def promote_all(args: argparse.Namespace, ctx: Context) -> int:
    """Promote every session and return the exit status; one that fails does not keep the others."""
    from git_vibe.session.locate import session_names

    ctx.workspace.require_initialised()
    outcomes = [_promote_or_explain(name, args, ctx) for name in session_names(ctx.workspace)]
    ctx.output.result({"sessions": outcomes}, "" if outcomes or args.quiet else "There are no sessions")
    return EXIT_REFUSED if any("error" in outcome for outcome in outcomes) else 0


def _promote_or_explain(name: SessionName, args: argparse.Namespace, ctx: Context) -> dict[str, Any]:
    try:
        return promote_one(name, args, ctx)
    except VibeError as error:
        ctx.output.result(None, f"Failed to promote session '{name}'")
        ctx.output.complain(error)
        return {"session": name, "error": describe(error)}


def promote_one(name: SessionName, args: argparse.Namespace, ctx: Context) -> dict[str, Any]:
    """Promote a session, tell about it and return what JSON has of it."""
    from git_vibe.session.promote import promote

    with contextlib.nullcontext() if args.edit else ctx.output.working(f"Promoting session '{name}'"):
        done = promote(ctx.workspace, name, _wishes(args))
    if done is None:
        data: dict[str, Any] = {"session": name, "commit": None}
        ctx.output.result(data, "" if args.quiet else f"Nothing to promote in '{name}'")
        return data
    if done.output:
        ctx.output.note(done.output)
    data = {"session": name, **done._asdict()}
    ctx.output.result(data, "" if args.quiet else _text(name, done))
    ctx.output.warnings(done.warnings)
    return data


def _wishes(args: argparse.Namespace) -> Wishes:
    from git_vibe.session.authoring import Wishes

    return Wishes(
        args.message, edit=args.edit, only=tuple(args.only), keep_commits=args.keep_commits,
        include_ignored=args.include_ignored, sign=args.sign, verify=not args.no_verify,
    )  # fmt: skip


def _text(name: SessionName, done: Promoted) -> str:
    files = "file" if done.files == 1 else "files"
    own = "" if not done.commits else f", {done.commits} {'commit' if done.commits == 1 else 'commits'} of its own kept"
    return f"Promoted session '{name}' to {done.ref}: {done.commit[:10]}, {done.files} {files} changed{own}"
