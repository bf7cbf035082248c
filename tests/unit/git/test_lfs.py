"""Pointers of Git LFS and where their content lies."""

from __future__ import annotations

from pathlib import Path

import pytest

from git_vibe.git.lfs import Pointer, content_path, find_content, parse_pointer, storage

OID = "0123456789abcdef" * 4
POINTER = f"version https://git-lfs.github.com/spec/v1\noid sha256:{OID}\nsize 5\n".encode()


def test_a_pointer_is_understood() -> None:
    assert parse_pointer(POINTER) == Pointer(OID, 5)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"content\n",
        POINTER.replace(OID.encode(), b"../../../../etc/passwd"),
        POINTER.replace(OID.encode(), OID.upper().encode()),
        POINTER.replace(b"size 5", b"size -5"),
        POINTER + b"x" * 1024,
    ],
)
def test_anything_else_is_no_pointer(data: bytes) -> None:
    assert parse_pointer(data) is None


def test_content_of_another_size_does_not_count(tmp_path: Path) -> None:
    path = content_path(tmp_path, OID)
    assert path == tmp_path / "01" / "23" / OID
    assert find_content(tmp_path, Pointer(OID, 5)) is None
    path.parent.mkdir(parents=True)
    path.write_bytes(b"half")
    assert find_content(tmp_path, Pointer(OID, 5)) is None
    path.write_bytes(b"whole")
    assert find_content(tmp_path, Pointer(OID, 5)) == path


def test_the_storage_is_relative_to_the_git_directory(tmp_path: Path) -> None:
    assert storage(tmp_path, None) == tmp_path / "lfs" / "objects"
    assert storage(tmp_path, "big") == tmp_path / "big" / "objects"
    assert storage(tmp_path, "/srv/lfs") == Path("/srv/lfs/objects")
