"""Lines that two sides changed."""

from __future__ import annotations

import pytest

from git_vibe.git.differing import Lines, common_lines


@pytest.mark.parametrize(
    ("ours", "theirs", "both"),
    [
        ([], [(1, 9)], []),
        ([(1, 3)], [(3, 5)], [(3, 3)]),
        ([(1, 9)], [(3, 5)], [(3, 5)]),
        ([(1, 3)], [(4, 5)], [(3, 4)]),
        ([(1, 3)], [(5, 5)], []),
        ([(1, 9)], [(2, 3), (5, 6), (12, 13)], [(2, 3), (5, 6)]),
        ([(1, 2), (20, 22)], [(2, 2), (21, 30)], [(2, 2), (21, 22)]),
    ],
)
def test_common_lines(ours: list[Lines], theirs: list[Lines], both: list[Lines]) -> None:
    assert common_lines(ours, theirs) == both
    assert common_lines(theirs, ours) == both
