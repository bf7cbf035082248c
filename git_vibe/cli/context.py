"""What a command gets besides its arguments: the repository around it, its output and its user."""

from __future__ import annotations

import os
import sys
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from git_vibe.errors import NotARepository, SafetyCheckFailed, VibeError

if TYPE_CHECKING:
    import argparse

    from git_vibe.cli.output import Output
    from git_vibe.session.workspace import Workspace


class Terminated(BaseException):
    """SIGTERM arrived: everything half-made is undone on the way out, as for Ctrl-C."""


class Context:
    """One run of one command. The only place that knows the environment, the directory and the terminal."""

    def __init__(self, args: argparse.Namespace, output: Output) -> None:
        self.output = output
        self.environ = dict(os.environ)
        self._input_allowed = not args.no_input
        output.hints_wanted = self._hints_wanted

    @cached_property
    def cwd(self) -> Path:
        """The current directory. Raises NotARepository when it has been removed."""
        try:
            return Path.cwd()
        except FileNotFoundError:
            raise NotARepository("the current directory no longer exists", "change to another directory") from None

    @cached_property
    def workspace(self) -> Workspace:
        """The repository around the current directory, found on first use. Raises what `discover` raises."""
        from git_vibe.session.locate import open_workspace

        runtime = self.environ.get("XDG_RUNTIME_DIR")
        return open_workspace(self.cwd, Path(runtime) if runtime else None)

    def confirm(self, question: str, *, otherwise: str) -> None:
        """Ask y/N. Raises SafetyCheckFailed unless the answer is yes; `otherwise` is what to do without a terminal."""
        if not (self._input_allowed and sys.stdin.isatty()):
            raise SafetyCheckFailed("nothing was done: this needs a confirmation and there is no terminal", otherwise)
        sys.stderr.write(f"{question} [y/N] ")
        sys.stderr.flush()
        if sys.stdin.readline().strip().lower() not in ("y", "yes"):
            raise SafetyCheckFailed("nothing was done: not confirmed", "")

    def _hints_wanted(self) -> bool:
        try:
            return self.workspace.repo.config.boolean("advice.vibehints", default=True)
        except VibeError:
            return True
