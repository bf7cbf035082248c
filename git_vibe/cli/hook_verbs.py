"""What `git vibe hook` does and says, verb by verb."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from git_vibe.errors import UsageError, VibeError

if TYPE_CHECKING:
    import argparse

    from git_vibe.cli.context import Context
    from git_vibe.githooks.install import Hook, Hooks


def install(args: argparse.Namespace, ctx: Context) -> None:
    """Install the hooks, wherever git looks for them."""
    from git_vibe.githooks.install import install

    ctx.workspace.require_initialised()
    done = install(ctx.workspace, may_redirect=True)
    ctx.output.result(_data(done.hooks), "" if args.quiet else _text(done.hooks))


@contextlib.contextmanager
def hooks_on_first_use(ctx: Context) -> Iterator[None]:
    """Install the hooks after a block that prepared the repository by the way, or after an upgrade of git-vibe."""
    from git_vibe.session.shims import outdated

    wanted = not ctx.workspace.is_initialised() or outdated(ctx.workspace)
    yield
    if wanted:
        install_by_the_way(ctx)


def install_by_the_way(ctx: Context) -> None:
    """Install the hooks where that takes no setting of the user's away; a failure is a warning."""
    from git_vibe.githooks.install import install

    try:
        refusal = install(ctx.workspace, may_redirect=False).refusal
    except (VibeError, OSError) as error:
        refusal = f"hooks were not installed: {error}; `git vibe hook install` tries again"
    if refusal:
        ctx.output.warning(refusal)


def remove(args: argparse.Namespace, ctx: Context) -> None:
    """Remove them."""
    from git_vibe.githooks.install import remove

    done = remove(ctx.workspace)
    text = "The hooks are removed" if done.removed else "There were no hooks of git-vibe"
    ctx.output.result(done._asdict(), "" if args.quiet else text)
    for path in done.left:
        ctx.output.warning(f"{path} was kept and not put back: another hook took its place, or it is ours and edited")


def status(args: argparse.Namespace, ctx: Context) -> None:
    """Tell how they stand."""
    from git_vibe.githooks.install import status

    found = status(ctx.workspace)
    ctx.output.result(_data(found), _text(found))
    if found.way is None:
        ctx.output.advise("`git vibe hook install` installs them")


def _data(found: Hooks) -> dict[str, Any]:
    return {"installed": found.way is not None, "way": found.way, "path": found.path,
            "hooks": [hook._asdict() for hook in found.hooks]}  # fmt: skip


def _text(found: Hooks) -> str:
    if found.way is None:
        return "The hooks are not installed"
    return "\n".join([f"hooks in {found.path} ({found.way}):", *(f"  {_line(hook)}" for hook in found.hooks)])


def _line(hook: Hook) -> str:
    return f"{hook.event}: {hook.state}" + (f", after {hook.first}" if hook.first else "")


def run_git_hook(args: argparse.Namespace, ctx: Context, given: bytes) -> int:
    """Say on standard output what the hook has to say; the shim decides what becomes of it."""
    from git_vibe.githooks.events import BLOCKED, Call, hear, hook_workspace
    from git_vibe.session.shims import EVENTS

    if args.event not in EVENTS:
        raise UsageError(f"'{args.event}' is not a hook of git-vibe", f"there are: {', '.join(EVENTS)}")
    if ctx.environ.get("GIT_VIBE_HOOK") == "0":
        return 0
    runtime = ctx.environ.get("XDG_RUNTIME_DIR")
    ws = hook_workspace(ctx.cwd, Path(runtime) if runtime else None)
    heard = hear(ws, Call(args.event, args.rest or [], os.fsdecode(given).splitlines(), ctx.environ))
    ctx.output.result(heard._asdict(), "\n".join(heard.lines))
    return BLOCKED if heard.blocked else 0


def run_agent_hook(args: argparse.Namespace, ctx: Context, given: bytes) -> int:
    """Tell an agent what its session should know. Whatever is wrong, nothing is said and the agent goes on."""
    from git_vibe.session.agent_hook import agent_event, parsed
    from git_vibe.session.locate import session_around

    payload, text = parsed(given), ""
    with contextlib.suppress(VibeError, OSError):
        os.chdir(ctx.environ.get("GIT_VIBE_MOUNT") or payload.get("cwd") or ".")
        name = session_around(ctx.workspace)
        text = "" if name is None else agent_event(ctx.workspace, name, args.agent_event, payload)
    ctx.output.result({"text": text}, text)
    return 0
