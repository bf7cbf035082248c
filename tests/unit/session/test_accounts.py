"""The audit log, what the notes add to it, and what can be asked."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from git_vibe.session.accounts import NOTES, Accounts, Entry, Query, accounts
from git_vibe.session.audit import audit, hand_over, kept_log
from git_vibe.session.promote import promote
from git_vibe.session.provenance import told_model
from git_vibe.store.layout import NOTES_REF
from git_vibe.store.record import write_record
from tests.unit.session.handmade import HandMade, git, write


def asked(made: HandMade, **query: str) -> list[Entry]:
    return accounts(made.ws, Query(**query)).entries


def kinds(made: HandMade, **query: str) -> list[str]:
    return [entry.type for entry in asked(made, **query)]


@pytest.fixture
def promoted(session: HandMade) -> HandMade:
    write_record(session.paths.meta, session.record._replace(agent="claude", model="opus", command=("claude", "-p")))
    write(session.mount, "a.txt", "changed\n")
    session.sync()
    assert promote(session.ws, session.name) is not None
    return session


def test_an_entry_says_who_did_what(session: HandMade, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_VIBE_SESSION", "beta")
    monkeypatch.setenv("LOGNAME", "vera")
    audit(session.ws, "close", session="alpha", force=True, path=b"odd\xff", commit=None)
    (raw,) = [json.loads(line) for line in session.layout.audit.read_text().splitlines()]
    assert raw.pop("time").endswith("Z")
    assert raw == {
        "type": "close", "session": "alpha", "actor": "Vera Vibe <vera@example.org>", "user": "vera", "inside": "beta",
        "details": {"force": True, "path": r"b'odd\xff'", "commit": None},
    }  # fmt: skip
    (entry,) = asked(session)
    assert (entry.session, entry.inside, entry.user, entry.details["force"]) == ("alpha", "beta", "vera", True)


def test_a_log_that_cannot_be_written_stops_nobody(promoted: HandMade) -> None:
    promoted.layout.audit.unlink()
    promoted.layout.audit.mkdir()
    audit(promoted.ws, "spawn", session="alpha")
    assert [entry.source for entry in asked(promoted)] == [NOTES] * 2


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({}, ["spawn", "launch", "close", "close", "purge"]),
        ({"type": "close"}, ["close", "close"]),
        ({"type": "force"}, ["close"]),
        ({"type": "discard"}, ["close"]),
        ({"session": "alpha"}, ["spawn", "launch", "close", "purge"]),
        ({"actor": "VERA@"}, ["spawn", "launch", "close", "close", "purge"]),
        ({"actor": "claude"}, ["launch"]),
        ({"actor": "nobody"}, []),
        ({"since": "yesterday"}, ["spawn", "launch", "close", "close", "purge"]),
        ({"until": "yesterday"}, []),
        ({"since": "2 days ago", "until": "1 hour ago"}, []),
    ],
)
def test_questions(session: HandMade, query: dict[str, str], found: list[str]) -> None:
    audit(session.ws, "spawn", session="alpha")
    audit(session.ws, "launch", session="alpha", agent="claude")
    audit(session.ws, "close", session="alpha", force=True, discard=False)
    audit(session.ws, "close", session="beta", force=False, discard=True)
    audit(session.ws, "purge", sessions=["alpha"])
    assert kinds(session, **query) == found


def test_promotes_are_told_once(promoted: HandMade) -> None:
    assert [(entry.type, entry.source) for entry in asked(promoted)] == [("spawn", "notes"), ("promote", "log")]


def test_notes_alone(promoted: HandMade) -> None:
    logged = asked(promoted, type="promote")[0]
    promoted.layout.audit.unlink()
    found = accounts(promoted.ws, Query())
    spawned, noted = found.entries
    assert (found.log, found.damaged) == (False, 0)
    assert spawned == Entry(
        "2023-11-14T22:13:20.000000Z",
        "spawn",
        "alpha",
        logged.actor,
        {"agent": "claude", "model": "opus"},
        source=NOTES,
    )
    assert noted._replace(time="", user=logged.user, source="log") == logged._replace(time="")


def test_damaged_lines_are_counted(promoted: HandMade) -> None:
    with open(promoted.layout.audit, "a") as file:
        file.write('{"time": "2026"}\n{torn\n')
    assert accounts(promoted.ws, Query(type="promote"))[1:] == (True, 2)


def test_a_note_of_somebody_elses_is_no_entry(promoted: HandMade) -> None:
    for text in ("words", '{"parent": 1}', '{"parent": "x", "promoted_ns": "soon", "session": 3}'):
        git("notes", "--ref=vibe", "add", "-f", "-m", text, "HEAD", cwd=promoted.repo)
        assert kinds(promoted) == ["spawn", "promote"]


def test_the_log_outlives_the_state(promoted: HandMade) -> None:
    before = accounts(promoted.ws, Query())
    assert hand_over(promoted.ws) == hand_over(promoted.ws) == []
    promoted.layout.audit.unlink()
    assert accounts(promoted.ws, Query()) == Accounts(before.entries, log=False, damaged=0)
    assert kept_log().stat().st_mode & 0o777 == 0o600


def test_what_is_kept_of_other_repositories_is_theirs(promoted: HandMade) -> None:
    hand_over(promoted.ws)
    promoted.layout.audit.unlink()
    git("update-ref", "-d", NOTES_REF, cwd=promoted.repo)
    assert kinds(promoted) == ["promote"]
    kept_log().write_text(kept_log().read_text().replace(str(promoted.layout.common_dir), "/other/.git"))
    assert kinds(promoted) == []


def test_a_log_that_cannot_be_kept_stays_in_the_repository(promoted: HandMade, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", "/dev/null")
    text = promoted.layout.audit.read_text()
    (path,) = hand_over(promoted.ws)
    assert Path(path).read_text() == text
    assert path == str(promoted.layout.common_dir / "vibe-rescued" / "audit.log")


@pytest.mark.parametrize(
    ("command", "environ", "model"),
    [
        (("claude",), {}, None),
        (("claude", "--model", "opus", "--model", "x"), {"GIT_VIBE_MODEL": "other"}, "opus"),
        (("aider", "--model=o3"), {}, "o3"),
        (("claude", "--model"), {"GIT_VIBE_MODEL": "told"}, "told"),
        ((), {"GIT_VIBE_MODEL": ""}, None),
    ],
)
def test_the_model_as_far_as_it_is_told(command: tuple[str, ...], environ: dict[str, str], model: str | None) -> None:
    assert told_model(command, environ) == model


def test_the_note_says_where_the_commit_comes_from(promoted: HandMade) -> None:
    commit = git("rev-parse", "refs/vibes/alpha", cwd=promoted.repo).decode()
    note = json.loads(git("notes", "--ref=vibe", "show", commit, cwd=promoted.repo))
    expected = {
        "session": "alpha", "agent": "claude", "command": ["claude", "-p"], "model": "opus", "ai_generated": True,
        "actor": "Vera Vibe <vera@example.org>", "spawned": "2023-11-14T22:13:20Z", "commit": commit, "files": 1,
        "base": promoted.record.base,
    }  # fmt: skip
    assert {key: note[key] for key in expected} == expected
    assert note["duration_seconds"] == (note["promoted_ns"] - note["created_ns"]) // 10**9 > 0
