"""Errors no command foresaw: the system's refusals in its own words; git-vibe's own faults with a log."""

from __future__ import annotations

import errno
import os
import sys
import tempfile
import time
import traceback
from pathlib import Path

from git_vibe import __version__
from git_vibe.cli.output import Output
from git_vibe.errors import Refused, VibeError

_REMEDIES = {
    errno.ENOSPC: "make room, then run it again; nothing was lost",
    errno.EDQUOT: "make room, then run it again; nothing was lost",
    errno.EROFS: "git-vibe keeps its state in the repository, which must be writable",
    errno.EACCES: "run it as the owner of the repository, or mend the modes",
    errno.EPERM: "run it as the owner of the repository, or mend the modes",
    errno.EMFILE: "raise the limit of open files (`ulimit -n`)",
}


class InternalError(VibeError):
    """An error nobody expected."""

    code = "INTERNAL_ERROR"


def report(error: Exception, output: Output) -> None:
    """Tell what the system refused, or write the traceback of `error` to a log and tell the user where it is."""
    if isinstance(error, OSError) and error.errno in _REMEDIES:
        where = "" if error.filename is None else f"{os.fsdecode(error.filename)}: "
        output.fail(Refused(f"{where}{os.strerror(error.errno)}", _REMEDIES[error.errno]))
        return
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
