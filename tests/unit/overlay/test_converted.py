"""Files whose checkout differs from their blob."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from git_vibe.errors import ObjectMissing
from git_vibe.overlay.converted import Converted


@pytest.fixture
def converted(tmp_path: Path) -> Converted:
    """Rows 3 and 4; row 4 leads nowhere."""
    (tmp_path / "3").write_bytes(b"content")
    (tmp_path / "4").symlink_to("nowhere")
    return Converted(os.fsencode(tmp_path))


def open_files() -> int:
    """How many descriptors this process has."""
    return len(os.listdir("/proc/self/fd"))


def test_parts_are_read_and_the_file_is_let_go_of(converted: Converted) -> None:
    before = open_files()
    assert converted.read(4, 3, 0, 100) == b"content"
    assert converted.read(4, 3, 3, 2) == b"te"
    assert open_files() == before + 1
    converted.release(4)
    converted.release(4)
    assert open_files() == before


def test_a_whole_file_is_copied(converted: Converted, tmp_path: Path) -> None:
    converted.copy_to(3, os.fsencode(tmp_path / "copy"))
    assert (tmp_path / "copy").read_bytes() == b"content"


def test_missing_content_is_named(converted: Converted, tmp_path: Path) -> None:
    with pytest.raises(ObjectMissing, match="nowhere is missing"):
        converted.read(5, 4, 0, 10)
    with pytest.raises(ObjectMissing, match="nowhere is missing"):
        converted.copy_to(4, os.fsencode(tmp_path / "copy"))
    assert not (tmp_path / "copy").exists()
