"""Files that only grow, written by many processes at once."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from git_vibe.store.journal import append_entries, read_journal

WRITER = """
import sys
from pathlib import Path
from git_vibe.store.journal import append_entries
for number in range(int(sys.argv[3])):
    append_entries(Path(sys.argv[1]), [{"who": sys.argv[2], "number": number, "long": "x" * (number * 97 % 9000)}])
"""


def test_entries_come_back_in_order(tmp_path: Path) -> None:
    append_entries(tmp_path / "log", [{"n": 1, "odd": "caf\u00e9\udcff\n"}])
    append_entries(tmp_path / "log", [{"n": 2}, {"n": 3, "path": tmp_path}])
    assert read_journal(tmp_path / "log") == (
        [{"n": 1, "odd": "caf\u00e9\udcff\n"}, {"n": 2}, {"n": 3, "path": str(tmp_path)}],
        0,
    )


def test_writers_at_once_lose_nothing(tmp_path: Path) -> None:
    writers, each = "abcdef", 120
    command = [sys.executable, "-c", WRITER, str(tmp_path / "log")]
    running = [subprocess.Popen([*command, name, str(each)]) for name in writers]
    assert [process.wait() for process in running] == [0] * len(writers)
    found = read_journal(tmp_path / "log")
    assert found.damaged == 0
    for name in writers:
        assert [entry["number"] for entry in found.entries if entry["who"] == name] == list(range(each))


@pytest.mark.parametrize("torn", [b'{"n": 2, "x', b"[1]\n", b"\xff\n", b"\0\0\0"])
def test_a_torn_line_takes_nothing_with_it(tmp_path: Path, torn: bytes) -> None:
    append_entries(tmp_path / "log", [{"n": 1}])
    with open(tmp_path / "log", "ab") as file:
        file.write(torn)
    append_entries(tmp_path / "log", [{"n": 3}])
    assert read_journal(tmp_path / "log") == ([{"n": 1}, {"n": 3}], 1)


def test_modes_are_the_users(tmp_path: Path) -> None:
    append_entries(tmp_path / "log", [{}])
    append_entries(tmp_path / "private", [{}], mode=0o600)
    umask = os.umask(0)
    os.umask(umask)
    assert (tmp_path / "log").stat().st_mode & 0o777 == 0o666 & ~umask
    assert (tmp_path / "private").stat().st_mode & 0o777 == 0o600
