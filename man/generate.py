"""Write the man pages from what the program itself knows: parser, command texts, errors, settings, layout.

`python man/generate.py [directory]` writes man1, man5 and man7 below `directory` (default: beside this file).
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

SOURCES = Path(__file__).resolve().parent
sys.path.insert(0, str(SOURCES.parent))

from git_vibe import __version__, errors  # noqa: E402 - run from a source tree, installed or not
from git_vibe.cli import parser as command_line  # noqa: E402
from git_vibe.session.settings import KNOWN, Known  # noqa: E402
from git_vibe.store import layout  # noqa: E402

GLOBAL = "global options"
EXIT_STATUSES = (
    (errors.EXIT_OK, "done"),
    (errors.EXIT_REFUSED, "refused, or failed for good"),
    (errors.EXIT_USAGE, "the command line is wrong"),
    (errors.EXIT_TRANSIENT, "failed for now; the same command may succeed later"),
    (errors.EXIT_NO_AGENT, "the program to run was not found"),
    (errors.EXIT_NO_REPOSITORY, "not a repository git-vibe can work with"),
    (errors.EXIT_INTERRUPTED, "interrupted"),
)


def pages() -> Iterator[tuple[str, str]]:
    """Every page: (path below the man directory, content)."""
    parsers = command_parsers()
    yield "man1/git-vibe.1", overview_page()
    for module in command_line.COMMANDS:
        name = command_line.command_name(module)
        yield f"man1/git-vibe-{name}.1", command_page(module, parsers[name])
    yield "man7/git-vibe.7", concepts_page((SOURCES / "git-vibe.7.txt").read_text())
    yield "man5/git-vibe-layout.5", layout_page(str(layout.__doc__))


def command_parsers() -> dict[str, argparse.ArgumentParser]:
    """The parser of every command by name."""
    return dict(subcommands(command_line.build_parser()))


def subcommands(parser: argparse.ArgumentParser) -> Iterator[tuple[str, argparse.ArgumentParser]]:
    """The parsers one level below, aliases included."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            yield from action.choices.items()


# Pages


def overview_page() -> str:
    """git-vibe(1)."""
    whole = command_line.build_parser()
    commands = [
        (f"\\fBgit\\-vibe\\-{command_line.command_name(module)}\\fR(1)", escaped(aliased(module)))
        for module in command_line.COMMANDS
    ]
    settings = listed([(bold(item.key), escaped(setting_text(item))) for item in KNOWN])
    statuses = [(bold(str(number)), escaped(meaning)) for number, meaning in EXIT_STATUSES]
    return page(
        "git-vibe", 1, "isolated, writable, instant views of a Git repository",
        section("SYNOPSIS", ["\\fBgit vibe\\fR [\\fIoption\\fR...] \\fIcommand\\fR [\\fIargument\\fR...]"]),
        section("DESCRIPTION", prose(OVERVIEW)),
        section("COMMANDS", listed(commands)),
        section("OPTIONS", ["Every command accepts them, before or after its name.", *options_of(whole, GLOBAL)]),
        section("CONFIGURATION", [*prose("Set with `git config`; `git vibe doctor --config` lists them."), *settings]),
        section("EXIT STATUS", listed(statuses)),
        section("ERROR CODES", [*prose("The `code` that `--json` prints."), *listed(error_codes())]),
        section("SEE ALSO", ["\\fBgit\\-vibe\\fR(7), \\fBgit\\-vibe\\-layout\\fR(5), \\fBgit\\fR(1)"]),
    )  # fmt: skip


OVERVIEW = """
`git vibe spawn feature` gives an agent or a person a session: a complete, writable view of the repository in its own
directory, without a checkout. Files are read straight from Git's objects at the commit the session was spawned from;
what is written stays in the session. Ordinary tools and ordinary git work there.

`git vibe diff`, `promote` and `commit` bring the work back. Nothing a session ever held is lost by closing it, by a
crash or by `purge`: what exists nowhere else is archived first.

With `--json` a command prints exactly one object on standard output:
`{"ok": ..., "data": ..., "error": {"code", "message", "suggestion", "retryable"}}`.
"""


def command_page(module: ModuleType, parser: argparse.ArgumentParser) -> str:
    """git-vibe-<command>(1)."""
    name = command_line.command_name(module)
    examples = [(bold(command), escaped(what)) for command, what in module.EXAMPLES]
    nested = [
        line
        for verb, verb_parser in subcommands(parser)
        for line in [f".SS {escaped(f'git vibe {name} {verb}')}", *options_of(verb_parser, None)]
    ]
    aliases = (
        [f"Also known as {' and '.join(bold(f'git vibe {alias}') for alias in module.ALIASES)}."]
        if module.ALIASES
        else []
    )
    return page(
        f"git-vibe-{name}", 1, module.SUMMARY,
        section("SYNOPSIS", synopsis(parser)),
        section("DESCRIPTION", [*prose(module.DESCRIPTION), *([".PP", *aliases] if aliases else [])]),
        section("OPTIONS", [*options_of(parser, None), *nested]),
        section("GLOBAL OPTIONS", options_of(parser, GLOBAL)),
        section("EXAMPLES", listed(examples)),
        section("EXIT STATUS", ["See \\fBgit\\-vibe\\fR(1)."]),
        section("SEE ALSO", ["\\fBgit\\-vibe\\fR(1), \\fBgit\\-vibe\\fR(7)"]),
    )  # fmt: skip


def concepts_page(text: str) -> str:
    """git-vibe(7), from sections of prose; a paragraph 'term:: meaning' is an entry of a list."""
    parts = re.split(r"^# (.*)\n", text, flags=re.MULTILINE)[1:]
    sections = [section(title, prose(body)) for title, body in zip(parts[::2], parts[1::2], strict=True)]
    return page("git-vibe", 7, "concepts and words of git-vibe", *sections)


