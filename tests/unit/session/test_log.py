"""`git log` over the promotes of a session."""

from __future__ import annotations

import shutil
from collections.abc import Sequence

import pytest

from git_vibe.errors import GitError, SessionNotFound
from git_vibe.session.log import find_history, log, promotes
from git_vibe.session.promote import promote
from git_vibe.types import Oid, SessionName
from tests.unit.session.handmade import HandMade, git, write


def promoted(session: HandMade, path: str, content: str) -> Oid:
    write(session.mount, path, content)
    session.sync()
    done = promote(session.ws, session.name)
    assert done is not None
    return done.commit


def shown(session: HandMade, capfd: pytest.CaptureFixture[str], *args: str, paths: Sequence[str] = ()) -> str:
    history = find_history(session.ws, session.name)
    assert log(session.ws, history, args, paths, color=None, pager=False) == 0
    return capfd.readouterr().out


@pytest.fixture
def two(session: HandMade) -> HandMade:
    git("commit", "-q", "--allow-empty", "-m", "upstream went on", cwd=session.repo)
    promoted(session, "a.txt", "first\n")
    promoted(session, "docs/new.md", "second\n")
    return session


SUBJECT = "VibeFS: Promote session 'alpha'"


def test_time_commit_and_files(two: HandMade, capfd: pytest.CaptureFixture[str]) -> None:
    commits = (
        git("log", "-2", "--format=%h %ad %an", "--date=iso", "refs/vibes/alpha", cwd=two.repo).decode().split("\n")
    )
    assert shown(two, capfd) == (
        f"{commits[0]}\n    {SUBJECT}\n docs/new.md | 1 +\n 1 file changed, 1 insertion(+)\n\n"
        f"{commits[1]}\n    {SUBJECT}\n a.txt | 2 +-\n 1 file changed, 1 insertion(+), 1 deletion(-)\n"
    )


@pytest.mark.parametrize(
    ("args", "paths", "text"),
    [
        (["--oneline", "--no-abbrev-commit", "--format=%s"], [], f"{SUBJECT}\n" * 2),
        (["-1", "--format=", "--name-status"], [], "A\tdocs/new.md\n"),
        (["-n", "1", "--format=", "--name-only", "--reverse"], [], "docs/new.md\n"),
        (["--format=", "--name-only"], ["docs"], "docs/new.md\n"),
        (["--format=%(trailers:key=Vibe-Session,valueonly)", "-1"], [], "alpha\n\n"),
        (["--since=tomorrow"], [], ""),
        (["--author", "nobody"], [], ""),
        (["--grep=Promote", "--pretty=tformat:%s", "--max-count=1"], [], f"{SUBJECT}\n"),
        (["--until", "2020-01-01"], [], ""),
    ],
)
def test_options_are_gits(
    two: HandMade, capfd: pytest.CaptureFixture[str], args: list[str], paths: list[str], text: str
) -> None:
    assert shown(two, capfd, *args, paths=paths) == text


@pytest.mark.parametrize(
    ("option", "there"), [("-p", "+first"), ("--numstat", "1\t1\ta.txt"), ("--name-only", "a.txt")]
)
def test_another_kind_of_diff_keeps_the_header(
    two: HandMade, capfd: pytest.CaptureFixture[str], option: str, there: str
) -> None:
    text = shown(two, capfd, option)
    assert there in text.splitlines() and f"    {SUBJECT}" in text and "| " not in text


def test_nothing_but_headers_still_ends_its_last_line(two: HandMade, capfd: pytest.CaptureFixture[str]) -> None:
    assert shown(two, capfd, "-s", "-1").endswith(f"    {SUBJECT}\n")


def test_a_mistake_is_gits_to_tell(two: HandMade, capfd: pytest.CaptureFixture[str]) -> None:
    assert log(two.ws, find_history(two.ws, two.name), ["--nonsense"], [], color=None, pager=False) == 128
    assert "--nonsense" in capfd.readouterr().err


@pytest.mark.parametrize("lost", ["note", "trailer", "neither"])
def test_a_closed_session_begins_where_it_was_spawned(two: HandMade, lost: str) -> None:
    base = two.record.base
    shutil.rmtree(two.paths.root)
    if lost == "note":
        git("update-ref", "-d", "refs/notes/vibe", cwd=two.repo)
    if lost == "trailer":
        tree = git("rev-parse", "refs/vibes/alpha^{tree}", cwd=two.repo)
        bare = git("commit-tree", tree, "-p", "refs/vibes/alpha~", "-m", "bare", cwd=two.repo).decode()
        git("notes", "--ref=vibe", "copy", "refs/vibes/alpha", bare, cwd=two.repo)
        git("update-ref", "refs/vibes/alpha", bare, cwd=two.repo)
    history = find_history(two.ws, two.name)
    assert (history.base, history.of_another) == (base, False)
    assert len(promotes(two.ws, history, [], [])) == 2


def test_a_ref_that_nobody_knows_about_is_shown_whole(two: HandMade) -> None:
    git("update-ref", "refs/vibes/foreign", "HEAD", cwd=two.repo)
    history = find_history(two.ws, SessionName("foreign"))
    assert history.base is None
    assert [each["subject"] for each in promotes(two.ws, history, [], [])] == ["upstream went on", "base"]


def test_promotes_of_an_earlier_session_are_known_as_such(two: HandMade) -> None:
    from git_vibe.store.record import write_record

    write_record(two.paths.meta, two.record._replace(promoted=None, created_ns=5))
    assert find_history(two.ws, two.name).of_another


def test_no_promotes_and_no_session(session: HandMade) -> None:
    assert find_history(session.ws, session.name).tip is None
    with pytest.raises(SessionNotFound, match="refs/vibes/beta does not exist"):
        find_history(session.ws, SessionName("beta"))


@pytest.mark.parametrize(
    ("args", "paths", "found"),
    [
        ([], [], [["docs/new.md"], ["a.txt"]]),
        (["-1"], [], [["docs/new.md"]]),
        (["--oneline", "--stat", "-p", "--graph", "--reverse"], [], None),
        (["--oneline", "--stat", "--reverse"], [], [["a.txt"], ["docs/new.md"]]),
        (["--graph", "--color=always"], ["a.txt"], [["a.txt"]]),
        (["--until=2020-01-01"], [], []),
    ],
)
def test_as_data(two: HandMade, args: list[str], paths: list[str], found: list[list[str]] | None) -> None:
    history = find_history(two.ws, two.name)
    if found is None:
        with pytest.raises(GitError, match="cannot be used together"):
            promotes(two.ws, history, args, paths)
        return
    data = promotes(two.ws, history, args, paths)
    assert [[file["path"] for file in each["files"]] for each in data] == found
    assert all(each["note"]["session"] == "alpha" and each["note"]["commit"] == each["commit"] for each in data)


def test_odd_paths_as_data(session: HandMade) -> None:
    promoted(session, "odd \n\t\u00e9.txt", "x")
    (only,) = promotes(session.ws, find_history(session.ws, session.name), [], [])
    assert only["files"] == [{"status": "A", "path": "odd \n\t\u00e9.txt"}]
    assert (only["parent"], only["subject"]) == (session.record.base, SUBJECT)
