"""What `git vibe doctor` prints."""

from __future__ import annotations

from typing import TYPE_CHECKING

from git_vibe.errors import VibeError

if TYPE_CHECKING:
    from git_vibe.cli.output import Output
    from git_vibe.session.doctor import Problem


class ProblemsRemain(VibeError):
    """Some checks failed and were not repaired."""

    code = "PROBLEMS_FOUND"


def report_text(facts: list[str], repaired: list[Problem], remaining: list[Problem], output: Output) -> str:
    """One line a finding; a problem is followed by what to do about it."""
    lines = [f"ok       {fact}" for fact in facts]
    lines += [f"mended   {problem.what}" for problem in repaired]
    for problem in remaining:
        lines += [f"{output.paint('problem', 'red')}  {problem.what}", f"         -> {problem.remedy}"]
    return "\n".join(lines)


def problems_remain(problems: list[Problem], *, repairing: bool) -> ProblemsRemain:
    """The error that ends `git vibe doctor` while problems remain."""
    mendable = not repairing and any(problem.repair for problem in problems)
    hint = "`git vibe doctor --repair` mends what it can" if mendable else ""
    return ProblemsRemain(f"{len(problems)} {'problem' if len(problems) == 1 else 'problems'} found", hint)
