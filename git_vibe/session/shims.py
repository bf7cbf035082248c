"""The hook shim, and the copies of it that are there only while there are sessions.

`reference-transaction` runs several times for each commit of a rebase, so even a shim that ends at once would double
the time of one. Where git looks for that hook lies a symbolic link into `.git/vibe/live/`, a directory that exists
while sessions do: without one git finds nothing to run. Git's configuration may include `hooks.config` from there.
"""

from __future__ import annotations

import contextlib
import os
from functools import lru_cache
from pathlib import Path

from git_vibe.errors import VibeError
from git_vibe.session.workspace import Workspace
from git_vibe.store.atomic import create_dir_atomically, remove_dir_atomically, write_atomically
from git_vibe.store.record import session_names

EVENTS = ("post-checkout", "post-merge", "post-rewrite", "pre-commit", "pre-push", "reference-transaction")
"""The hooks git-vibe wants."""
BUSIEST = "reference-transaction"
"""The one that is asleep while there is no session."""
IDENTITY = b"# git-vibe hook shim "
_SHELL = b"#!/bin/sh\n"
_SHELL_IF_THERE = b"""#!/usr/bin/env -S sh -c '{ command exec 3<"$0"; } 2>/dev/null||exit 0;. /dev/fd/3'\n"""
"""First line of a script that may be taken away between its start by git and its reading by the shell."""


@lru_cache(maxsize=1)
def shim() -> bytes:
    """The shim of this version, from an installed package or from a source tree. Raises VibeError."""
    package = Path(__file__).parents[1]
    for directory in (package / "_data" / "hooks", package.parent / "hooks"):
        if (directory / "shim").exists():
            return (directory / "shim").read_bytes()
    raise VibeError("the hook shim of git-vibe is not installed", "install git-vibe again")


def identity(content: bytes) -> bytes:
    """The line of a shim that says whose it is and of which version."""
    return next((line for line in content.splitlines() if line.startswith(IDENTITY)), b"")


def outdated(ws: Workspace) -> bool:
    """Whether another version of git-vibe installed the shims."""
    for directory in (ws.layout.hooks, ws.layout.hooks_redirected):
        with contextlib.suppress(OSError):
            found = identity((directory / "pre-commit").read_bytes())
            if found not in (b"", identity(shim())):
                return True
    return False


def _waking() -> bytes:
    """The shim as it is there while there are sessions."""
    return shim().replace(_SHELL, _SHELL_IF_THERE, 1)


def wake(ws: Workspace) -> None:
    """Let git find the hooks that sleep while there is no session."""
    live = ws.layout.live
    try:
        if (live / "shim").read_bytes() != _waking():
            write_atomically(live / "shim", _waking(), 0o755)
        return
    except FileNotFoundError:
        pass
    try:
        with create_dir_atomically(live) as staged:
            _fill(staged, live)
    except FileExistsError:
        pass  # another command did it meanwhile


def _fill(staged: Path, live: Path) -> None:
    (staged / "shim").write_bytes(_waking())
    (staged / "shim").chmod(0o755)
    for event in EVENTS:
        (staged / event).symlink_to("shim")
    (staged / "hooks.config").write_bytes(b"".join(_section(live, event) for event in EVENTS))


def _section(live: Path, event: str) -> bytes:
    """Configuration of one hook for git 2.54 and later; git appends the hook's arguments to the command."""
    program = "'" + os.fspath(live / event).replace("'", "'\\''") + "'"
    command = f"test ! -x {program} || {program}".replace("\\", "\\\\").replace('"', '\\"')
    return os.fsencode(f'[hook "git-vibe-{event}"]\n\tevent = {event}\n\tcommand = "{command}"\n')


def rest(ws: Workspace) -> None:
    """Put the hooks to sleep when the last session is gone."""
    if session_names(ws.layout):
        return
    remove_dir_atomically(ws.layout.live)
    if session_names(ws.layout):  # one was spawned meanwhile and may have woken them before
        wake(ws)
