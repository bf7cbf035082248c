"""Made-up names."""

from __future__ import annotations

import pytest

from git_vibe.session.names import ADJECTIVES, NOUNS, free_name
from git_vibe.types import SessionName


def test_a_name_is_an_adjective_and_a_noun() -> None:
    adjective, noun = free_name(()).split("-")
    assert adjective in ADJECTIVES and noun in NOUNS


def test_taken_names_are_avoided() -> None:
    taken = [f"{adjective}-claude" for adjective in ADJECTIVES if adjective != "zany"]
    name = free_name(taken, "claude")
    assert name not in taken and "-claude" in name


@pytest.mark.parametrize(
    ("noun", "end"), [("claude", "-claude"), ("My Agent.exe", "-my-agent-exe"), ("x" * 300, "-" + "x" * 40)]
)
def test_any_program_makes_a_valid_name(noun: str, end: str) -> None:
    name = free_name((), noun)
    assert name.endswith(end) and SessionName(name) == name


@pytest.mark.parametrize("noun", ["", "...", "\u00e9"])
def test_a_program_without_letters_gets_a_noun(noun: str) -> None:
    assert free_name((), noun).split("-")[1] in NOUNS


def test_every_word_makes_a_valid_name() -> None:
    assert all(SessionName(f"{adjective}-ant") for adjective in ADJECTIVES)
    assert all(SessionName(f"calm-{noun}") for noun in NOUNS)
