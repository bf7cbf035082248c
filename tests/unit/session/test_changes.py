"""What a session changed, by content."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from git_vibe.errors import GitError
from git_vibe.session.changes import Change, dirty_count, is_dirty, session_changes, steadily
from git_vibe.store.record import write_record
from git_vibe.types import LayerId, Oid
from tests.unit.session.handmade import HandMade, git, write


def test_letters_modes_and_binary(session: HandMade) -> None:
    layer = session.layer(1)
    write(layer, "a.txt", "changed\n")
    write(layer, "new.bin", b"\0\1\2")
    write(layer, "run.sh", "#!/bin/sh\n", 0o644)
    write(layer, "link", "a file now")
    session.whiteout("docs/a.md")
    write(layer, "docs/b.md", "b\n")
    write(layer, "local/x", "ignored")
    found = session_changes(session.ws, session.name)
    assert found.files == [
        Change("M", b"a.txt", None, 0o100644, 0o100644, binary=False, added=1, deleted=1),
        Change("D", b"docs/a.md", None, 0o100644, 0, binary=False, deleted=1),
        Change("T", b"link", None, 0o120000, 0o100644, binary=False, added=1, deleted=1),
        Change("A", b"new.bin", None, 0, 0o100644, binary=True),
        Change("M", b"run.sh", None, 0o100755, 0o100644, binary=False),
    ]
    assert (found.ignored.count, found.ignored.size, found.warnings) == (1, 7, ())
    assert dirty_count(session.ws, session.record) == 5


def test_binary_by_attribute_of_the_session(session: HandMade) -> None:
    write(session.layer(1), ".gitattributes", "*.dat binary\n")
    write(session.layer(1), "src/new.dat", "text")
    found = session_changes(session.ws, session.name)
    assert {change.path: change.binary for change in found.files} == {b".gitattributes": False, b"src/new.dat": True}


def test_renames_when_asked_for(session: HandMade) -> None:
    session.whiteout("src/main.py")
    write(session.layer(1), "src/new\nname.py", "print(1)\n")
    letters = [change.status for change in session_changes(session.ws, session.name).files]
    assert letters == ["D", "A"]
    (change,) = session_changes(session.ws, session.name, find_renames=True).files
    assert change == Change("R", b"src/new\nname.py", b"src/main.py", 0o100644, 0o100644, binary=False)


def test_clean_after_the_base_content_is_restored(session: HandMade) -> None:
    write(session.layer(1), "a.txt", "one\n")
    (session.layer(1) / "docs").mkdir()
    assert session_changes(session.ws, session.name).files == []
    assert not is_dirty(session.ws, session.record)


def test_empty_delta_is_measured_against_the_last_promote(session: HandMade) -> None:
    assert dirty_count(session.ws, session.record) == 0
    write(session.mount, "a.txt", "promoted\n")
    write(session.mount, "b.txt", "promoted\n")
    git("add", "-A", cwd=session.mount)
    git("commit", "-q", "-m", "promoted", cwd=session.mount)
    promoted = Oid(git("rev-parse", "HEAD", cwd=session.mount).decode())
    write_record(session.paths.meta, session.record._replace(promoted=promoted))
    assert dirty_count(session.ws, session.record) == 2


def test_looking_at_a_clean_session_loads_and_runs_nothing(session: HandMade, tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path\n"
        "from git_vibe.git.repository import Repository; from git_vibe.session.workspace import Workspace\n"
        "from git_vibe.session.changes import dirty_count\n"
        f"path = Path({os.fspath(session.repo)!r})\n"
        "ws = Workspace(Repository(path / '.git', path / '.git', path))\n"
        f"assert dirty_count(ws, ws.record({session.name!r})) == 0\n"
        "print(sorted({'pygit2', 'dulwich', 'asyncio', 'filelock'} & set(sys.modules)))\n"
    )
    env = {**os.environ, "PATH": os.fspath(tmp_path)}
    done = subprocess.run([sys.executable, "-c", script], env=env, capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("[]\n", "")


def test_nothing_is_left_in_the_cache(session: HandMade) -> None:
    write(session.layer(1), "a.txt", "changed\n")
    session_changes(session.ws, session.name)
    assert list(session.layout.cache.iterdir()) == []


def test_a_look_is_repeated_and_then_given_sealed_layers(session: HandMade) -> None:
    outcomes: list[Exception | int] = [FileNotFoundError(), GitError("gone"), 7]
    given: list[Sequence[LayerId] | None] = []

    def look(layers: Sequence[LayerId] | None) -> int:
        given.append(layers)
        outcome = outcomes.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    assert steadily(session.ws, session.record.name, look) == 7
    assert given == [None, None, [LayerId(1)]]


def test_a_lasting_error_is_shown(session: HandMade) -> None:
    def look(layers: Sequence[LayerId] | None) -> int:
        raise GitError("broken")

    with pytest.raises(GitError, match="broken"):
        steadily(session.ws, session.record.name, look)
