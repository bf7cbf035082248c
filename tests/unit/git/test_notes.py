"""JSON notes."""

from __future__ import annotations

import subprocess
from pathlib import Path

from git_vibe.git.notes import read_note, write_note
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
