"""Named points where a test lets a process die or fail. For tests only; nothing of it is part of the product.

GIT_VIBE_FAULT is read once, when this module is imported. It holds

    <point>            the process kills itself with SIGKILL whenever it comes to that point
    <point>=<errno>    the point raises OSError with that errno instead, for example `copyup.content=ENOSPC`
    /<directory>       a point acts once when a file of its name is in that directory, which it removes first; the
                       file is empty, or holds the name of an errno

With a directory one daemon serves many tests, and the worker that replaces a killed one lives.
"""

from __future__ import annotations

import errno
import os
import signal

_ARMED = os.environ.get("GIT_VIBE_FAULT", "")


def reached(point: str) -> None:
    """Die or fail here if a test wants it."""
    if _ARMED:
        _act(point)


def _act(point: str) -> None:
    if _ARMED.startswith("/"):
        wish = _taken(f"{_ARMED}/{point}")
    else:
        name, _, code = _ARMED.partition("=")
        wish = code if name == point else None
    if wish:
        raise OSError(getattr(errno, wish), os.strerror(getattr(errno, wish)))
    if wish is not None:
        os.kill(os.getpid(), signal.SIGKILL)


def _taken(path: str) -> str | None:
    """What the file at `path` wishes, which is gone then; None when there is no such file."""
    try:
        with open(path, encoding="ascii") as file:
            wish = file.read().strip()
        os.unlink(path)
    except FileNotFoundError:
        return None
    return wish
