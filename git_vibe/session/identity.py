"""In whose name git-vibe makes commits."""

from __future__ import annotations

import re

from git_vibe.errors import UsageError
from git_vibe.git.command import run_git
from git_vibe.session.workspace import Workspace

_IDENTITY = re.compile(r"(?P<name>[^<>\n]+?)\s*<(?P<mail>[^<>\n]*)>")


def commit_environment(ws: Workspace, agent: str | None) -> dict[str, str]:
    """Variables that make git write commits as author and committer.

    `vibe.author` decides, or the user's own identity with the agent named. Raises GitError where git has none, or
    UsageError.
    """
    name, mail = _identity(ws, agent)
    return {
        "GIT_AUTHOR_NAME": name,
        "GIT_AUTHOR_EMAIL": mail,
        "GIT_COMMITTER_NAME": name,
        "GIT_COMMITTER_EMAIL": mail,
    }


def _identity(ws: Workspace, agent: str | None) -> tuple[str, str]:
    configured = ws.repo.config.text("vibe.author")
    if configured is not None:
        return _parsed(configured)
    user = run_git(["var", "GIT_AUTHOR_IDENT"], cwd=ws.repo.worktree).decode(errors="surrogateescape")
    name, mail = _parsed(user[: user.rindex(">") + 1])
    return f"{name} via git-vibe ({agent})" if agent else f"{name} via git-vibe", mail


def _parsed(text: str) -> tuple[str, str]:
    found = _IDENTITY.fullmatch(text.strip())
    if found is None:
        raise UsageError(f"bad identity '{text}' for 'vibe.author'", "write it as 'Name <mail>'")
    return found["name"], found["mail"]
