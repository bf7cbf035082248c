"""Command lines as people type them."""

from __future__ import annotations

import pytest

from git_vibe.cli.parser import COMMANDS, Shown, command_name, parse
from git_vibe.errors import UsageError


@pytest.mark.parametrize("line", ["--json status alpha", "status --json alpha", "status alpha --json"])
def test_global_options_may_stand_anywhere(line: str) -> None:
    args = parse(line.split())
    assert (args.json, args.session) == (True, "alpha")


def test_global_options_reach_nested_commands() -> None:
    assert parse(["daemon", "status", "--quiet"]).quiet
    assert parse(["--quiet", "daemon", "status"]).quiet


@pytest.mark.parametrize(
    ("alias", "name"),
    [("create", "spawn"), ("ssh", "sh"), ("list", "status"), ("ps", "status"), ("remove", "close")],
)
def test_aliases_are_second_names(alias: str, name: str) -> None:
    module = next(module for module in COMMANDS if command_name(module) == name)
    assert parse([alias, "alpha"]).run is module.run


@pytest.mark.parametrize(
    ("words", "session", "branch"),
    [
        (["alpha"], "alpha", None),
        (["alpha", "--branch"], "alpha", ""),
        (["alpha", "--branch", "topic"], "alpha", "topic"),
        (["--branch=topic", "alpha"], "alpha", "topic"),
        ([], None, None),
    ],
)
def test_spawn_takes_a_branch_with_or_without_a_name(words: list[str], session: str | None, branch: str | None) -> None:
    args = parse(["spawn", *words])
    assert (args.session, args.branch) == (session, branch)


def test_what_follows_two_dashes_is_handed_on() -> None:
    args = parse(["sh", "alpha", "--", "ls", "--json", "--", "-l"])
    assert (args.rest, args.json) == (["ls", "--json", "--", "-l"], False)


def test_options_of_git_diff_are_kept_in_order() -> None:
    args = parse(["diff", "alpha", "--stat", "-U", "5", "--color=always", "--", "src"])
    assert (args.extras, args.rest, args.color) == (["--stat", "-U", "5"], ["src"], "always")


@pytest.mark.parametrize(
    ("words", "message", "suggestion"),
    [
        (["spwan"], "'spwan' is not a git vibe command", "did you mean `git vibe spawn`?"),
        (["xyzzy"], "'xyzzy' is not a git vibe command", "`git vibe -h` lists the commands"),
        (["diff"], "the following arguments are required: <session>", "`git vibe diff -h` shows how it is used"),
        (["--color", "status"], None, "`git vibe -h` shows how it is used"),
    ],
)
def test_mistakes_are_explained(words: list[str], message: str | None, suggestion: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse(words)
    assert message in (None, caught.value.message)
    assert caught.value.suggestion == suggestion


@pytest.mark.parametrize("words", [[], ["-h"], ["--json", "-h"], *([command_name(m), "-h"] for m in COMMANDS)])
def test_help_is_there_for_everything(words: list[str]) -> None:
    with pytest.raises(Shown) as shown:
        parse(words)
    assert shown.value.text.startswith("usage: git vibe")


def test_every_command_has_texts_for_its_manual() -> None:
    for module in COMMANDS:
        assert module.SUMMARY and module.DESCRIPTION.strip() and module.EXAMPLES
        assert module.SUMMARY[0].islower() and not module.SUMMARY.endswith(".")
