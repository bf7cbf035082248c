"""The log of what happened in a repository's sessions: JSON objects, one a line."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterable
from typing import Any

from git_vibe.store.journal import append_entries
from git_vibe.store.layout import Layout

SIZE_MAX = 10 << 20
"""A log larger than this becomes the older one, which goes."""


def log_events(layout: Layout, events: Iterable[dict[str, Any]]) -> None:
    """Add events with the time; a log that cannot be written is no error."""
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    entries = [{"time": now, **event} for event in events]
    if not entries:
        return
    with contextlib.suppress(OSError):
        layout.logs.mkdir(exist_ok=True)
        if layout.events.exists() and layout.events.stat().st_size > SIZE_MAX:
            os.replace(layout.events, layout.events.with_name(f"{layout.events.name}.1"))
        append_entries(layout.events, entries)
