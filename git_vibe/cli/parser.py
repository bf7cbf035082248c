"""The command line: one parser for `git vibe`, its subcommands and the options that all of them share."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from types import ModuleType
from typing import Any, NoReturn

from git_vibe import __version__
from git_vibe.cli.commands import (
    audit,
    close,
    commit,
    completion,
    context,
    daemon,
    diff,
    doctor,
    hook,
    init,
    launch,
    log,
    promote,
    purge,
    rebase,
    sh,
    spawn,
    status,
)
from git_vibe.errors import UsageError

COMMANDS: tuple[ModuleType, ...] = (
    init, spawn, launch, sh, status, diff, log, promote, rebase, commit, close, audit, context, hook, doctor,
    daemon, purge, completion,
)  # fmt: skip

DESCRIPTION = "Isolated, writable, instant views of this repository for coding agents and people."
EPILOG = "`git vibe <command> -h` explains a command; `git vibe --help` opens the manual."


class Shown(Exception):
    """The user asked for a text (help, version) instead of a command."""

    def __init__(self, what: str, text: str) -> None:
        super().__init__(what)
        self.what = what
        self.text = text


class Parser(argparse.ArgumentParser):
    """argparse whose mistakes are UsageError, so that they end at the same boundary as every other error."""

    def __init__(self, **options: Any) -> None:
        super().__init__(add_help=False, allow_abbrev=False, **options)

    def error(self, message: str) -> NoReturn:
        """Raise UsageError."""
        raise UsageError(message, f"`{self.prog} -h` shows how it is used")


class _ShowHelp(argparse.Action):
    def __call__(self, parser: argparse.ArgumentParser, *rest: object, **options: object) -> None:
        raise Shown("help", parser.format_help())


class _ShowVersion(argparse.Action):
    def __call__(self, parser: argparse.ArgumentParser, *rest: object, **options: object) -> None:
        raise Shown("version", f"git-vibe {__version__}")


def command_name(module: ModuleType) -> str:
    """The subcommand that a module implements."""
    return module.__name__.rpartition(".")[2]


def parse(words: Sequence[str]) -> argparse.Namespace:
    """Parse a command line. Raises UsageError or Shown.

    Besides the options the result has `run`, `prog`, `extras` (words nobody claimed) and `rest` (what follows `--` for
    commands that hand it on, else None).
    """
    own, rest = _split_rest(list(words))
    args, extras = build_parser().parse_known_args(own)
    if "run" not in args:
        raise Shown("help", build_parser().format_help())
    args.rest, args.extras = rest, extras
    return args


def _split_rest(words: list[str]) -> tuple[list[str], list[str] | None]:
    module = _command_of(words)
    if module is None or not module.PASSES_ON or "--" not in words:
        return words, None
    place = words.index("--")
    return words[:place], words[place + 1 :]


def _command_of(words: list[str]) -> ModuleType | None:
    """Module of the first word that is not an option. Raises UsageError when there is no such command."""
    plain = [word for before, word in zip(["", *words], words, strict=False) if before != "--color"]
    name = next((word for word in plain if not word.startswith("-")), None)
    if name is None:
        return None
    for module in COMMANDS:
        if name in (command_name(module), *module.ALIASES):
            return module
    raise UsageError(f"'{name}' is not a git vibe command", _did_you_mean(name))


def _did_you_mean(name: str) -> str:
    from difflib import get_close_matches

    known = [word for module in COMMANDS for word in (command_name(module), *module.ALIASES)]
    close_ones = get_close_matches(name, known, n=1)
    return f"did you mean `git vibe {close_ones[0]}`?" if close_ones else "`git vibe -h` lists the commands"


def build_parser() -> Parser:
    """The whole command line as one parser."""
    parser = Parser(prog="git vibe", description=DESCRIPTION, epilog=EPILOG)
    add_global_options(parser, outermost=True)
    commands = parser.add_subparsers(title="commands", metavar="<command>", prog="git vibe")
    for module in COMMANDS:
        _add_command(commands, module)
    return parser


def _add_command(commands: argparse._SubParsersAction[Parser], module: ModuleType) -> None:
    parser = commands.add_parser(
        command_name(module), aliases=list(module.ALIASES), help=module.SUMMARY,
        description=" ".join(module.DESCRIPTION.strip().partition("\n\n")[0].split()),
    )  # fmt: skip
    parser.set_defaults(run=module.run, prog=parser.prog, accepts_extras=module.ACCEPTS_EXTRAS)
    module.add_arguments(parser)
    add_global_options(parser)
    for nested in _nested(parser):
        add_global_options(nested)


def _nested(parser: argparse.ArgumentParser) -> list[argparse.ArgumentParser]:
    actions = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    return [nested for action in actions for nested in action.choices.values()]


def add_global_options(parser: argparse.ArgumentParser, *, outermost: bool = False) -> None:
    """Options that every command accepts; only the outermost parser sets their defaults."""
    group = parser.add_argument_group("global options")
    group.add_argument("-h", "--help", action=_ShowHelp, nargs=0, help="show this help and exit")

    def add(*names: str, default: object = False, action: str = "store_true", **options: Any) -> None:
        chosen = default if outermost else argparse.SUPPRESS
        group.add_argument(*names, action=action, default=chosen, **options)

    if outermost:
        group.add_argument("--version", action=_ShowVersion, nargs=0, help="print the version and exit")
    add("--json", help="print one JSON object on stdout instead of text")
    add("-q", "--quiet", help="say nothing but warnings and errors")
    add("-v", "--verbose", help="say more")
    add("--debug", help="say everything, and log in detail")
    add("--color", default=None, action="store", metavar="<when>", choices=("auto", "always", "never"),
        help="colour the output: auto, always or never")  # fmt: skip
    add("--no-input", help="never ask; what would need an answer fails")
    add("--no-progress", help="show no progress")
