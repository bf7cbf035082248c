"""A repository together with its git-vibe state: what every use-case works on."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from git_vibe.errors import NotInitialised, SessionNotFound, StateCorrupt
from git_vibe.git.repository import Repository
from git_vibe.store.layout import FORMAT, Layout, SessionPaths
from git_vibe.store.lock import locked_inside
from git_vibe.store.record import SessionRecord, not_found, read_record, session_names
from git_vibe.types import SessionName

MAX_SESSIONS = 20


class Workspace:
    """One repository and the layout of its state. `runtime_dir` is XDG_RUNTIME_DIR, or None."""

    def __init__(self, repo: Repository, runtime_dir: Path | None = None) -> None:
        self.repo = repo
        self.layout = Layout(repo.common_dir, runtime_dir)

    def is_initialised(self) -> bool:
        """Whether `.git/vibe` is there and of a format this version reads. Raises StateCorrupt."""
        if not self.layout.root.exists():
            return False
        try:
            found = self.layout.version.read_text().strip()
        except OSError:
            raise StateCorrupt(
                f"{self.layout.root} exists but holds no readable version file",
                "run `git vibe doctor --repair`; it keeps every session it can read",
            ) from None
        if found != str(FORMAT):
            raise StateCorrupt(
                f"{self.layout.root} has format '{found}', this git-vibe reads format {FORMAT}",
                "use the git-vibe version that wrote it, or run `git vibe doctor --repair`",
            )
        return True

    def require_initialised(self) -> None:
        """Raises NotInitialised where `git vibe init` has not run."""
        if not self.is_initialised():
            raise NotInitialised("git-vibe is not initialised in this repository", "run `git vibe init`")

    def paths(self, name: SessionName) -> SessionPaths:
        """The paths of one session."""
        return self.layout.session(name)

    def record(self, name: SessionName) -> SessionRecord:
        """The record of an existing session. Raises SessionNotFound or StateCorrupt."""
        return read_record(self.paths(name))

    def records(self) -> list[SessionRecord]:
        """Records of all sessions that can be read, sorted by name: a damaged one must not hinder the others."""
        found = []
        for name in session_names(self.layout):
            with contextlib.suppress(SessionNotFound, StateCorrupt):
                found.append(self.record(name))
        return found

    def session_limit(self) -> int:
        """How many sessions there may be. Raises UsageError for a setting that is no number."""
        return self.repo.config.count("vibe.maxSessions", MAX_SESSIONS)

    @contextlib.contextmanager
    def session_lock(self, name: SessionName) -> Iterator[SessionRecord]:
        """Hold the session's lock and yield its record as it is then. Raises SessionNotFound or SessionBusy."""
        self.record(name)
        with contextlib.ExitStack() as held:
            try:
                held.enter_context(locked_inside(self.paths(name).lock, what=f"session '{name}'"))
            except FileNotFoundError:  # another command closed it meanwhile, and the lock went with it
                raise not_found(name) from None
            yield self.record(name)
