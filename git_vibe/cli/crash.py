"""What happens when git-vibe itself is at fault: two lines for the user, the traceback into a log."""

from __future__ import annotations

import os
import sys
import tempfile
import time
import traceback
from pathlib import Path

from git_vibe import __version__
from git_vibe.cli.output import Output
from git_vibe.errors import VibeError


class InternalError(VibeError):
    """An error nobody expected."""

    code = "INTERNAL_ERROR"


def report(error: Exception, output: Output) -> None:
    """Write the traceback of `error` to a log and tell the user where it is."""
    log = _write_log(error)
    if output.debug:
        traceback.print_exception(error, file=sys.stderr)
    words = str(error) or type(error).__name__
    output.fail(InternalError(f"unexpected error: {type(error).__name__}: {words}", f"the details are in {log}"))


def _write_log(error: Exception) -> Path:
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    log = _log_directory() / f"crash-{stamp}-{os.getpid()}.log"
    text = "".join(traceback.format_exception(error))
    log.write_text(f"git-vibe {__version__}\nargv {sys.argv!r}\n{text}", errors="backslashreplace")
    return log


def _log_directory() -> Path:
    """`.git/vibe/logs` where it can be written, else the directory for temporary files."""
    from git_vibe.session.locate import open_workspace

    try:
        logs = open_workspace(Path.cwd(), None).layout.logs
    except (VibeError, OSError):
        return Path(tempfile.gettempdir())
    return logs if os.access(logs, os.W_OK) else Path(tempfile.gettempdir())
