"""A session after a rebase: it stands on a newer commit than its clean files are read from."""

from __future__ import annotations

import os

import pytest

from git_vibe.session.changes import dirty_count, session_changes
from git_vibe.session.close import close
from git_vibe.session.promote import promote
from git_vibe.store.record import write_record
from git_vibe.types import Oid
from tests.unit.session.handmade import HandMade, git, write


@pytest.fixture
def rebased(session: HandMade) -> HandMade:
    """Session 'alpha' moved to a commit that edits, adds and deletes; the layer holds what that commit changed."""
    write(session.repo, "docs/a.md", "upstream\n")
    write(session.repo, "src/added.py", "upstream\n")
    write(session.repo, "build/forced.txt", "tracked though ignored\n")
    (session.repo / "src/deep/y.py").unlink()
    git("add", "-A", cwd=session.repo)
    git("add", "-f", "build/forced.txt", cwd=session.repo)
    git("commit", "-q", "-m", "upstream", cwd=session.repo)
    newer = Oid(git("rev-parse", "HEAD", cwd=session.repo).decode())
    git("checkout", "-q", "--detach", newer, cwd=session.mount)
    write_record(session.paths.meta, session.record._replace(base=newer, below=session.record.base))
    session.sync()
    return session


def changed(session: HandMade) -> set[tuple[str, str]]:
    found = session_changes(session.ws, session.name).files
    return {(change.status, os.fsdecode(change.path)) for change in found}


def test_what_upstream_changed_is_not_dirty(rebased: HandMade) -> None:
    assert dirty_count(rebased.ws, rebased.record) == 0
    assert promote(rebased.ws, rebased.name) is None
    close(rebased.ws, rebased.name)


def test_work_is_told_from_upstream(rebased: HandMade) -> None:
    write(rebased.mount, "a.txt", "mine\n")
    write(rebased.mount, "src/added.py", "upstream and mine\n")
    (rebased.mount / "docs/b.md").unlink()
    rebased.sync()
    assert changed(rebased) == {("M", "a.txt"), ("M", "src/added.py"), ("D", "docs/b.md")}
    assert dirty_count(rebased.ws, rebased.record) == 3
    done = promote(rebased.ws, rebased.name)
    assert done is not None and done.parent == rebased.record.base
    assert git("rev-parse", f"{done.commit}^{{tree}}", cwd=rebased.repo).decode() == rebased.native_tree()
    assert dirty_count(rebased.ws, rebased.record) == 0


def test_what_upstream_did_can_be_undone(rebased: HandMade) -> None:
    write(rebased.mount, "docs/a.md", "a\n")
    write(rebased.mount, "src/deep/y.py", "y\n")
    rebased.sync()
    assert changed(rebased) == {("M", "docs/a.md"), ("A", "src/deep/y.py")}


def test_nothing_written_but_another_commit_below(rebased: HandMade) -> None:
    """A delta that was lost shows as what it is: upstream's changes are undone."""
    os.rename(rebased.layer(1), rebased.layer(1).with_name("lost"))
    rebased.layer(1)
    git("read-tree", rebased.record.clean, cwd=rebased.mount)
    assert dirty_count(rebased.ws, rebased.record) == 4
