"""Where sessions and upstream changed the same files, and whether git can merge that."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from git_vibe.session.overlaps import Overlap, Side, UpstreamOverlap, session_overlaps, upstream_overlap
from git_vibe.session.promote import promote
from git_vibe.store.record import write_record
from git_vibe.types import Oid
from tests.unit.session.handmade import HandMade, git, write

TEN = "".join(f"{number}\n" for number in range(1, 11))
Content = str | bytes | None
Files = Mapping[str, Content]


@pytest.fixture
def repo(repo: Path) -> Path:
    """The repository, with a file of ten lines."""
    return with_files(repo, {"ten": TEN, "binary": b"\0\1", "union": "1\n", ".gitattributes": "union merge=union\n"})


def with_files(repo: Path, files: Files) -> Path:
    put(repo, files)
    git("add", "-A", cwd=repo)
    git("commit", "-q", "-m", "more", cwd=repo)
    return repo


def put(root: Path, files: Files) -> None:
    """Write files; None deletes, text that begins with '-> ' is a link or, after a slash, a rename."""
    for name, content in files.items():
        target = root / name
        if isinstance(content, str) and content.startswith("-> "):
            target.unlink(missing_ok=True)
            target.symlink_to(content[3:])
        elif content is not None:
            if target.parent.is_file():
                target.parent.unlink()
            write(root, name, content)
        elif target.is_dir():
            shutil.rmtree(target)
        else:
            target.unlink()


def ten(**lines: str) -> str:
    """The file of ten lines with some of them replaced: `ten(l3="x")`."""
    return "".join(f"{lines.get(f'l{number}', number)}\n" for number in range(1, 11))


def edit(session: HandMade, files: Files) -> HandMade:
    put(session.mount, files)
    session.sync()
    return session


def tip(session: HandMade) -> Oid:
    return Oid(git("rev-parse", "HEAD", cwd=session.repo).decode())


def verdicts(found: list[Overlap]) -> dict[str, bool]:
    return {os.fsdecode(each.path): each.clean for each in found}


CASES: dict[str, tuple[Files, Files, dict[str, bool]]] = {
    "other files": ({"a.txt": "A\n"}, {"ten": "B\n"}, {}),
    "far lines": ({"ten": ten(l1="A")}, {"ten": ten(l9="B")}, {"ten": True}),
    "same line": ({"ten": ten(l3="A")}, {"ten": ten(l3="B")}, {"ten": False}),
    "neighbours": ({"ten": ten(l3="A")}, {"ten": ten(l4="B")}, {"ten": False}),
    "edit and delete": ({"a.txt": "A\n"}, {"a.txt": None}, {"a.txt": False}),
    "both add": ({"new": "A\n"}, {"new": "B\n"}, {"new": False}),
    "file and directory": ({"new": "A\n"}, {"new/x": "B\n"}, {"new": False}),
    "directory and file": ({"docs": None, "docs/sub/x": "A\n"}, {"docs/sub": "B\n"}, {"docs/sub": False}),
    "edit and rename": ({"ten": ten(l3="A")}, {"ten": None, "moved": TEN}, {"ten": True}),
    "rename twice": ({"ten": None, "here": TEN}, {"ten": None, "there": TEN}, {"ten": False}),
    "conflict in a renamed file": (
        {"ten": ten(l3="A")},
        {"ten": None, "moved": ten(l3="B")},
        {"ten": False},
    ),
    "binary": ({"binary": b"\0A"}, {"binary": b"\0B"}, {"binary": False}),
    "links": ({"link": "-> A"}, {"link": "-> B"}, {"link": False}),
    "merge driver": ({"union": "1\nA\n"}, {"union": "1\nB\n"}, {"union": True}),
}


@pytest.mark.parametrize("case", CASES)
def test_with_upstream(session: HandMade, case: str) -> None:
    ours, theirs, expected = CASES[case]
    edit(session, ours)
    with_files(session.repo, theirs)
    found = upstream_overlap(session.ws, session.record, tip(session))
    assert found.behind == 1
    assert verdicts(found.overlaps) == expected


@pytest.mark.parametrize("case", CASES)
def test_between_sessions(session: HandMade, case: str) -> None:
    ours, theirs, expected = CASES[case]
    edit(session, ours)
    edit(HandMade(session.repo.parent, "beta"), theirs)
    assert verdicts(session_overlaps(session.ws)) == expected


def blob(session: HandMade, content: str) -> Oid:
    path = session.repo.parent / "content"
    path.write_text(content)
    return Oid(git("hash-object", str(path), cwd=session.repo).decode())


def test_sides_are_named_and_upstream_is_the_last(session: HandMade) -> None:
    edit(session, {"a.txt": "alpha\n"})
    edit(HandMade(session.repo.parent, "beta"), {"a.txt": None})
    with_files(session.repo, {"a.txt": "up\n"})
    sides = (
        Side("alpha", blob(session, "alpha\n"), 0o100644),
        Side("beta", None, 0),
        Side("upstream", blob(session, "up\n"), 0o100644),
    )
    assert session_overlaps(session.ws) == [Overlap(b"a.txt", sides, clean=False)]


def test_conflict_with_upstream_is_none_between_sessions(session: HandMade) -> None:
    edit(session, {"ten": ten(l1="A")})
    edit(HandMade(session.repo.parent, "beta"), {"ten": ten(l9="B")})
    with_files(session.repo, {"ten": ten(l1="up")})
    assert verdicts(session_overlaps(session.ws)) == {"ten": False}
    assert verdicts(session_overlaps(session.ws, upstream=False)) == {"ten": True}


def test_names_pick_what_they_are_a_side_of(session: HandMade) -> None:
    edit(session, {"a.txt": "alpha\n"})
    for name, path in (("beta", "a.txt"), ("gamma", "ten"), ("delta", "ten")):
        edit(HandMade(session.repo.parent, name), {path: name})
    assert verdicts(session_overlaps(session.ws, names=[session.name])) == {"a.txt": False}


@pytest.mark.parametrize(
    ("ours", "theirs", "ranges"),
    [
        (ten(l3="A"), ten(l3="B"), ((3, 3),)),
        (ten(l2="A", l3="A", l4="A"), ten(l3="B", l8="B"), ((3, 3),)),
        (ten(l3="A"), ten(l4="B"), ((3, 4),)),
        (ten(l1="A"), ten(l9="B"), ()),
        (ten(l5="5\nA"), ten(l5="5\nB"), ((5, 6),)),
        (ten(l5="A"), None, ((5, 5),)),
        (TEN + "A\n", TEN + "B\n", ((10, 11),)),
    ],
)
def test_lines_that_both_changed(
    session: HandMade, ours: str, theirs: str | None, ranges: tuple[tuple[int, int], ...]
) -> None:
    edit(session, {"ten": ours})
    edit(HandMade(session.repo.parent, "beta"), {"ten": theirs})
    with_files(session.repo, {"ten": theirs})
    assert [each.ranges for each in session_overlaps(session.ws, lines=True)] == [ranges]
    found = upstream_overlap(session.ws, session.record, tip(session), lines=True)
    assert [each.ranges for each in found.overlaps] == [ranges]


def test_nothing_is_behind_at_the_base(session: HandMade) -> None:
    edit(session, {"a.txt": "A\n"})
    assert upstream_overlap(session.ws, session.record, tip(session)) == UpstreamOverlap(0, [])


def test_clean_session_is_only_behind(session: HandMade) -> None:
    with_files(session.repo, {"a.txt": "up\n"})
    assert upstream_overlap(session.ws, session.record, tip(session)) == UpstreamOverlap(1, [])


def test_same_content_upstream_is_no_overlap(session: HandMade) -> None:
    edit(session, {"a.txt": "same\n", "docs/a.md": None})
    with_files(session.repo, {"a.txt": "same\n", "docs/a.md": None})
    assert upstream_overlap(session.ws, session.record, tip(session)).overlaps == []


def test_same_content_in_two_sessions_merges(session: HandMade) -> None:
    edit(session, {"a.txt": "same\n"})
    edit(HandMade(session.repo.parent, "beta"), {"a.txt": "same\n"})
    assert verdicts(session_overlaps(session.ws)) == {"a.txt": True}


def test_ignored_files_do_not_meet(session: HandMade) -> None:
    edit(session, {"x.o": "A"})
    edit(HandMade(session.repo.parent, "beta"), {"x.o": "B"})
    assert session_overlaps(session.ws) == []


@pytest.mark.parametrize("how", ["--no-ff", "--squash"])
def test_what_has_landed_is_no_overlap_even_when_edited_again(session: HandMade, how: str) -> None:
    edit(session, {"ten": ten(l3="A")})
    promote(session.ws, session.name)
    git("merge", "-q", how, "refs/vibes/alpha", cwd=session.repo)
    with_files(session.repo, {"other": "x"})
    edit(session, {"ten": ten(l3="again")})
    assert upstream_overlap(session.ws, session.record, tip(session)).overlaps == []


def test_promoted_and_not_landed_counts(session: HandMade) -> None:
    edit(session, {"ten": ten(l3="A")})
    promote(session.ws, session.name)
    with_files(session.repo, {"ten": ten(l3="up")})
    assert verdicts(upstream_overlap(session.ws, session.record, tip(session)).overlaps) == {"ten": False}


def test_target_is_the_branch_of_the_record_or_what_is_checked_out(session: HandMade) -> None:
    edit(session, {"a.txt": "A\n"})
    git("branch", "release", cwd=session.repo)
    with_files(session.repo, {"a.txt": "up\n"})
    assert verdicts(session_overlaps(session.ws)) == {"a.txt": False}
    write_record(session.paths.meta, session.record._replace(target="refs/heads/release"))
    assert session_overlaps(session.ws) == []
    write_record(session.paths.meta, session.record._replace(target="refs/heads/gone"))
    assert verdicts(session_overlaps(session.ws)) == {"a.txt": False}


def test_force_pushed_upstream_without_a_common_commit(session: HandMade) -> None:
    edit(session, {"a.txt": "A\n", "docs/a.md": "A\n"})
    git("checkout", "-q", "--orphan", "other", cwd=session.repo)
    with_files(session.repo, {"a.txt": "up\n"})
    assert verdicts(upstream_overlap(session.ws, session.record, tip(session)).overlaps) == {"a.txt": False}


# What it costs


@pytest.fixture
def settled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything was written long ago."""
    now = time.time_ns
    monkeypatch.setattr(time, "time_ns", lambda: now() + 10_000_000_000)


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[str]]:
    """The git commands since the last call."""
    seen: list[str] = []
    original = subprocess.Popen

    def popen(args: list[str], *rest: Any, **options: Any) -> Any:
        seen.append(str(next(arg for arg in args[1:] if not str(arg).startswith("-"))))
        return original(args, *rest, **options)

    monkeypatch.setattr(subprocess, "Popen", popen)

    def take() -> list[str]:
        taken = [*seen]
        seen.clear()
        return taken

    return take


