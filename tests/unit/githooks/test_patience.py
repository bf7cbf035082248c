"""Work for a hook ends in time or goes on unheard."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from git_vibe.githooks.patience import gathered
from tests.support.waiting import wait_until


def test_all_lines_are_gathered() -> None:
    assert gathered(lambda: ["one", "two\nlines", "three"], 60) == (["one", "two lines", "three"], True)


def test_an_error_ends_the_work_quietly() -> None:
    def work() -> Iterator[str]:
        yield "one"
        raise OSError("broken")

    assert gathered(work, None) == (["one"], True)


def test_what_takes_too_long_goes_on(tmp_path: Path) -> None:
    reader, writer = os.pipe()

    def work() -> Iterator[str]:
        yield "early"
        os.read(reader, 1)
        yield "late"
        (tmp_path / "done").touch()

    lines, ended = gathered(work, 2)
    assert (lines, ended) == (["early"], False)
    os.write(writer, b"x")
    wait_until((tmp_path / "done").exists)
