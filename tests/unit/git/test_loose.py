"""Loose objects that are written without waiting for the disk."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from git_vibe.git.loose import object_name, write_loose
from git_vibe.git.write import repository_sink
from tests.unit.session.handmade import git


@pytest.fixture
def objects(tmp_path: Path) -> Path:
    git("init", "-q", str(tmp_path), cwd=tmp_path)
    return tmp_path / ".git" / "objects"


@pytest.mark.parametrize("data", [b"", b"hello\n", bytes(range(256)) * 1000])
def test_git_reads_it(data: bytes, objects: Path) -> None:
    write_loose(objects, b"blob", data, lambda path: None)
    name = object_name(b"blob", data)
    assert git("cat-file", "blob", name, cwd=objects.parent) == data.removesuffix(b"\n")
    assert git("fsck", "--strict", "--no-dangling", cwd=objects.parent) == b""
    assert (objects / name[:2] / name[2:]).stat().st_mode & 0o777 == 0o444


def test_the_name_comes_after_the_bytes(objects: Path) -> None:
    name = object_name(b"blob", b"data")
    seen = []

    def look(path: bytes) -> None:
        seen.append((os.stat(path).st_size > 0, (objects / name[:2] / name[2:]).exists()))

    write_loose(objects, b"blob", b"data", look)
    assert seen == [(True, False)]


def test_a_failure_leaves_nothing(objects: Path) -> None:
    def fail(path: bytes) -> None:
        raise OSError

    with pytest.raises(OSError):
        write_loose(objects, b"blob", b"data", fail)
    assert [path for path in objects.rglob("*") if path.is_file()] == []


def test_what_is_there_is_not_written_again(objects: Path) -> None:
    written: list[bytes] = []
    sink = repository_sink(objects.parent, written.append)
    assert sink.write_blob(b"x") == sink.write_blob(b"x") == repository_sink(objects.parent).write_blob(b"x")
    assert len(written) == 1
