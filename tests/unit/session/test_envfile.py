"""KEY=VALUE files as people write them."""

from __future__ import annotations

from pathlib import Path

import pytest

from git_vibe.session.envfile import read_env_file


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("A=1", {"A": "1"}),
        ("export A=1", {"A": "1"}),
        ("  A = spaced out  ", {"A": "spaced out"}),
        ("A=", {"A": ""}),
        ("A=b=c", {"A": "b=c"}),
        ("A='single $x # \\n'  # comment", {"A": "single $x # \\n"}),
        ('A="two\\nlines \\"quoted\\""', {"A": 'two\nlines "quoted"'}),
        ("A=plain # comment", {"A": "plain"}),
        ("A=no#comment", {"A": "no#comment"}),
        ("# comment", {}),
        ("1A=x", {}),
        ("nonsense", {}),
        ("A='unfinished", {"A": "'unfinished"}),
    ],
)
def test_lines(tmp_path: Path, line: str, expected: dict[str, str]) -> None:
    (tmp_path / ".env").write_text(f"{line}\n")
    assert read_env_file(tmp_path / ".env") == expected


def test_a_missing_file_has_no_variables(tmp_path: Path) -> None:
    assert read_env_file(tmp_path / "none") == {}
    assert read_env_file(tmp_path) == {}
