"""Merging a session into the user's branch."""

from __future__ import annotations

import pytest

from git_vibe.errors import DirtyWorktree, MergeConflict, SafetyCheckFailed
from git_vibe.git.repository import Repository
from git_vibe.session import commit as module
from git_vibe.session.close import Closed, close
from git_vibe.session.commit import Committed, commit
from git_vibe.session.merge_here import NO_FF, Manner
from git_vibe.session.workspace import Workspace
from git_vibe.store.record import session_names
from git_vibe.types import SessionName
from tests.unit.session.handmade import HandMade, git, write


def edit(session: HandMade, path: str = "a.txt", content: str = "changed\n") -> None:
    write(session.mount, path, content)
    session.sync()


def user_commits(session: HandMade, path: str, content: str) -> None:
    write(session.repo, path, content)
    git("add", "-A", cwd=session.repo)
    git("commit", "-q", "-m", "user", cwd=session.repo)


def log(session: HandMade, form: str) -> str:
    return git("log", "-1", f"--format={form}", cwd=session.repo).decode()


def test_fast_forward_and_close(session: HandMade) -> None:
    edit(session)
    done = commit(session.ws, session.name)
    assert (done.merged, done.closed, done.head, done.warnings) == (True, True, done.commit, ())
    assert "ignored" not in done.output
    assert (session.repo / "a.txt").read_text() == "changed\n"
    assert git("status", "--porcelain", cwd=session.repo) == b""
    assert git("symbolic-ref", "HEAD", cwd=session.repo) == b"refs/heads/main"
    assert session_names(session.layout) == []


def test_merge_commit_when_the_branch_went_on(session: HandMade) -> None:
    edit(session)
    user_commits(session, "other.txt", "x\n")
    commit(session.ws, session.name)
    assert log(session, "%s") == "Merge vibe session 'alpha'"
    assert len(log(session, "%P").split()) == 2


def test_no_fast_forward_message_and_keep(session: HandMade) -> None:
    edit(session)
    done = commit(session.ws, session.name, Manner(keep=True, message="Bring it in", style=NO_FF))
    assert (done.closed, log(session, "%s")) == (False, "Bring it in")
    edit(session, content="more\n")
    assert commit(session.ws, session.name).closed
    assert (session.repo / "a.txt").read_text() == "more\n"


def test_configured_merge_commit_has_our_subject(session: HandMade) -> None:
    git("config", "merge.ff", "false", cwd=session.repo)
    edit(session)
    commit(session.ws, session.name)
    assert log(session, "%s") == "Merge vibe session 'alpha'"


def test_local_edits_are_not_overwritten(session: HandMade) -> None:
    edit(session)
    write(session.repo, "a.txt", "mine\n")
    with pytest.raises(DirtyWorktree, match=r"a\.txt"):
        commit(session.ws, session.name)
    assert (session.repo / "a.txt").read_text() == "mine\n"
    assert session_names(session.layout) == ["alpha"]
    git("checkout", "-q", "a.txt", cwd=session.repo)
    assert commit(session.ws, session.name).closed


def test_untracked_file_in_the_way(session: HandMade) -> None:
    edit(session, "new.txt")
    write(session.repo, "new.txt", "mine\n")
    with pytest.raises(DirtyWorktree, match=r"new\.txt"):
        commit(session.ws, session.name)


def test_conflict_is_left_to_the_user(session: HandMade) -> None:
    edit(session)
    user_commits(session, "a.txt", "mine\n")
    with pytest.raises(MergeConflict, match=r"\n  a\.txt\n") as caught:
        commit(session.ws, session.name)
    assert "git merge --continue" in caught.value.suggestion
    assert b"<<<<<<<" in (session.repo / "a.txt").read_bytes()
    with pytest.raises(MergeConflict, match="in progress"):
        commit(session.ws, session.name)
    write(session.repo, "a.txt", "both\n")
    git("commit", "-q", "-a", "--no-edit", cwd=session.repo)
    done = commit(session.ws, session.name)
    assert (done.merged, done.closed) == (False, True)


def test_nothing_to_commit(session: HandMade) -> None:
    head = session.record.base
    assert commit(session.ws, session.name) == Committed(None, head, merged=False, closed=False)


def test_dirty_session_when_promoting_is_not_wanted(session: HandMade) -> None:
    edit(session)
    with pytest.raises(SafetyCheckFailed):
        commit(session.ws, session.name, Manner(promote_first=False))


def test_detached_head(session: HandMade) -> None:
    edit(session)
    git("checkout", "-q", "--detach", cwd=session.repo)
    assert commit(session.ws, session.name).warnings == ("HEAD is detached: the merge is on no branch",)
    assert git("rev-parse", "main", cwd=session.repo).decode() != git("rev-parse", "HEAD", cwd=session.repo).decode()


def test_refused_from_inside(session: HandMade) -> None:
    ws = Workspace(Repository(session.repo / ".git", session.paths.git_dir, session.mount))
    with pytest.raises(SafetyCheckFailed, match="inside"):
        commit(ws, session.name)


def test_what_is_written_meanwhile_keeps_the_session(session: HandMade, monkeypatch: pytest.MonkeyPatch) -> None:
    def close_after_a_write(ws: Workspace, name: SessionName) -> Closed:
        edit(session, "late.txt")
        return close(ws, name)

    edit(session)
    monkeypatch.setattr(module, "close", close_after_a_write)
    done = commit(session.ws, session.name)
    assert (done.merged, done.closed) == (True, False)
    assert "A late.txt" in done.warnings[0]
