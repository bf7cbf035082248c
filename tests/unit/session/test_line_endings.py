"""Which line endings git keeps; the effect on trees is tested with them."""

from __future__ import annotations

import pytest

from git_vibe.session.line_endings import is_crlf_text, quoted_pattern


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"a\r\n", True),
        (b"a\r\nb\n", True),
        (b"a\n", False),
        (b"a\r\n\0", False),
        (b"a\r\nb\r", False),
        (b"a\x01\r\n", False),
        (b"a" * 200 + b"\x01\r\n", True),
        (b"a\r\n\x1a", True),
        (b"tab\t esc\x1b\r\n", True),
    ],
)
def test_is_crlf_text(data: bytes, *, expected: bool) -> None:
    assert is_crlf_text(data) is expected


def test_patterns() -> None:
    assert quoted_pattern(b"plain") == b"/plain"
    assert quoted_pattern(b"two words") == b'"/two words"'
    assert quoted_pattern(b"*") == b'"/\\134\\052"'
