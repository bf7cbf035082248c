"""What each hook has to say. Nothing here moves a branch or a session: hooks warn, people decide."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from git_vibe.git.command import run_git
from git_vibe.git.repository import Repository
from git_vibe.git.write import Entry
from git_vibe.githooks.patience import gathered
from git_vibe.session import touched, upstream
from git_vibe.session.workspace import Workspace
from git_vibe.types import Oid

BLOCKED = 79
"""Exit status of `git vibe hook run` by which the shim makes a pre-* hook fail; no other does."""

_PATIENCE_MS = 150
_BLOCKING = ("pre-commit", "pre-push")


class Call(NamedTuple):
    """One run of a hook, as git made it."""

    event: str
    arguments: Sequence[str]
    lines: Sequence[str]
    environ: Mapping[str, str]


class Heard(NamedTuple):
    """What a hook has to say, and whether git is to stop."""

    lines: list[str]
    blocked: bool = False


def hook_workspace(cwd: Path, runtime_dir: Path | None) -> Workspace:
    """The workspace of the hook that runs in `cwd`, which lies in the git directory for a push. Raises GitError."""
    found = run_git(["rev-parse", "--path-format=absolute", "--git-common-dir", "--git-dir"], cwd=None)
    common, git_dir = (Path(path) for path in os.fsdecode(found).splitlines())
    return Workspace(Repository(common, git_dir, cwd), runtime_dir)


def hear(ws: Workspace, call: Call) -> Heard:
    """Run one hook. Raises UsageError for a setting that cannot be read."""
    blocking = call.event in _BLOCKING and ws.repo.config.boolean("vibe.hooks.block", default=False)
    if not blocking and ws.repo.config.boolean("vibe.quiet", default=False):
        return Heard([])
    told, ended = gathered(lambda: _said(ws, call), None if blocking else _patience(ws))
    lines = [line for line in told if line]
    if not ended and len(lines) < len(told):
        lines.append("git vibe: sessions are still compared with what changed; `git vibe status` tells")
    if blocking and lines:
        undone = "nothing was committed" if call.event == "pre-commit" else "nothing was pushed"
        lines.append(f"git vibe: {undone}, for vibe.hooks.block is set; `--no-verify` goes on regardless")
    return Heard(lines, blocking and bool(lines))


def _patience(ws: Workspace) -> float:
    """Seconds that are left of what the setting allows; starting up has taken some."""
    allowed = ws.repo.config.count("vibe.hooks.wait", _PATIENCE_MS) / 1000
    return max(0.0, allowed - time.process_time())


def _said(ws: Workspace, call: Call) -> Iterator[str]:
    """An empty line is the sign that there is something to compare at all."""
    yield from (line and f"git vibe: {line}" for line in _EVENTS[call.event](ws, call))


# Upstream moved


def _refs_moved(ws: Workspace, call: Call) -> Iterator[str]:
    """Lines are: old commit, new commit, ref. What `git pull` fetches moves the branch itself in a moment."""
    refs = {words[2] for words in _fields(call) if len(words) == 3 and words[0] != words[1]}
    if call.environ.get("GIT_REFLOG_ACTION", "").startswith("pull"):
        refs = {ref for ref in refs if not ref.startswith("refs/remotes/")}
    return _about(ws, refs)


def _branch_changed(ws: Workspace, call: Call) -> Iterator[str]:
    branch = upstream.checked_out(ws.repo.git_dir)
    return _about(ws, {branch} if branch else set())


def _switched(ws: Workspace, call: Call) -> Iterator[str]:
    """Only sessions whose target nobody knows follow what is checked out in the main work tree."""
    if ws.repo.git_dir != ws.repo.common_dir:
        return iter(())
    return _branch_changed(ws, call)


def _about(ws: Workspace, refs: set[str]) -> Iterator[str]:
    waiting = upstream.pending(ws, refs) if refs else []
    if waiting:
        yield ""
    yield from (upstream.line(lag) for lag in upstream.look(ws, waiting) if lag.behind)


# Something is to be committed or pushed


def _committing(ws: Workspace, call: Call) -> Iterator[str]:
    return _warnings(ws, "staged", [touched.staged_entries(ws)])


def _pushing(ws: Workspace, call: Call) -> Iterator[str]:
    """Lines are: local ref, its commit (zeros: delete), remote ref, its commit (zeros: new)."""
    pushes = [(Oid(words[1]), Oid(words[3])) for words in _fields(call) if len(words) == 4 and words[1].strip("0")]
    return _warnings(ws, "push", [touched.pushed_entries(ws, local, remote) for local, remote in pushes])


def _warnings(ws: Workspace, what: str, changes: Iterable[dict[bytes, Entry]]) -> Iterator[str]:
    entries = {path: entry for change in changes for path, entry in change.items()}
    if entries and touched.others(ws):
        yield ""
    yield from (touched.warning(found, what) for found in touched.touched(ws, entries))


def _fields(call: Call) -> Iterator[list[str]]:
    return (line.split(" ") for line in map(str.strip, call.lines) if line)


_EVENTS = {
    "post-checkout": _switched,
    "post-merge": _branch_changed,
    "post-rewrite": _branch_changed,
    "pre-commit": _committing,
    "pre-push": _pushing,
    "reference-transaction": _refs_moved,
}
