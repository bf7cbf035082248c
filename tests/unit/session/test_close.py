"""Ending a session: what is refused, what is kept, what is removed."""

from __future__ import annotations

import pytest

from git_vibe.errors import SafetyCheckFailed, SessionNotFound, UsageError
from git_vibe.git.repository import Repository
from git_vibe.session.close import close
from git_vibe.session.promote import promote
from git_vibe.session.workspace import Workspace
from git_vibe.store.record import session_names
from tests.unit.session.handmade import HandMade, git, write


def archived(session: HandMade, ref: str | None) -> set[str]:
    assert ref is not None
    return set(git("diff", "--name-only", f"{ref}~", ref, cwd=session.repo).decode().split("\n"))


def inside(session: HandMade, message: str = "inside") -> str:
    """Commit what is in the mount as the agent would."""
    git("add", "-A", cwd=session.mount)
    git("commit", "-q", "-m", message, cwd=session.mount)
    session.sync()
    return git("rev-parse", "HEAD", cwd=session.mount).decode()


def test_clean_session_vanishes(session: HandMade) -> None:
    assert close(session.ws, session.name) == (None, ())
    assert session_names(session.layout) == []
    assert list(session.layout.sessions.iterdir()) == []
    assert not session.paths.git_dir.exists()
    assert git("for-each-ref", "refs/vibe", "refs/vibes", cwd=session.repo) == b""
    with pytest.raises(SessionNotFound):
        close(session.ws, session.name)


def test_unpromoted_work_is_listed_and_kept(session: HandMade) -> None:
    write(session.layer(1), "a.txt", "changed\n")
    write(session.layer(1), "src/new.py", "new\n")
    with pytest.raises(SafetyCheckFailed) as caught:
        close(session.ws, session.name)
    assert caught.value.message.endswith(":\n  M a.txt\n  A src/new.py")
    assert session.record.name == "alpha"


def test_long_lists_are_cut(session: HandMade) -> None:
    for number in range(30):
        write(session.layer(1), f"{number:02}", "x")
    with pytest.raises(SafetyCheckFailed, match=r"A 19\n  \.\.\. and 10 more$"):
        close(session.ws, session.name)


def test_promoted_work_needs_no_archive(session: HandMade) -> None:
    write(session.layer(1), "a.txt", "changed\n")
    promote(session.ws, session.name)
    assert close(session.ws, session.name).archived is None
    assert git("show", "refs/vibes/alpha:a.txt", cwd=session.repo) == b"changed"


@pytest.mark.parametrize("options", [{"force": True}, {"discard": True}])
def test_force_and_discard_archive(session: HandMade, options: dict[str, bool]) -> None:
    write(session.layer(1), "a.txt", "changed\n")
    closed = close(session.ws, session.name, **options)
    assert archived(session, closed.archived) == {"a.txt"}
    assert session_names(session.layout) == []
    assert git("for-each-ref", "refs/vibes", cwd=session.repo) == b""


def test_archive_can_be_declined(session: HandMade) -> None:
    write(session.layer(1), "a.txt", "changed\n")
    assert close(session.ws, session.name, force=True, archive=False).archived is None


def test_commits_of_the_agent_count_as_work(session: HandMade) -> None:
    write(session.mount, "a.txt", "changed\n")
    head = inside(session)
    git("checkout", "-q", "HEAD~", "--", ".", cwd=session.mount)
    session.sync()
    with pytest.raises(SafetyCheckFailed, match=rf"commit {head[:7]} inside"):
        close(session.ws, session.name)
    closed = close(session.ws, session.name, force=True)
    assert closed.archived is not None
    assert git("merge-base", "--is-ancestor", head, closed.archived, cwd=session.repo) == b""


def test_commits_that_a_promote_squashed_are_promoted(session: HandMade) -> None:
    write(session.mount, "a.txt", "changed\n")
    head = inside(session)
    write(session.mount, "b.txt", "and more\n")
    session.sync()
    promote(session.ws, session.name)
    closed = close(session.ws, session.name)
    assert closed.archived is not None
    assert git("merge-base", "--is-ancestor", head, closed.archived, cwd=session.repo) == b""


def test_commits_on_a_branch_are_safe(session: HandMade) -> None:
    git("switch", "-q", "-c", "topic", cwd=session.mount)
    write(session.mount, "a.txt", "changed\n")
    inside(session)
    git("checkout", "-q", "HEAD~", "--", ".", cwd=session.mount)
    git("reset", "-q", cwd=session.mount)
    session.sync()
    assert close(session.ws, session.name).archived is None


def test_refused_from_inside(session: HandMade) -> None:
    ws = Workspace(Repository(session.repo / ".git", session.paths.git_dir, session.mount))
    with pytest.raises(SafetyCheckFailed, match="inside session 'alpha'"):
        close(ws, session.name, force=True)


def test_failed_archive_keeps_the_session(session: HandMade) -> None:
    write(session.layer(1), "a.txt", "changed\n")
    git("config", "vibe.author", "broken", cwd=session.repo)
    with pytest.raises(UsageError, match="bad identity"):
        close(session.ws, session.name, force=True)
    assert session.record.name == "alpha"
