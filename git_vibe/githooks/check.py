"""What the doctor says of the hooks."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from git_vibe.githooks import directory, redirect
from git_vibe.githooks.install import Hook, install, status
from git_vibe.githooks.places import CONFIG, REDIRECT, git_version, own_path, way
from git_vibe.session.doctor import Finding, Problem
from git_vibe.session.workspace import Workspace

_AGAIN = "`git vibe hook install` puts it right; what is there runs first then"


def check_hooks(ws: Workspace) -> Iterator[Finding]:
    """Are our hooks where git finds them, and as they were installed?"""
    found = status(ws)
    if found.way is None:
        yield "the hooks of git-vibe are not installed; `git vibe hook install` does it"
        return
    wrong = [_problem(hook, found.path) for hook in found.hooks if hook.state != directory.OURS]
    wrong += list(_about_the_way(ws, found.way))
    for what in wrong:
        yield Problem(what, _AGAIN, partial(_mend, ws, redirected=found.way == REDIRECT))
    if not wrong:
        yield f"the hooks are installed ({found.way})"


def _mend(ws: Workspace, *, redirected: bool) -> None:
    install(ws, may_redirect=redirected)


def _problem(hook: Hook, path: str) -> str:
    what = {
        directory.FREE: "is missing",
        directory.OUTDATED: "is of another version of git-vibe, or cannot be executed",
        directory.EDITED: "was edited",
        directory.FOREIGN: "was replaced by another hook",
    }
    return f"the hook {path}/{hook.event} {what[hook.state]}"


def _about_the_way(ws: Workspace, found: str) -> Iterator[str]:
    if found == REDIRECT and not redirect.is_in_force(ws):
        yield "core.hooksPath does not lead to the hooks of git-vibe"
    elif found == REDIRECT and own_path(ws) not in (None, redirect.former_path(ws)):
        yield f"core.hooksPath became '{own_path(ws)}', but git-vibe runs the hooks of '{redirect.former_path(ws)}'"
    elif found != way(ws, git_version()) and (found == CONFIG or way(ws, git_version()) == REDIRECT):
        yield f"git does not look for hooks where those of git-vibe are ({found})"
