"""Which changes `promote --only` takes: those that git's pathspecs match."""

from __future__ import annotations

import os

import pytest

from git_vibe.errors import PathspecUnmatched
from git_vibe.session.authoring import Wishes
from git_vibe.session.changes import session_changes
from git_vibe.session.promote import promote
from tests.unit.session.handmade import HandMade, git, write

CHANGED = {"a.txt", "docs/a.md", "src/main.py", "src/new.py", "src/deep/er/x.py", "odd [name]*", "docs/b.md"}


@pytest.fixture
def changed(session: HandMade) -> HandMade:
    """A session with a change of every kind."""
    for path in CHANGED - {"docs/b.md"}:
        write(session.mount, path, "changed\n")
    (session.mount / "docs/b.md").unlink()
    session.sync()
    return session


def dirty(session: HandMade) -> set[str]:
    return {os.fsdecode(change.path) for change in session_changes(session.ws, session.name).files}


@pytest.mark.parametrize(
    ("pathspecs", "taken"),
    [
        (["src"], {"src/main.py", "src/new.py", "src/deep/er/x.py"}),
        (["src/"], {"src/main.py", "src/new.py", "src/deep/er/x.py"}),
        (["src/*.py"], {"src/main.py", "src/new.py", "src/deep/er/x.py"}),
        ([":(glob)src/*.py"], {"src/main.py", "src/new.py"}),
        ([":(glob)**/x.py", "a.txt"], {"src/deep/er/x.py", "a.txt"}),
        ([":(icase)A.TXT"], {"a.txt"}),
        ([":(literal)odd [name]*"], {"odd [name]*"}),
        ([":/docs"], {"docs/a.md", "docs/b.md"}),
        ([".", ":!src", ":(exclude)docs/*"], {"a.txt", "odd [name]*"}),
        ([":!src"], {"a.txt", "odd [name]*", "docs/a.md", "docs/b.md"}),
        (["."], CHANGED),
    ],
)
def test_pathspecs_are_gits(pathspecs: list[str], taken: set[str], changed: HandMade) -> None:
    done = promote(changed.ws, changed.name, Wishes(only=tuple(pathspecs)))
    assert done is not None
    names = git("diff", "-z", "--name-only", done.parent, done.commit, cwd=changed.repo).decode()
    assert set(names.strip("\0").split("\0")) == taken
    assert dirty(changed) == CHANGED - taken


def test_a_file_that_became_a_directory(session: HandMade) -> None:
    (session.mount / "a.txt").unlink()
    write(session.mount, "a.txt/inside", "x\n")
    write(session.mount, "docs/a.md", "x\n")
    session.sync()
    promote(session.ws, session.name, Wishes(only=("a.txt",)))
    assert dirty(session) == {"docs/a.md"}


@pytest.mark.parametrize(("pathspecs", "named"), [(["run.sh", "a.txt"], "'run.sh'"), (["none*"], "'none\\*'")])
def test_what_matches_nothing_is_named(pathspecs: list[str], named: str, changed: HandMade) -> None:
    with pytest.raises(PathspecUnmatched, match=f"matches {named}$"):
        promote(changed.ws, changed.name, Wishes(only=tuple(pathspecs)))
    assert dirty(changed) == CHANGED


def test_a_clean_session_has_nothing_to_choose_from(session: HandMade) -> None:
    assert promote(session.ws, session.name, Wishes(only=("a.txt",))) is None
