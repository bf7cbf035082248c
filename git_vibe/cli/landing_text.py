"""What people read about sessions that have landed."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from git_vibe.session.commit import Committed, Finished


def landed_text(name: str, done: Committed, into: str | None) -> str:
    """What `git vibe commit` did."""
    if done.commit is None:
        return f"Nothing to commit in session '{name}'"
    where = f" into {into}" if into else ""
    lines = [done.output] if done.output else []
    lines.append(f"Merged session '{name}'{where}" if done.merged else f"Session '{name}' was merged already")
    lines += [f"Closed session '{name}'"] if done.closed else []
    lines += [f"What was not promoted is archived in {done.archived}"] if done.archived else []
    return "\n".join(lines)


def finished_lines(finished: Iterable[Finished]) -> list[str]:
    """Which sessions were closed because the user finished their merge."""
    return [
        f"session '{each.session}' has landed and was closed" if each.closed
        else f"session '{each.session}' has landed; {' '.join(each.why)}"
        for each in finished
    ]  # fmt: skip
