"""What came out of comparing a session with others, remembered by the names of what was compared.

It lies in the session's directory as `verdicts.json` and may be deleted at any time.
"""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any

from git_vibe.session.workspace import Workspace
from git_vibe.store.atomic import write_atomically
from git_vibe.types import SessionName

_KEPT = 64


class Verdicts:
    """The memory of one session; values are what JSON can hold."""

    def __init__(self, ws: Workspace, name: SessionName) -> None:
        self._file = ws.paths(name).root / "verdicts.json"
        self._known: dict[str, Any] = _read(self._file)

    def get(self, *key: object) -> Any:
        """What is remembered for a key, or None."""
        return self._known.get(_text(key))

    def put(self, value: Any, *key: object) -> None:
        """Remember a value, and only so many of the latest; a store that cannot be written is no error."""
        known = {**_read(self._file), **self._known}
        known.pop(_text(key), None)
        self._known = dict([*known.items(), (_text(key), value)][-_KEPT:])
        with contextlib.suppress(OSError):
            write_atomically(self._file, json.dumps(self._known).encode(), durable=False)


def _text(key: tuple[object, ...]) -> str:
    return " ".join(str(part) for part in key)


def _read(file: Path) -> dict[str, Any]:
    try:
        known = json.loads(file.read_bytes())
    except (OSError, ValueError):
        return {}
    return known if isinstance(known, dict) else {}


def merge_rules(ws: Workspace) -> str:
    """A stamp of what decides about merges besides the trees: the configuration and attributes of the repository."""
    stamps = []
    for path in (ws.repo.common_dir / "config", ws.repo.common_dir / "info" / "attributes"):
        with contextlib.suppress(OSError):
            stamps.append(str(path.stat().st_mtime_ns))
    return "-".join(stamps)
