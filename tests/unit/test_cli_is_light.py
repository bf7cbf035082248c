"""Starting up is a feature: parsing loads nothing that only some commands need."""

from __future__ import annotations

import os
import resource
import subprocess
import sys

import pytest

HEAVY = {
    "pygit2",
    "pyfuse3",
    "trio",
    "dulwich",
    "filelock",
    "asyncio",
    "tabulate",
    "argcomplete",
    "dataclasses",
    "subprocess",
}


def modules_after(code: str) -> set[str]:
    """Names of all modules that are loaded after `code` has run."""
    script = f"import sys\n{code}\nprint('\\n'.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


@pytest.mark.parametrize(
    "line",
    [
        "['spawn', 'alpha', '--from', 'HEAD']",
        "['status']",
        "['close', '--force', 'alpha']",
        "['hook', 'run', 'reference-transaction', '--', 'committed']",
    ],
)
def test_parsing_loads_nothing_heavy(line: str) -> None:
    loaded = modules_after(f"from git_vibe.cli import main\nfrom git_vibe.cli.parser import parse\nparse({line})")
    assert sorted(loaded & HEAVY) == []


def test_use_cases_of_every_spawn_and_status_load_nothing_heavy() -> None:
    loaded = modules_after("import git_vibe.session.spawn, git_vibe.session.status, git_vibe.session.locate")
    assert sorted(loaded & (HEAVY - {"subprocess"})) == []


def test_hooks_that_find_nothing_to_merge_load_nothing_heavy() -> None:
    loaded = modules_after("import git_vibe.githooks.events, git_vibe.session.comparison, git_vibe.session.contents")
    assert sorted(loaded & (HEAVY - {"subprocess"})) == []


def test_help_costs_less_than_a_tenth_of_a_second() -> None:
    assert min(cpu_seconds("-h") for _ in range(3)) < 0.1


def cpu_seconds(*args: str) -> float:
    """User and system time of one run."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, "-m", "git_vibe.cli.main", *args]
    subprocess.run(command, env=dict(os.environ), capture_output=True, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime - before.ru_utime) + (after.ru_stime - before.ru_stime)