def layout_page(docstring: str) -> str:
    """git-vibe-layout(5), from the docstring that is the specification."""
    first, _, rest = docstring.partition("\n\n")
    return page(
        "git-vibe-layout",
        5,
        "where git-vibe keeps everything on disk",
        section("DESCRIPTION", [*prose(first), ".PP", *prose(rest)]),
    )


# What the parser knows


def options_of(parser: argparse.ArgumentParser, title: str | None) -> list[str]:
    """The arguments of one group, or of all groups but the global one, as a list."""
    groups = [group for group in parser._action_groups if (group.title == GLOBAL) == (title == GLOBAL)]
    actions = [action for group in groups for action in group._group_actions]
    plain = [action for action in actions if not isinstance(action, argparse._SubParsersAction)]
    return listed([(invocation(action), escaped((action.help or "").replace("%%", "%"))) for action in plain])


def invocation(action: argparse.Action) -> str:
    """An argument as it is typed: names bold, values in italics."""
    value = placeholder(action)
    if not action.option_strings:
        return value
    suffix = "" if action.nargs == 0 else f"[={value}]" if action.nargs == "?" else f" {value}"
    return ", ".join(bold(name) for name in action.option_strings) + suffix


def placeholder(action: argparse.Action) -> str:
    """The value of an argument; the choices where it has some."""
    shown = action.metavar if isinstance(action.metavar, str) else "|".join(action.choices or (f"<{action.dest}>",))
    return f"\\fI{escaped(shown)}\\fR"


def synopsis(parser: argparse.ArgumentParser) -> list[str]:
    """One line for the command, or one a verb."""
    verbs = [verb_parser for _, verb_parser in subcommands(parser)]
    lines = []
    for shown in verbs or [parser]:
        actions = [action for group in shown._action_groups if group.title != GLOBAL for action in group._group_actions]
        lines += [" ".join([bold(shown.prog), *(usage(action) for action in actions)]), ".br"]
    return lines[:-1]


def usage(action: argparse.Action) -> str:
    """An argument in the synopsis."""
    if action.option_strings:
        longest = max(action.option_strings, key=len)
        shown = invocation(
            argparse.Action([longest], action.dest, nargs=action.nargs, choices=action.choices, metavar=action.metavar)
        )
        return f"[{shown}]"
    value = placeholder(action)
    return {"?": f"[{value}]", "*": f"[{value}...]", "+": f"{value}..."}.get(str(action.nargs), value)


def aliased(module: ModuleType) -> str:
    """What a command does, and its other names."""
    return str(module.SUMMARY) + (
        f" (also {', '.join(f'`{alias}`' for alias in module.ALIASES)})" if module.ALIASES else ""
    )


def setting_text(item: Known) -> str:
    """Meaning, type and default of a setting."""
    return f"{item.meaning} ({item.kind}{f', default {item.default}' if item.default else ''})"


def error_codes() -> list[tuple[str, str]]:
    """Every error class by its code: (code, what it means)."""
    classes = [
        value for value in vars(errors).values() if isinstance(value, type) and issubclass(value, errors.VibeError)
    ]
    return sorted(
        (bold(cls.code), escaped(f"{(cls.__doc__ or '').splitlines()[0]} Exit status {cls.exit_status}."))
        for cls in classes
    )


# roff


def page(name: str, number: int, summary: str, *sections: list[str]) -> str:
    """A whole page. It carries no date, so that it changes only when the program does."""
    head = [
        '.\\" Written by man/generate.py; do not edit.',
        f'.TH "{name.upper()}" "{number}" "" "git\\-vibe {__version__}" "git\\-vibe manual"',
    ]
    lines = [*head, ".nh", ".ad l", ".SH NAME", f"{escaped(name)} \\- {escaped(summary)}"]
    return "\n".join([*lines, *(line for lines_of_section in sections for line in lines_of_section)]) + "\n"


def section(title: str, body: list[str]) -> list[str]:
    """A section; nothing when it is empty."""
    return [f'.SH "{escaped(title)}"', *body] if body else []


def listed(items: list[tuple[str, str]]) -> list[str]:
    """A list of terms (already roff) with their explanations (roff)."""
    return [line for term, text in items for line in (".TP", term, text)]


def prose(text: str) -> list[str]:
    """Paragraphs; indented ones stand as they are, 'term:: meaning' is an entry of a list, backquotes are bold."""
    lines: list[str] = []
    for paragraph in re.split(r"\n\n+", text.strip("\n")):
        if paragraph.startswith("    "):
            lines += [".PP", ".in +4n", ".EX", *(escaped(line[4:]) for line in paragraph.splitlines()), ".EE", ".in"]
        elif (term := re.match(r"(.+?)::\s+(.*)", paragraph, re.DOTALL)) is not None:
            lines += [".TP", bold(term[1]), escaped(" ".join(term[2].split()))]
        else:
            lines += [".PP", escaped(" ".join(paragraph.split()))]
    return lines[1:] if lines[0] == ".PP" else lines


def bold(text: str) -> str:
    """Text as it is typed."""
    return f"\\fB{escaped(text)}\\fR"


def escaped(text: str) -> str:
    """Plain text as roff; backquoted words become bold."""
    text = (
        text.replace("\\", "\\e").replace("-", "\\-").replace("'", "\\(aq").replace("~", "\\(ti").replace("^", "\\(ha")
    )
    text = re.sub(r"`([^`]*)`", r"\\fB\1\\fR", text)
    return f"\\&{text}" if text.startswith(".") else text


def main(directory: Path) -> None:
    """Write all pages below `directory`."""
    for name, content in pages():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else SOURCES)
