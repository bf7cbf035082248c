"""Answers to the shell's completion. They list directories and nothing else: a hung mount must not hang the shell."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Iterable
from pathlib import Path

from git_vibe.cli.parser import build_parser


def answer_the_shell() -> None:
    """Complete the command line the shell handed over and end the process."""
    import argcomplete

    parser = build_parser()
    attach(parser)
    argcomplete.autocomplete(parser, default_completer=argcomplete.completers.SuppressCompleter())


def attach(parser: argparse.ArgumentParser) -> None:
    """Give every argument of `parser` and its subparsers the completer its name asks for."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for nested in action.choices.values():
                attach(nested)
        elif action.dest in _COMPLETERS:
            setattr(action, "completer", _COMPLETERS[action.dest])  # noqa: B010 - argcomplete's protocol


def session_names(prefix: str, **context: object) -> list[str]:
    """Names of the sessions of the repository around the current directory."""
    from git_vibe.session.locate import session_names_around

    return [name for name in session_names_around(Path.cwd()) if name.startswith(prefix)]


def past_session_names(prefix: str, **context: object) -> list[str]:
    """Names of the sessions of the repository around the current directory, and of closed ones that promoted."""
    from git_vibe.session.locate import past_session_names_around

    return [name for name in past_session_names_around(Path.cwd()) if name.startswith(prefix)]


def context_names(prefix: str, **context: object) -> list[str]:
    """Names of the context files."""
    from git_vibe.session.locate import context_names_around

    return [name for name in context_names_around(Path.cwd()) if name.startswith(prefix)]


def hook_names(prefix: str, **context: object) -> list[str]:
    """The git hooks of git-vibe."""
    from git_vibe.session.shims import EVENTS

    return [event for event in EVENTS if event.startswith(prefix)]


def branch_names(prefix: str, **context: object) -> list[str]:
    """Names of the branches."""
    from git_vibe.session.locate import branch_names_around

    return [name for name in branch_names_around(Path.cwd()) if name.startswith(prefix)]


def program_names(prefix: str, **context: object) -> list[str]:
    """Programs on PATH; nothing for an empty prefix, which would list them all."""
    return sorted(set(_programs(prefix))) if prefix else []


def file_names(prefix: str, **context: object) -> Iterable[str]:
    """Files and directories."""
    import argcomplete

    return list(argcomplete.completers.FilesCompleter()(prefix, **context))


def _programs(prefix: str) -> Iterable[str]:
    for directory in os.get_exec_path():
        try:
            names = os.listdir(directory)
        except OSError:
            continue
        yield from (name for name in names if name.startswith(prefix))


_COMPLETERS: dict[str, Callable[..., Iterable[str]]] = {
    "session": session_names,
    "sessions": session_names,
    "past_session": past_session_names,
    "name": context_names,
    "event": hook_names,
    "binary": program_names,
    "path": file_names,
    "only": file_names,
    "into": branch_names,
}
