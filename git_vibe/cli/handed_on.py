"""Words of a command line that are handed on to git."""

from __future__ import annotations

from collections.abc import Container, Sequence


def options_and_paths(words: Sequence[str], valued: Container[str]) -> tuple[list[str], list[str]]:
    """Options with their values, and the other words; options in `valued` have the next word as their value."""
    options: list[str] = []
    paths: list[str] = []
    for before, word in zip(["", *words], words, strict=False):
        is_path = not word.startswith("-") and before not in valued
        (paths if is_path else options).append(word)
    return options, paths
