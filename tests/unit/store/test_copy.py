"""Copies of file content: equal, with holes where the source has them."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from git_vibe.store import copy
from git_vibe.store.copy import copy_file

MIB = 1 << 20


def copied(source: Path) -> Path:
    target = source.with_name("target")
    copy_file(os.fsencode(source), os.fsencode(target))
    return target


@pytest.mark.parametrize("content", [b"", b"x", os.urandom(3 * MIB + 17)], ids=["empty", "one", "large"])
def test_the_copy_is_equal(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "source").write_bytes(content)
    assert copied(tmp_path / "source").read_bytes() == content


def test_holes_stay_holes(tmp_path: Path) -> None:
    with open(tmp_path / "source", "wb") as file:
        file.seek(64 * MIB)
        file.write(b"middle")
        file.truncate(200 * MIB)
    target = copied(tmp_path / "source")
    assert target.stat().st_size == 200 * MIB
    assert target.stat().st_blocks * 512 < MIB
    with open(target, "rb") as file:
        assert file.read(4) == b"\0" * 4
        file.seek(64 * MIB)
        assert file.read(8) == b"middle\0\0"


def test_a_file_that_hides_its_size_is_copied(tmp_path: Path) -> None:
    copy_file(b"/proc/self/mountinfo", os.fsencode(tmp_path / "target"))
    assert b" / " in (tmp_path / "target").read_bytes()


@pytest.mark.parametrize("code", [errno.EXDEV, errno.ENOSYS, errno.EOPNOTSUPP])
def test_without_the_kernel_it_is_copied_by_hand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int) -> None:
    def refuse(*_: object) -> int:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(copy, "_copy_in_kernel", refuse)
    content = os.urandom(2 * MIB + 5)
    (tmp_path / "source").write_bytes(content)
    assert copied(tmp_path / "source").read_bytes() == content


def test_a_full_disk_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> int:
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(copy, "_copy_in_kernel", refuse)
    (tmp_path / "source").write_bytes(b"x")
    with pytest.raises(OSError, match="full"):
        copied(tmp_path / "source")


def test_an_existing_file_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "source").write_bytes(b"new")
    (tmp_path / "target").write_bytes(b"old")
    with pytest.raises(FileExistsError):
        copied(tmp_path / "source")
