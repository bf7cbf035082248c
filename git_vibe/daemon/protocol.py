"""How processes of one repository talk: one JSON object a line over a Unix socket, one answer for each request.

A request is `{"op": ..., ...}`; an answer `{"ok": true, ...}` or
`{"ok": false, "code": ..., "message": ..., "suggestion": ...}` where `code` is that of the error's class.

To the daemon:   mount {session, debug}; status; stop; changed {session, paths} from a worker;
                 changers {session, paths} -> {changers: other sessions that changed one, by path}
To a worker:     seal -> {layers: [numbers of sealed layers, the lowest first]}; unseal
"""

from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import Any

from git_vibe.errors import DaemonUnavailable, VibeError

Message = dict[str, Any]


def encode(message: Message) -> bytes:
    """One line for the wire."""
    return json.dumps(message).encode() + b"\n"


def failure(error: VibeError) -> Message:
    """The answer that carries an error."""
    return {"ok": False, "code": error.code, "message": error.message, "suggestion": error.suggestion}


def call(path: Path, request: Message, timeout: float = 60.0) -> Message:
    """Send a request to the socket at `path` and return the answer.

    Raises the error the answer carries, OSError when nobody listens, DaemonUnavailable when the other side went away.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(timeout)
        connection.connect(str(path))
        connection.sendall(encode(request))
        with connection.makefile("rb") as stream:
            line = stream.readline()
    if not line:
        raise DaemonUnavailable(f"no answer from {path}", "try again; the log is in .git/vibe/logs")
    answer: Message = json.loads(line)
    if not answer["ok"]:
        raise error_from(answer)
    return answer


def error_from(answer: Message) -> VibeError:
    """The error an answer stands for, of the class with the same code."""
    for kind in _all_subclasses(VibeError):
        if kind.__dict__.get("code") == answer["code"]:
            return kind(answer["message"], answer["suggestion"])
    return VibeError(answer["message"], answer["suggestion"])


def _all_subclasses(kind: type[VibeError]) -> list[type[VibeError]]:
    return [found for child in kind.__subclasses__() for found in (child, *_all_subclasses(child))]
