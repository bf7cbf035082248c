"""Files whose checkout differs from their blob."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from git_vibe.errors import ObjectMissing
from git_vibe.overlay.converted import Converted


@pytest.fixture
def converted(tmp_path: Path) -> Converted:
    """Rows 3 to 5; row 4 leads nowhere, row 5 is cut short."""
    (tmp_path / "3").write_bytes(b"content")
    (tmp_path / "4").symlink_to("nowhere")
    (tmp_path / "5").write_bytes(b"cont")
    return Converted(os.fsencode(tmp_path), [7] * 6)


def open_files() -> int:
    """How many descriptors this process has."""
    return len(os.listdir("/proc/self/fd"))


def test_parts_are_read_with_one_descriptor(converted: Converted) -> None:
    before = open_files()
    assert converted.read(3, 0, 100) == b"content"
    assert converted.read(3, 3, 2) == b"te"
    assert open_files() == before + 1


def test_a_whole_file_is_copied(converted: Converted, tmp_path: Path) -> None:
    converted.copy_to(3, os.fsencode(tmp_path / "copy"))
    assert (tmp_path / "copy").read_bytes() == b"content"


@pytest.mark.parametrize(("row", "how"), [(4, "nowhere is missing"), (5, "5 has 4 bytes instead of 7")])
def test_what_is_not_there_wholly_is_named(row: int, how: str, converted: Converted, tmp_path: Path) -> None:
    before = open_files()
    with pytest.raises(ObjectMissing, match=how):
        converted.read(row, 0, 10)
    with pytest.raises(ObjectMissing, match=how):
        converted.copy_to(row, os.fsencode(tmp_path / "copy"))
    assert (open_files(), (tmp_path / "copy").exists()) == (before, False)
