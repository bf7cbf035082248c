"""An archive holds everything of a session that exists nowhere else."""

from __future__ import annotations

import shutil

from git_vibe.session.archive import Archived, archive, pin_archive
from git_vibe.store.record import layer_ids
from tests.unit.session.handmade import HandMade, git, write


def archive_of(session: HandMade) -> Archived:
    return archive(session.ws, session.record, layer_ids(session.paths))


def content(session: HandMade, archived: Archived, path: str) -> bytes:
    return git("show", f"{archived.commit}:{path}", cwd=session.repo)


def parents(session: HandMade, archived: Archived) -> list[str]:
    return git("show", "-s", "--format=%P", str(archived.commit), cwd=session.repo).decode().split()


def test_nothing_to_archive(session: HandMade) -> None:
    assert archive_of(session) == Archived(None, None)


def test_files_of_every_kind(session: HandMade) -> None:
    git("config", "vibe.archiveIgnoredMax", "10", cwd=session.repo)
    write(session.layout.context, ".env", "SECRET=1\n")
    layer = session.layer(1)
    write(layer, "a.txt", "changed\n")
    write(layer, "new.txt", "untracked\n")
    write(layer, ".env", "SECRET=2\n")
    write(layer, "local/small", "small")
    write(layer, "big.o", "larger than ten")
    found = archive_of(session)
    assert found.ref is not None and found.ref.startswith("refs/vibe/archive/alpha/")
    assert git("rev-parse", found.ref, cwd=session.repo).decode() == found.commit
    assert parents(session, found) == [session.record.base]
    assert found.left_out == ("big.o",)
    assert content(session, found, ".env") == b"SECRET=2"
    assert content(session, found, "local/small") == b"small"
    assert content(session, found, "new.txt") == b"untracked"
    message = git("show", "-s", "--format=%B", found.ref, cwd=session.repo).decode()
    assert message.startswith("Archive of vibe session 'alpha'\n\nLeft out:\n  'big.o'\n")


def test_staged_only_content(session: HandMade) -> None:
    write(session.mount, "a.txt", "staged\n")
    git("add", "a.txt", cwd=session.mount)
    write(session.mount, "a.txt", "one\n")
    session.sync()
    found = archive_of(session)
    base, index = parents(session, found)
    assert base == session.record.base
    assert git("show", f"{index}:a.txt", cwd=session.repo) == b"staged"


def test_commits_that_only_the_reflog_knows(session: HandMade) -> None:
    write(session.mount, "a.txt", "dropped\n")
    git("commit", "-q", "-a", "-m", "dropped", cwd=session.mount)
    dropped = git("rev-parse", "HEAD", cwd=session.mount).decode()
    git("reset", "-q", "--hard", "HEAD~", cwd=session.mount)
    session.sync()
    assert dropped in parents(session, archive_of(session))


def test_unresolved_conflicts(session: HandMade) -> None:
    write(session.repo, "a.txt", "theirs\n")
    git("commit", "-q", "-a", "-m", "theirs", cwd=session.repo)
    write(session.mount, "a.txt", "ours\n")
    git("commit", "-q", "-a", "-m", "ours", cwd=session.mount)
    ours = git("rev-parse", "HEAD", cwd=session.mount).decode()
    git("merge", "main", cwd=session.mount, ok=(1,))
    session.sync()
    found = archive_of(session)
    assert b"<<<<<<<" in content(session, found, "a.txt")
    assert ours in parents(session, found)
    assert found.left_out == ("the index, which has unresolved conflicts",)


def test_embedded_repository_is_kept_as_files(session: HandMade) -> None:
    write(session.mount, "vendor/file", "theirs\n")
    git("init", "-q", cwd=session.mount / "vendor")
    git("add", "-A", cwd=session.mount / "vendor")
    git("commit", "-q", "-m", "theirs", cwd=session.mount / "vendor")
    session.sync()
    found = archive_of(session)
    assert content(session, found, "vendor/file") == b"theirs"
    assert found.left_out == ()
    git("checkout", "-q", str(found.commit), "--", ".", cwd=session.repo)
    (session.repo / "vendor/dot-git").rename(session.repo / "vendor/.git")
    assert git("log", "--format=%s", cwd=session.repo / "vendor") == b"theirs"
    assert git("fsck", cwd=session.repo / "vendor") == b""


def test_damaged_work_tree_directory(session: HandMade) -> None:
    write(session.layer(1), "a.txt", "changed\n")
    shutil.rmtree(session.paths.git_dir)
    assert content(session, archive_of(session), "a.txt") == b"changed"


def test_refs_of_one_second_do_not_collide(session: HandMade) -> None:
    refs = {pin_archive(session.ws, session.name, session.record.base) for _ in range(3)}
    assert len(refs) == 3
