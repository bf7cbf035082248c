"""The one thing `git add` asks the index before it converts line endings.

A file with automatic line-ending conversion keeps its CRLFs when the version in the index has them. `git hash-object`
does not look at the index, so these few files are found here and named to it by an attribute.
"""

from __future__ import annotations

import contextlib
import mmap
import os
import stat
from collections.abc import Mapping

from git_vibe.git.attributes import values_of
from git_vibe.git.hashing import quoted
from git_vibe.git.tracked import Tracked
from git_vibe.session.scratch import Scratch
from git_vibe.store.stack import DeltaFile

_NOT_PRINTABLE = bytes({*range(32), 127} - set(b"\b\t\n\f\r\x1b"))
_PATTERN_CHARACTERS = b"*?[\\!"


def files_that_keep_crlf(scratch: Scratch, tracked: Tracked, files: Mapping[bytes, DeltaFile]) -> list[bytes]:
    """Paths among `files` whose CRLFs git would keep because the index has them."""
    suspects = [path for path, file in files.items() if _is_suspect(scratch, tracked, path, file)]
    values = values_of(("text", "crlf", "eol"), suspects, worktree=scratch.worktree, env=scratch.environment)
    return [path for path in suspects if _is_automatic(values[path])]


def keep_line_endings(scratch: Scratch, paths: list[bytes]) -> None:
    """Switch conversion off for `paths`, in the attributes git reads last.

    Beside a directory that is called `.gitattributes` this cannot be said, and the file is converted.
    """
    for path in paths:
        directory, name = os.path.split(path)
        with contextlib.suppress(IsADirectoryError):
            scratch.append(os.path.join(directory, b".gitattributes"), b"\n" + quoted_pattern(name) + b" -text\n")


def quoted_pattern(name: bytes) -> bytes:
    """A pattern that matches exactly `name` in its own directory."""
    escaped = b"".join(b"\\" + bytes([each]) if each in _PATTERN_CHARACTERS else bytes([each]) for each in name)
    text = quoted(b"/" + escaped)
    return text if text.startswith(b'"') or b" " not in text else b'"' + text + b'"'


def _is_automatic(values: Mapping[str, str]) -> bool:
    if values["text"] == "unspecified":
        return values["crlf"] == "unspecified" and values["eol"] == "unspecified"
    return values["text"] == "auto"


def _is_suspect(scratch: Scratch, tracked: Tracked, path: bytes, file: DeltaFile) -> bool:
    """Whether both the file and its version in the index have CRLFs; the cheapest question comes first."""
    entry = tracked.entry(path)
    if entry is None or not stat.S_ISREG(entry.mode) or path.endswith(b".gitattributes"):
        return False
    return _has_crlf(file) and is_crlf_text(scratch.sink.read_blob(entry.oid))


def is_crlf_text(data: bytes) -> bool:
    """Whether git takes `data` for text, by the rule of its line-ending conversion, and finds a CRLF in it."""
    pairs = data.count(b"\r\n")
    if pairs == 0 or b"\0" in data or data.count(b"\r") != pairs:
        return False
    body = data.removesuffix(b"\x1a")
    odd = len(body) - len(body.translate(None, _NOT_PRINTABLE))
    printable = len(body) - odd - data.count(b"\n") - pairs
    return odd <= printable >> 7


def _has_crlf(file: DeltaFile) -> bool:
    if file.status.st_size < 2:
        return False
    with open(file.path, "rb") as content, mmap.mmap(content.fileno(), 0, access=mmap.ACCESS_READ) as view:
        return view.find(b"\r\n") >= 0