@pytest.mark.usefixtures("settled")
def test_second_look_asks_only_where_branches_are(session: HandMade, runs: Callable[[], list[str]]) -> None:
    edit(session, {"a.txt": "A\n"})
    edit(HandMade(session.repo.parent, "beta"), {"a.txt": "B\n"})
    with_files(session.repo, {"a.txt": "up\n"})
    first = session_overlaps(session.ws)
    assert "merge-tree" in runs()
    assert session_overlaps(session.ws) == first
    assert runs() == ["rev-parse"]


@pytest.mark.usefixtures("settled")
@pytest.mark.parametrize("who", ["session", "upstream", "rules"])
def test_change_is_seen(session: HandMade, who: str) -> None:
    edit(session, {"ten": ten(l3="A")})
    with_files(session.repo, {"ten": ten(l3="B")})
    assert verdicts(upstream_overlap(session.ws, session.record, tip(session)).overlaps) == {"ten": False}
    if who == "session":
        edit(session, {"ten": ten(l8="A")})
    elif who == "upstream":
        with_files(session.repo, {"ten": ten(l8="B")})
    else:
        write(session.repo, ".git/info/attributes", "ten merge=union\n")
    assert verdicts(upstream_overlap(session.ws, session.record, tip(session)).overlaps) == {"ten": True}


@pytest.mark.usefixtures("settled")
@pytest.mark.parametrize("name", ["picture.json", "verdicts.json"])
@pytest.mark.parametrize("content", ["[", "[]", "{}", '{"digest": 1}'])
def test_damaged_memory_is_no_memory(session: HandMade, name: str, content: str) -> None:
    edit(session, {"a.txt": "A\n"})
    with_files(session.repo, {"a.txt": "up\n"})
    first = session_overlaps(session.ws)
    (session.paths.root / name).write_text(content)
    assert session_overlaps(session.ws) == first


def test_user_repository_gets_no_objects(session: HandMade) -> None:
    edit(session, {"a.txt": "A\n"})
    edit(HandMade(session.repo.parent, "beta"), {"a.txt": "B\n"})
    before = git("count-objects", "-v", cwd=session.repo)
    session_overlaps(session.ws, lines=True)
    assert git("count-objects", "-v", cwd=session.repo) == before
    assert list(session.layout.cache.iterdir()) == []
