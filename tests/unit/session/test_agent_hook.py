"""What agents are told, as far as no daemon has a part in it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from git_vibe.daemon import client
from git_vibe.session.agent_hook import agent_event, parsed
from git_vibe.session.radar import Seen
from tests.unit.session.handmade import HandMade, git, write


def told(session: HandMade, event: str, **payload: Any) -> dict[str, Any]:
    text = agent_event(session.ws, session.name, event, {"hook_event_name": event, **payload})
    return json.loads(text) if text else {}


def meet(session: HandMade, overlaps: dict[str, list[str]]) -> None:
    session.layout.radar.write_text(json.dumps(Seen({}, {}, overlaps, {})._asdict()))


def context(answer: dict[str, Any]) -> str:
    return str(answer["hookSpecificOutput"]["additionalContext"])


def test_nothing_to_tell(session: HandMade) -> None:
    meet(session, {"a": ["beta", "gamma"], "b": ["alpha", "upstream"]})
    assert told(session, "PostToolUse") == {}


def test_only_what_is_new(session: HandMade) -> None:
    meet(session, {"a": ["alpha", "beta"]})
    assert "(beta)" in context(told(session, "PostToolUse"))
    meet(session, {"a": ["alpha", "beta"], "b": ["alpha", "beta"]})
    words = context(told(session, "PreToolUse"))
    assert ": b." in words
    meet(session, {"a": ["alpha", "beta", "gamma"], "b": ["alpha", "beta"]})
    assert "gamma" in context(told(session, "UserPromptSubmit"))
    assert told(session, "UserPromptSubmit") == {}


@pytest.mark.parametrize("event", ["PreToolUse", "PostToolUse", "UserPromptSubmit", "SessionStart"])
def test_model_hears_where_it_can(session: HandMade, event: str) -> None:
    meet(session, {"a": ["alpha", "beta"]})
    answer = told(session, event)
    assert list(answer) == ["hookSpecificOutput"]
    assert answer["hookSpecificOutput"]["hookEventName"] == event


@pytest.mark.parametrize("event", ["Stop", "SubagentStop", "Notification", "PreCompact"])
def test_user_hears_elsewhere(session: HandMade, event: str) -> None:
    meet(session, {"a": ["alpha", "beta"]})
    assert list(told(session, event)) == ["systemMessage"]


def test_each_upstream_commit_is_told_once(session: HandMade) -> None:
    for count in ("1 commit ", "2 commits "):
        write(session.repo, "a.txt", count)
        git("commit", "-qam", "up", cwd=session.repo)
        assert f"session 'alpha' is {count}behind" in context(told(session, "PostToolUse"))
        assert told(session, "PostToolUse") == {}


@pytest.mark.parametrize(
    ("tool", "given", "asked"),
    [
        ("Edit", {"file_path": "src/main.py"}, ["src/main.py"]),
        ("Write", {"file_path": "{mount}/a b"}, ["a b"]),
        ("NotebookEdit", {"notebook_path": "{mount}/n.ipynb"}, ["n.ipynb"]),
        ("Write", {"file_path": "/etc/passwd"}, None),
        ("Read", {"file_path": "{mount}/a"}, None),
        ("Write", {}, None),
        ("Bash", {"command": "x"}, None),
    ],
)
def test_file_about_to_be_written(
    session: HandMade, monkeypatch: pytest.MonkeyPatch, tool: str, given: dict[str, str], asked: list[str] | None
) -> None:
    seen: list[list[str]] = []

    def changers(layout: object, name: str, paths: list[str]) -> dict[str, list[str]]:
        seen.append(paths)
        return {path: ["beta"] for path in paths}

    monkeypatch.setattr(client, "changers", changers)
    given = {key: value.format(mount=session.mount) for key, value in given.items()}
    answer = told(session, "PreToolUse", tool_name=tool, tool_input=given)
    assert seen == ([] if asked is None else [asked])
    assert bool(answer) == (asked is not None)


@pytest.mark.parametrize("given", [b"", b"{", b"[]", b"7", b"\xff"])
def test_what_is_no_object_says_nothing(given: bytes) -> None:
    assert parsed(given) == {}


@pytest.mark.parametrize("content", ["[", "[]", "{}", '{"between": 1, "tip": null}'])
def test_damaged_memory_is_no_memory(session: HandMade, content: str) -> None:
    meet(session, {"a": ["alpha", "beta"]})
    (session.paths.root / "agent.json").write_text(content)
    assert told(session, "PostToolUse") != {}
