"""Hooks of the user's, in every form they come in."""

from __future__ import annotations

import sys
from pathlib import Path

RECORDING = """\
import os, sys
with open(os.environ["HOOK_LOG"], "a") as log:
    given = "" if os.path.basename(sys.argv[0]) == "pre-commit" else sys.stdin.read()
    print([os.path.basename(sys.argv[0]), *sys.argv[1:]], given.split(), file=log)
sys.exit(int(os.environ.get("HOOK_STATUS", "0")))
"""


def recording_hook(path: Path, *, mode: int = 0o755) -> None:
    """A hook in Python that writes its name, arguments and input to $HOOK_LOG and ends with $HOOK_STATUS."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!{sys.executable}\n{RECORDING}")
    path.chmod(mode)


def logged(log: Path) -> list[str]:
    """What hooks wrote since the last call."""
    lines = log.read_text().splitlines() if log.exists() else []
    log.unlink(missing_ok=True)
    return lines
