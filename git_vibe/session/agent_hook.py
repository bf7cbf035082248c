"""What the hooks of a coding agent are told: where its session newly meets others, and that upstream moved.

Everything is told once, and all of it again when the agent begins anew. What was told lies in the session's directory
as `agent.json`. The answer has the form that Claude Code takes from hooks: a JSON object whose `additionalContext`
reaches the model at events that have one, and whose `systemMessage` reaches the user at others. Whoever does not name
its event in the payload gets plain text.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from git_vibe.daemon import client
from git_vibe.git.command import run_git
from git_vibe.session.comparison import upstream_of
from git_vibe.session.meeting import UPSTREAM
from git_vibe.session.radar import Between, new_between, recall
from git_vibe.session.upstream import lags, line, listed
from git_vibe.session.workspace import Workspace
from git_vibe.store.atomic import write_atomically
from git_vibe.store.record import SessionRecord
from git_vibe.types import SessionName

_HEARD_BY_THE_MODEL = ("PreToolUse", "PostToolUse", "UserPromptSubmit", "SessionStart")
_ANEW = "SessionStart"
_WRITING = ("Edit", "MultiEdit", "NotebookEdit", "Write")


class _Told(NamedTuple):
    """Who was said to meet the session at which path, and the upstream commit that was told of last."""

    between: Between
    tip: str | None


def parsed(given: bytes) -> dict[str, Any]:
    """What an agent handed over, or nothing where that is no JSON object."""
    with contextlib.suppress(ValueError):
        found = json.loads(given)
        if isinstance(found, dict):
            return found
    return {}


def agent_event(ws: Workspace, name: SessionName, event: str, payload: Mapping[str, Any]) -> str:
    """What to answer an agent in a session when `event` happens; '' when there is nothing new. Raises VibeError."""
    record = ws.record(name)
    told = _Told({}, None) if event == _ANEW else _read(ws, name)
    between = {**_between(ws, name), **_about_to_meet(ws, record, payload)}
    new = new_between(told.between, between)
    tip = upstream_of(ws, record)
    words = [*_meeting_words(name, new), *(_upstream_words(ws, record, tip) if tip not in (None, told.tip) else [])]
    now = _Told({**told.between, **between}, tip)
    if now != told:
        _write(ws, name, now)
    return _answer(event, payload, words) if words else ""


def _between(ws: Workspace, name: SessionName) -> Between:
    """Where the session meets other sessions, by the last look; what it shares with upstream is told with that."""
    found = {path: [each for each in names if each != UPSTREAM] for path, names in recall(ws.layout).overlaps.items()}
    return {path: names for path, names in found.items() if name in names and len(names) > 1}


def _about_to_meet(ws: Workspace, record: SessionRecord, payload: Mapping[str, Any]) -> Between:
    """The file a tool is to write, where others have written it."""
    asked = payload.get("tool_input")
    file = asked.get("file_path") or asked.get("notebook_path") if isinstance(asked, dict) else None
    if payload.get("tool_name") not in _WRITING or not isinstance(file, str):
        return {}
    path = os.path.relpath(os.path.join(record.mount, file), record.mount)
    if path.startswith(".."):
        return {}
    found = client.changers(ws.layout, record.name, [path])
    return {path: sorted([record.name, *names]) for path, names in found.items() if names}


def _meeting_words(name: SessionName, new: Between) -> list[str]:
    if not new:
        return []
    others = sorted({each for names in new.values() for each in names} - {name})
    return [
        f"git-vibe: other sessions ({', '.join(others)}) changed files that session '{name}' changes, too:"
        f" {listed(sorted(new))}. `git vibe status --conflicts {name}` shows whether that merges, and ways out."
    ]


def _upstream_words(ws: Workspace, record: SessionRecord, tip: str | None) -> list[str]:
    known = next((lag for lag in lags(ws) if lag.session == record.name), None)
    if known is not None:
        return [f"git-vibe: {line(known)}"]
    behind = int(run_git(["rev-list", "--count", f"{record.base}..{tip}"], cwd=ws.repo.common_dir))
    if not behind:
        return []
    commits = f"{behind} commit{'s' if behind != 1 else ''}"
    return [f"git-vibe: session '{record.name}' is {commits} behind upstream: `git vibe rebase {record.name}`"]


def _answer(event: str, payload: Mapping[str, Any], words: list[str]) -> str:
    text = "\n".join(words)
    if "hook_event_name" not in payload:
        return text
    if event in _HEARD_BY_THE_MODEL:
        return json.dumps({"hookSpecificOutput": {"hookEventName": event, "additionalContext": text}})
    return json.dumps({"systemMessage": text})


def _file(ws: Workspace, name: SessionName) -> Path:
    return ws.paths(name).root / "agent.json"


def _read(ws: Workspace, name: SessionName) -> _Told:
    try:
        data = json.loads(_file(ws, name).read_bytes())
        return _Told(dict(data["between"]), data["tip"])
    except (OSError, ValueError, KeyError, TypeError):
        return _Told({}, None)


def _write(ws: Workspace, name: SessionName, told: _Told) -> None:
    with contextlib.suppress(OSError):
        write_atomically(_file(ws, name), json.dumps(told._asdict()).encode(), durable=False)
