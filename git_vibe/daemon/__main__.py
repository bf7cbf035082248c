"""`python -m git_vibe.daemon <common-dir> <runtime-dir or ''> <linger seconds>`: the daemon of one repository."""

from __future__ import annotations

import sys
from pathlib import Path

from git_vibe.daemon.server import Server
from git_vibe.store.layout import Layout


def main() -> None:
    """Serve until idle for the given time or told to end."""
    common_dir, runtime_dir, linger = sys.argv[1:4]
    Server(Layout(Path(common_dir), Path(runtime_dir) if runtime_dir else None), int(linger)).run()


main()
