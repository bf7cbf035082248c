"""The line about a session that is behind."""

from __future__ import annotations

import pytest

from git_vibe.session.upstream import Lag, line, listed
from git_vibe.types import Oid, SessionName

COMMIT = Oid("1" * 40)


@pytest.mark.parametrize(
    ("behind", "paths", "conflicts", "expected"),
    [
        (1, (), (), "1 commit behind main; none of its files changed there"),
        (2, ("a",), (), "2 commits behind main; 1 of its files changed there, too (a), without conflicts"),
        (2, ("a", "b"), ("a", "b"), "2 commits behind main; 2 of its files changed there, too (a, b), with conflicts"),
        (
            3, ("a", "b", "c", "d", "e"), ("b",),
            "3 commits behind main; 5 of its files changed there, too (a, b, c and 2 more), with conflicts in 1 (b)",
        ),
    ],
)  # fmt: skip
def test_the_line(behind: int, paths: tuple[str, ...], conflicts: tuple[str, ...], expected: str) -> None:
    lag = Lag(SessionName("alpha"), COMMIT, "refs/heads/main", COMMIT, behind, paths, conflicts)
    assert line(lag) == f"session 'alpha' is {expected}: `git vibe rebase alpha`"


def test_a_remote_branch_is_named_for_the_rebase() -> None:
    lag = Lag(SessionName("alpha"), COMMIT, "refs/remotes/origin/main", COMMIT, 1)
    assert line(lag).endswith("`git vibe rebase alpha --onto origin/main`")


def test_three_paths_are_listed() -> None:
    assert listed(["a", "b", "c"]) == "a, b, c"
    assert listed(["a", "b", "c", "d"]) == "a, b, c and 1 more"
