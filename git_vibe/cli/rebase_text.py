"""What `git vibe rebase` prints."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from git_vibe.cli.output import Output
    from git_vibe.errors import VibeError
    from git_vibe.session.rebase import Rebased
    from git_vibe.types import SessionName


def done_text(done: Rebased) -> str:
    """One line about a session that was moved."""
    if done.old == done.new:
        return f"Session '{done.session}' is up to date ({done.new[:10]})"
    files = f", {done.files} {'file' if done.files == 1 else 'files'} updated" if done.files else ""
    return f"Rebased session '{done.session}' from {done.old[:10]} to {done.new[:10]}{files}"


def back_text(done: Rebased) -> str:
    """One line about a session that went back."""
    kept = f"; what was written since is kept in {done.archived}" if done.archived else ""
    return f"Session '{done.session}' is back at {done.new[:10]}{kept}"


def show_all(results: list[tuple[SessionName, Rebased | VibeError]], output: Output) -> int:
    """Print what became of each session; the exit status."""
    moved = [each for _, each in results if not isinstance(each, Exception)]
    output.result({"sessions": [_data(*each) for each in results]}, "\n".join(_line(*each) for each in results))
    for done in moved:
        output.warnings([f"{done.session}: {warning}" for warning in done.warnings])
    if any(done.conflicts for done in moved):
        output.advise("resolve conflicts in the sessions, then `git vibe rebase --continue <session>`")
    return 1 if len(moved) < len(results) or any(done.conflicts for done in moved) else 0


def _data(name: SessionName, done: Rebased | VibeError) -> dict[str, Any]:
    if isinstance(done, Exception):
        return {"session": name, "error": done.code, "message": done.message, "suggestion": done.suggestion}
    return done._asdict()


def _line(name: SessionName, done: Rebased | VibeError) -> str:
    if isinstance(done, Exception):
        return f"{name}: {done.message}"
    return f"{name}: conflicts in {', '.join(done.conflicts)}" if done.conflicts else done_text(done)
