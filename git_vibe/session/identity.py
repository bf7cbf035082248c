"""In whose name git-vibe makes commits."""

from __future__ import annotations

import os
import re

from git_vibe.errors import UsageError
from git_vibe.git.command import run_git
from git_vibe.session.workspace import Workspace

_IDENTITY = re.compile(r"(?P<name>[^<>\n]+?)\s*<(?P<mail>[^<>\n]*)>")
_PLAIN = re.compile(r"\w([\w @.+-]*\w)?")
"""git takes other characters away from the ends of names."""
_VARIABLES = ("GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL")
_KEYS = ("author.name", "author.email")


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


def user_identity(ws: Workspace) -> str:
    """The user as git knows them: 'Name <mail>'. Raises GitError or UsageError."""
    name, mail = _configured_user(ws) or _asked_of_git(ws)
    return f"{name} <{mail}>"


def _identity(ws: Workspace, agent: str | None) -> tuple[str, str]:
    configured = ws.repo.config.text("vibe.author")
    if configured is not None:
        return _parsed(configured)
    name, mail = _configured_user(ws) or _asked_of_git(ws)
    return f"{name} via git-vibe ({agent})" if agent else f"{name} via git-vibe", mail


def _configured_user(ws: Workspace) -> tuple[str, str] | None:
    """What git is certain to use, where that can be told without asking it."""
    name, mail = ws.repo.config.text("user.name"), ws.repo.config.text("user.email")
    other = [os.environ.get(key) for key in _VARIABLES] + [ws.repo.config.text(key) for key in _KEYS]
    if name is None or mail is None or any(value is not None for value in other):
        return None
    return (name, mail) if _PLAIN.fullmatch(name) and _PLAIN.fullmatch(mail) else None


def _asked_of_git(ws: Workspace) -> tuple[str, str]:
    user = run_git(["var", "GIT_AUTHOR_IDENT"], cwd=ws.repo.worktree).decode(errors="surrogateescape")
    return _parsed(user[: user.rindex(">") + 1])


def _parsed(text: str) -> tuple[str, str]:
    found = _IDENTITY.fullmatch(text.strip())
    if found is None:
        raise UsageError(f"bad identity '{text}' for 'vibe.author'", "write it as 'Name <mail>'")
    return found["name"], found["mail"]
