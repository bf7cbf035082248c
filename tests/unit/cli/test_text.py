"""Values as people read them."""

from __future__ import annotations

import pytest

from git_vibe.cli.text import age, byte_count, path_text


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0s"), (59.9, "59s"), (190, "3m 10s"), (7500, "2h 5m"), (349_200, "4d 1h")]
)
def test_age(seconds: float, text: str) -> None:
    assert age(seconds) == text


@pytest.mark.parametrize(("size", "text"), [(0, "0 B"), (1023, "1023 B"), (4608, "4.5 KiB"), (3 << 40, "3.0 TiB")])
def test_byte_count(size: int, text: str) -> None:
    assert byte_count(size) == text


def test_control_characters_of_a_path_are_escaped() -> None:
    assert path_text(b"a\nb\x1b[31m") == "a\\012b\\033[31m"
    assert path_text("grün".encode()) == "grün"
