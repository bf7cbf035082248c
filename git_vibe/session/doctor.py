"""What is wrong with this machine and this repository, and how to mend it.

A check is a small function that yields problems; it changes nothing. A problem that git-vibe can mend without losing
anything carries the function that does it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import NamedTuple

from git_vibe.errors import VibeError
from git_vibe.session.workspace import Workspace


class Problem(NamedTuple):
    """Something wrong, how to mend it, and the function that does so where there is one."""

    what: str
    remedy: str
    repair: Callable[[], None] | None = None


class Report(NamedTuple):
    """What was examined: facts that are well, and problems."""

    facts: list[str]
    problems: list[Problem]


Finding = Problem | str
"""A check yields problems, and facts as plain text."""


def examine(ws: Workspace | None, *, more: Callable[[Workspace], Iterator[Finding]] | None = None) -> Report:
    """Examine the machine and, when there is one, the repository; `more` is another check of it."""
    from git_vibe.session import doctor_machine, doctor_state

    findings = list(doctor_machine.check_machine())
    if ws is not None:
        findings += doctor_state.check_repository(ws)
    if ws is not None and more is not None and ws.layout.root.exists():
        findings += contained(partial(more, ws), "the hooks")
    facts = [finding for finding in findings if isinstance(finding, str)]
    return Report(facts, [finding for finding in findings if isinstance(finding, Problem)])


def repair(problems: list[Problem]) -> tuple[list[Problem], list[Problem]]:
    """Mend what can be mended: (those that remain, those that are gone)."""
    remaining, repaired = [], []
    for problem in problems:
        trouble = _trouble_with(problem)
        if trouble is None:
            repaired.append(problem)
        else:
            remaining.append(trouble)
    return remaining, repaired


def _trouble_with(problem: Problem) -> Problem | None:
    if problem.repair is None:
        return problem
    try:
        problem.repair()
    except (VibeError, OSError) as error:
        return problem._replace(what=f"{problem.what} (repair failed: {error})")
    return None


def contained(check: Callable[[], Iterator[Finding]], about: str) -> Iterator[Finding]:
    """The findings of a check; when the check itself fails, that is a problem too."""
    try:
        yield from check()
    except (VibeError, OSError, ValueError) as error:
        yield Problem(f"{about} could not be checked: {error}", "mend this first, then run `git vibe doctor` again")
