"""`git vibe completion`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from git_vibe.errors import VibeError

if TYPE_CHECKING:
    import argparse

    from git_vibe.cli.context import Context

ALIASES: tuple[str, ...] = ()
PASSES_ON = False
ACCEPTS_EXTRAS = False
SUMMARY = "print the completion script of a shell"
DESCRIPTION = """
Print the completion script of a shell, for `git vibe` and `git-vibe` alike.

Session names are completed as well. An installed git-vibe has put the scripts where the shells look for them;
this command is for everything else.
"""
EXAMPLES = (
    ('eval "$(git vibe completion bash)"', "Complete in this bash; put it into ~/.bashrc to keep it."),
    ("git vibe completion zsh >~/.zfunc/_git-vibe", "For zsh, in a directory of $fpath."),
    ("git vibe completion fish >~/.config/fish/conf.d/git-vibe.fish", "For fish."),
)

_FILES = {"bash": "git-vibe.bash", "zsh": "_git-vibe", "fish": "git-vibe.fish"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("shell", choices=tuple(_FILES), help="bash, zsh or fish")


def run(args: argparse.Namespace, ctx: Context) -> int:
    """Print the script."""
    script = script_path(args.shell).read_text()
    ctx.output.result({"shell": args.shell, "script": script}, script)
    return 0


def script_path(shell: str) -> Path:
    """The script in an installed package, else in a source tree (an editable install has no package data)."""
    package = Path(__file__).parents[2]
    for directory in (package / "_data" / "completions", package.parent / "completions"):
        if (directory / _FILES[shell]).exists():
            return directory / _FILES[shell]
    raise VibeError(f"the completion script for {shell} is not installed", "install git-vibe again")
