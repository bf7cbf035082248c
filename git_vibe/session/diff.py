"""`git diff` between what a session started from and what it holds."""

from __future__ import annotations

from collections.abc import Sequence

from git_vibe.git.command import run_git_attached
from git_vibe.session.changes import steadily
from git_vibe.session.layers import layer_trees
from git_vibe.session.scratch import scratch_for
from git_vibe.session.tree import session_tree
from git_vibe.session.workspace import Workspace
from git_vibe.types import SessionName


def diff(ws: Workspace, name: SessionName, args: Sequence[str], *, color: str | None, pager: bool) -> int:
    """Show on the user's terminal what a session changed and return git's exit status.

    `args` go to `git diff`; those after '--' are pathspecs relative to the caller's directory.
    """
    record = ws.record(name)
    with scratch_for(ws, record) as scratch:
        tree = steadily(ws, name, lambda layers: session_tree(scratch, layer_trees(scratch.paths, layers))).oid
        command = [*paging(ws, "diff", wanted=pager), "diff", *_diff_options(args, color, record.reference, tree)]
        return run_git_attached(command, cwd=ws.repo.worktree / ws.repo.prefix, env=scratch.sink.environment)


def paging(ws: Workspace, command: str, *, wanted: bool) -> list[str]:
    """Options of git that say whether and how it pages; `pager.vibe` stands above `pager.<command>`."""
    if not wanted:
        return ["--no-pager"]
    configured = ws.repo.config.text("pager.vibe")
    return [] if configured is None else ["-c", f"pager.{command}={configured}"]


def _diff_options(args: Sequence[str], color: str | None, old: str, new: str) -> list[str]:
    """Options, then both sides, then '--' and the pathspecs, whatever order they came in."""
    split = list(args).index("--") if "--" in args else len(args)
    colors = [] if color is None else [f"--color={color}"]
    return [*colors, *args[:split], old, new, "--", *args[split + 1 :]]
