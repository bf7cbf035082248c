"""JSON notes."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest

from git_vibe.git.notes import all_notes, parse_notes, read_note, write_note
from git_vibe.types import Oid

IDENTITY = {f"GIT_{who}_{what}": "a" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}


def test_write_read_replace(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    tree = subprocess.run(["git", "write-tree"], cwd=tmp_path, check=True, capture_output=True, text=True).stdout
    oid = Oid(tree.strip())
    assert read_note("refs/notes/vibe", oid, cwd=tmp_path) == {}
    write_note("refs/notes/vibe", oid, {"n": 1}, cwd=tmp_path, env=IDENTITY)
    write_note("refs/notes/vibe", oid, {"n": "caf\u00e9 \n"}, cwd=tmp_path, env=IDENTITY)
    assert read_note("refs/notes/vibe", oid, cwd=tmp_path) == {"n": "caf\u00e9 \n"}
    subprocess.run(
        ["git", "notes", "--ref=vibe", "add", "-f", "-m", "[not an object", oid],
        cwd=tmp_path, check=True, capture_output=True,
    )  # fmt: skip
    assert read_note("refs/notes/vibe", oid, cwd=tmp_path) == {}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (b"", []),
        (b"plain words", []),
        (b'{"n": 1}\n', [{"n": 1}]),
        (b'{"n": 1}\n\n{\n "n": 2\n}\n', [{"n": 1}, {"n": 2}]),
        (b'{"n": 1}\n\nreviewed by me\n', [{"n": 1}]),
        (b'[1] {"n": "\xff"}', [{"n": "\ufffd"}]),
    ],
)
def test_notes_that_git_put_together(text: bytes, found: list[dict[str, Any]]) -> None:
    assert parse_notes(text) == found


def test_all_notes(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    assert all_notes("refs/notes/vibe", cwd=tmp_path) == []
    names = []
    for number in range(3):
        done = subprocess.run(
            ["git", "hash-object", "-w", "--stdin"], cwd=tmp_path, input=b"%d" % number, capture_output=True, check=True
        )
        names.append(Oid(done.stdout.decode().strip()))
        write_note("refs/notes/vibe", names[-1], {"n": number, "text": "\n\n"}, cwd=tmp_path, env=IDENTITY)
    found = dict(all_notes("refs/notes/vibe", cwd=tmp_path))
    assert found == {name: [{"n": number, "text": "\n\n"}] for number, name in enumerate(names)}
