"""Where a commit comes from: what its note says of the session that it was promoted from."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

from git_vibe.session.audit import actor
from git_vibe.session.workspace import Workspace
from git_vibe.store.record import SessionRecord


def provenance(ws: Workspace, record: SessionRecord) -> dict[str, Any]:
    """What is known of a session whose work is promoted now: who worked in it, with what, since when."""
    now = time.time_ns()
    return {
        "session": record.name,
        "agent": record.agent,
        "command": list(record.command),
        "model": record.model,
        "ai_generated": True,
        "actor": actor(ws),
        "base": record.base,
        "spawned": seconds_utc(record.created_ns),
        "promoted": seconds_utc(now),
        "duration_seconds": max(0, now - record.created_ns) // 10**9,
        "created_ns": record.created_ns,
        "promoted_ns": now,
    }


def seconds_utc(nanoseconds: int) -> str:
    """A time since the epoch as ISO 8601 has it."""
    return datetime.fromtimestamp(nanoseconds // 10**9, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def told_model(command: Sequence[str], environ: Mapping[str, str]) -> str | None:
    """The model an agent works with, as far as that is told: by its own option --model, or by GIT_VIBE_MODEL."""
    named = [word.partition("=")[2] for word in command if word.startswith("--model=")]
    named += [value for word, value in pairwise(command) if word == "--model"]
    return next(iter(named), None) or environ.get("GIT_VIBE_MODEL") or None
