"""`meta.json`: the truth about a session, read and replaced as a whole."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

from git_vibe.errors import SessionNotFound, StateCorrupt
from git_vibe.store.atomic import write_atomically
from git_vibe.store.layout import Layout, SessionPaths
from git_vibe.types import LayerId, Oid, SessionName


class SessionRecord(NamedTuple):
    """What is stored about a session.

    `base` is the commit the session stands on, `promoted` the newest promote (dirty is measured against it,
    or against the base). Clean files are read from `below`, which is another commit after a rebase: what upstream
    changed since lies in the layers then. `target` is the full ref of the branch that the session is to land on, as
    far as it is known. `created_ns` is wall-clock nanoseconds. `mount` is absolute. `branch` is the full ref of
    the session's own branch, or None while its HEAD is detached. `agent` is who the user said works there, or
    the base name of the program that was launched last and `command` its whole argument vector; `model` is what the
    agent uses, if that was told. `shown` names the cache of the base that the session was spawned with, or is None
    when that is the commit's plain one.
    """

    name: SessionName
    base: Oid
    created_ns: int
    mount: str
    promoted: Oid | None = None
    branch: str | None = None
    agent: str | None = None
    command: tuple[str, ...] = ()
    shown: str | None = None
    below: Oid | None = None
    target: str | None = None
    model: str | None = None

    @property
    def base_key(self) -> str:
        """Name of the cache that clean files are shown from."""
        return self.shown or self.clean

    @property
    def clean(self) -> Oid:
        """The commit that clean files are read from."""
        return self.below or self.base

    @property
    def reference(self) -> Oid:
        """The commit that dirty is measured against."""
        return self.promoted or self.base


def write_record(path: Path, record: SessionRecord) -> None:
    """Replace the session record at `path`."""
    data = json.dumps({"format": 1, **record._asdict()}, indent=2, ensure_ascii=True)
    write_atomically(path, data.encode() + b"\n")


def read_record(paths: SessionPaths) -> SessionRecord:
    """Read a session's record. Raises SessionNotFound, or StateCorrupt when it is missing or cannot be understood."""
    try:
        raw = json.loads(paths.meta.read_bytes())
        return _from_json(raw)
    except (FileNotFoundError, NotADirectoryError):
        raise _damaged(paths, "missing") if paths.root.is_dir() else not_found(paths.name) from None
    except (ValueError, KeyError, TypeError) as error:
        raise _damaged(paths, f"damaged: {error}") from error


def _damaged(paths: SessionPaths, how: str) -> StateCorrupt:
    return StateCorrupt(f"{paths.meta} is {how}", "run `git vibe doctor` to see what can be recovered")


def not_found(name: SessionName) -> SessionNotFound:
    """The error that a session does not exist."""
    return SessionNotFound(f"Instance '{name}' not found", "`git vibe status` lists the sessions of this repository")


def _from_json(raw: dict[str, Any]) -> SessionRecord:
    return SessionRecord(
        name=SessionName(raw["name"]),
        base=Oid(raw["base"]),
        created_ns=int(raw["created_ns"]),
        mount=str(raw["mount"]),
        promoted=Oid(raw["promoted"]) if raw.get("promoted") else None,
        branch=raw.get("branch"),
        agent=raw.get("agent"),
        command=tuple(raw.get("command", ())),
        shown=raw.get("shown"),
        below=Oid(raw["below"]) if raw.get("below") else None,
        target=raw.get("target"),
        model=raw.get("model"),
    )


def session_names(layout: Layout) -> list[SessionName]:
    """Names of all sessions that exist, sorted. Half-made and half-removed ones do not count."""
    try:
        entries = sorted(entry.name for entry in layout.sessions.iterdir() if entry.name[:1] != ".")
    except FileNotFoundError:
        return []
    return [SessionName(name) for name in entries]


def whole_layers(paths: SessionPaths) -> list[LayerId]:
    """The session's layers like `layer_ids`. Raises StateCorrupt when one is missing: what is left is no old state."""
    found = layer_ids(paths)
    missing = set(range(1, max(found, default=1) + 1)) - set(found)
    missing |= {layer for layer in found if not (paths.layer(layer) / "tree").is_dir()}
    if missing:
        raise StateCorrupt(
            f"session '{paths.name}' has lost changes: {paths.layer(LayerId(min(missing))) / 'tree'} is missing",
            f"look for a copy of it; `git vibe close --force {paths.name}` archives what is left and ends the session",
        )
    return found


def layer_ids(paths: SessionPaths) -> list[LayerId]:
    """The session's layers from the lowest to the top one."""
    try:
        return sorted(LayerId(int(entry.name)) for entry in paths.layers.iterdir() if entry.name.isdigit())
    except FileNotFoundError:
        return []
