"""Files of KEY=VALUE lines, as `.env` files are written."""

from __future__ import annotations

import re
from pathlib import Path

_LINE = re.compile(r"\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=\s*(.*?)\s*\Z")
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r"}


def read_env_file(path: Path) -> dict[str, str]:
    """Variables of the file; empty when there is none. Lines that are no assignment do not count."""
    try:
        text = path.read_text(errors="surrogateescape")
    except OSError:
        return {}
    matches = (_LINE.match(line) for line in text.splitlines())
    return {match[1]: _value(match[2]) for match in matches if match and "\0" not in match[2]}


def _value(raw: str) -> str:
    """Quotes are taken off; a '#' after white space starts a comment outside of them."""
    if raw[:1] == "'" and (end := raw.find("'", 1)) > 0:
        return raw[1:end]
    if raw[:1] == '"' and (quoted := re.match(r'"((?:[^"\\]|\\.)*)"', raw)):
        return re.sub(r"\\(.)", lambda found: _ESCAPES.get(found[1], found[1]), quoted[1])
    return re.split(r"(?:^|\s)#", raw, maxsplit=1)[0].rstrip()
