"""Noticing, by the names of paths alone, that a session may meet another one or upstream, and having it looked into.

Workers tell what their sessions change. Where one of these paths is known of another session or of upstream, or may be,
a process that knows about Git (`git_vibe.session.radar`) compares the sessions and leaves what it found in
`radar.json`; names told since are kept here. One such process runs at a time, and it gets a fraction of the time only.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import time
from collections.abc import Callable, Iterable
from typing import Any

from git_vibe.daemon import process
from git_vibe.store.layout import Layout
from git_vibe.store.record import session_names

log = logging.getLogger(__name__)

SOON = 0.15
"""Seconds in which more news is waited for."""
SHARE = 4
"""How many times as long as it took the next look is put off."""
_MOVING_WITH_REFS = ("HEAD", "logs/HEAD", "refs/heads", "packed-refs")


class Radar:
    """What is known of the paths of all sessions. `watch` calls a function once a process has ended."""

    def __init__(self, layout: Layout, watch: Callable[[int, Callable[[], None]], None]) -> None:
        self._layout = layout
        self._watch = watch
        self._stamp = 0
        self._changed: dict[str, set[str]] = {}
        self._upstream: dict[str, set[str]] = {}
        self._told: dict[str, set[str]] = {}
        self._told_before: dict[str, set[str]] = {}
        self._heard: set[str] = set()
        self._due: float | None = None
        self._earliest = 0.0
        self._refs: tuple[int, ...] = ()
        self._looking: int | None = None

    def changed(self, session: str, paths: Iterable[str]) -> None:
        """A worker says what its session changed."""
        self._reload()
        new = set(paths) - self._told.setdefault(session, set())
        self._told[session] |= new
        unsure = session not in self._heard or self._refs != self._stamps_of_refs()
        self._heard.add(session)
        if unsure or any(self._is_news(session, path) for path in new):
            self._due = self._due or max(_now() + SOON, self._earliest)

    def changers(self, session: str, paths: Iterable[str]) -> dict[str, list[str]]:
        """Other sessions that changed one of the paths, by path."""
        self._reload()
        return {path: self._others(session, path) for path in paths}

    def seconds(self) -> float | None:
        """How long there is nothing to do; None: until something happens."""
        return None if self._due is None or self._looking else max(0.0, self._due - _now())

    def look(self) -> None:
        """Have the sessions compared if that is due."""
        if self.seconds() != 0.0:
            return
        self._due, started, self._refs = None, _now(), self._stamps_of_refs()
        self._told_before, self._told = self._told, {}
        words = ["git_vibe.session.radar", str(self._layout.common_dir), os.environ.get("XDG_RUNTIME_DIR", "")]
        child = process.start_detached(words, self._layout.daemon_log)
        child.returncode = 0  # it is waited for below
        self._looking = child.pid
        self._watch(child.pid, lambda: self._looked(child.pid, started))

    def end(self) -> None:
        """Stop looking: what uses the store must not outlive the daemon, which `git vibe purge` ends first."""
        if self._looking is not None:
            process.end_process(self._looking)

    def _looked(self, pid: int, started: float) -> None:
        """The look is over; names that were told before it began are in what it found."""
        _, status = os.waitpid(pid, 0)
        self._looking, self._earliest = None, _now() + SHARE * (_now() - started)
        if status:
            log.error("comparing the sessions failed with status %d", os.waitstatus_to_exitcode(status))
            for session, paths in self._told_before.items():
                self._told.setdefault(session, set()).update(paths)
        self._told_before = {}
        if self._due is not None:
            self._due = max(self._due, self._earliest)

    def _is_news(self, session: str, path: str) -> bool:
        """Whether a path may be somebody else's, too; below a directory anything may be."""
        return path.endswith("/") or path in self._upstream.get(session, ()) or bool(self._others(session, path))

    def _others(self, session: str, path: str) -> list[str]:
        kept = (self._changed, self._told, self._told_before)
        return sorted({name for paths in kept for name in paths if name != session and path in paths[name]})

    def _stamps_of_refs(self) -> tuple[int, ...]:
        """Something that changes when a branch does, as far as files tell."""
        stamps = []
        for name in _MOVING_WITH_REFS:
            with contextlib.suppress(OSError):
                stamps.append((self._layout.common_dir / name).stat().st_mtime_ns)
        return tuple(stamps)

    def _reload(self) -> None:
        """Read what the last look found, where there was one since."""
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError, AttributeError):
            stamp = self._layout.radar.stat().st_mtime_ns
            if stamp == self._stamp:
                return
            self._stamp = stamp
            data: dict[str, Any] = json.loads(self._layout.radar.read_bytes())
            self._changed = {name: set(paths) for name, paths in data["changed"].items()}
            self._upstream = {name: set(paths) for name, paths in data["upstream"].items()}
            gone = (self._told.keys() | self._told_before.keys()) - set(session_names(self._layout))
            for name in gone:
                self._told.pop(name, None)
                self._told_before.pop(name, None)


def _now() -> float:
    return time.monotonic()
