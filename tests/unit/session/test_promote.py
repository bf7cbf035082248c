"""Promoting a session."""

from __future__ import annotations

from pathlib import Path

import pytest

from git_vibe.errors import RefMoved, UsageError
from git_vibe.git.notes import read_note
from git_vibe.session import promote as module
from git_vibe.session.authoring import Wishes
from git_vibe.session.changes import is_dirty
from git_vibe.session.promote import Promoted, promote
from git_vibe.store.record import SessionRecord, write_record
from git_vibe.types import Oid
from tests.unit.session.handmade import HandMade, git, write


def promoted(session: HandMade, message: str | None = None) -> Promoted:
    done = promote(session.ws, session.name, Wishes(message=message))
    assert done is not None
    return done


def edit(session: HandMade, content: str = "changed\n") -> None:
    write(session.mount, "a.txt", content)
    session.sync()


def show(session: HandMade, form: str, revision: str = "refs/vibes/alpha") -> str:
    return git("show", "-s", f"--format={form}", revision, cwd=session.repo).decode()


def test_commit_on_the_ref(session: HandMade) -> None:
    write_record(session.paths.meta, session.record._replace(agent="claude", command=("claude", "-p")))
    edit(session)
    write(session.layer(1), "new.txt", "one\ntwo\n")
    write(session.mount, "new.txt", "one\ntwo\n")
    base = session.record.base
    done = promoted(session)
    assert done == Promoted(done.commit, base, "refs/vibes/alpha", 2, 3, 1)
    assert git("rev-parse", "refs/vibes/alpha^{tree}", cwd=session.repo).decode() == session.native_tree()
    assert show(session, "%B") == (
        f"VibeFS: Promote session 'alpha'\n\nVibe-Session: alpha\nVibe-Agent: claude\nVibe-Base: {base}\n"
    )
    assert show(session, "%an <%ae>|%cn <%ce>") == "|".join(["Vera Vibe via git-vibe (claude) <vera@example.org>"] * 2)
    assert git("reflog", "--format=%gs", "refs/vibes/alpha", cwd=session.repo) == b"promote: session 'alpha'"
    note = read_note("refs/notes/vibe", done.commit, cwd=session.repo)
    assert (note["session"], note["agent"], note["base"], note["head"]) == ("alpha", "claude", base, base)


def test_second_promote_chains(session: HandMade) -> None:
    edit(session)
    first = promoted(session)
    assert session.record.promoted == first.commit
    assert not is_dirty(session.ws, session.record)
    assert promote(session.ws, session.name) is None
    edit(session, "changed again\n")
    assert is_dirty(session.ws, session.record)
    second = promoted(session)
    assert (second.parent, show(session, "%P")) == (first.commit, first.commit)


def test_going_back_to_the_base_is_a_promote_too(session: HandMade) -> None:
    edit(session)
    first = promoted(session)
    edit(session, "one\n")
    assert promoted(session).parent == first.commit
    assert show(session, "%T") == show(session, "%T", "HEAD")


def test_nothing_to_promote(session: HandMade) -> None:
    assert promote(session.ws, session.name) is None
    assert git("for-each-ref", "refs/vibes", "refs/notes", cwd=session.repo) == b""


def test_user_repository_is_not_disturbed(session: HandMade) -> None:
    def picture() -> list[bytes]:
        files = ("HEAD", "index", "config", "logs/HEAD", "refs/heads/main")
        status = git("--no-optional-locks", "status", "--porcelain", cwd=session.repo)
        return [status, *((session.repo / ".git" / name).read_bytes() for name in files)]

    before = picture()
    edit(session)
    promoted(session)
    assert picture() == before


def test_message_and_author_can_be_chosen(session: HandMade) -> None:
    git("config", "vibe.author", "Bot <bot@example.org>", cwd=session.repo)
    edit(session)
    promoted(session, "Change a\n\nBecause.\n\nSigned-off-by: Ada <a@b>")
    assert show(session, "%s|%an|%cn|%ce") == "Change a|Bot|Bot|bot@example.org"
    trailers = show(session, "%(trailers:only,unfold)")
    assert trailers.startswith("Signed-off-by: Ada <a@b>\nVibe-Session: alpha\nVibe-Base: ")


def test_bad_author(session: HandMade) -> None:
    git("config", "vibe.author", "nobody", cwd=session.repo)
    edit(session)
    with pytest.raises(UsageError):
        promote(session.ws, session.name)


def test_secrets_are_pointed_out(session: HandMade) -> None:
    for name in ("src/.env.local", "deploy.pem", "src/environment.py"):
        write(session.layer(1), name, "x")
    assert [warning.split("'")[1] for warning in promoted(session).warnings] == ["deploy.pem", "src/.env.local"]


def test_ref_moved_by_somebody_else(session: HandMade) -> None:
    edit(session)
    promoted(session)
    git("update-ref", "refs/vibes/alpha", "HEAD", cwd=session.repo)
    edit(session, "again\n")
    with pytest.raises(RefMoved):
        promote(session.ws, session.name)
    assert git("rev-parse", "refs/vibes/alpha", cwd=session.repo) == git("rev-parse", "HEAD", cwd=session.repo)


def test_deleted_ref_comes_back(session: HandMade) -> None:
    edit(session)
    first = promoted(session)
    git("update-ref", "-d", "refs/vibes/alpha", cwd=session.repo)
    edit(session, "again\n")
    assert promoted(session).parent == first.commit


def test_promotes_of_an_earlier_session_of_that_name_are_kept(session: HandMade) -> None:
    edit(session)
    old = promoted(session).commit
    write_record(session.paths.meta, session.record._replace(promoted=None, created_ns=5))
    edit(session, "another session\n")
    assert promoted(session).parent == session.record.base
    assert git("for-each-ref", "--format=%(objectname)", "refs/vibe/archive/alpha", cwd=session.repo).decode() == old


def test_crash_before_the_record_is_made_up_for(session: HandMade, monkeypatch: pytest.MonkeyPatch) -> None:
    class Killed(BaseException):
        pass

    def killed(path: Path, record: SessionRecord) -> None:
        raise Killed

    edit(session)
    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(module, "write_record", killed)
        promote(session.ws, session.name)
    assert session.record.promoted is None
    assert promote(session.ws, session.name) is None
    first = session.record.promoted
    assert first == Oid(git("rev-parse", "refs/vibes/alpha", cwd=session.repo).decode())
    edit(session, "again\n")
    assert promoted(session).parent == first
