"""Writing a loose object so that its bytes are on the way to the disk before its name is, and nobody waits for them.

libgit2 either waits for the disk at every object or does nothing about it. What makes the objects outlive a power cut
is the ref that leads to them, which is moved durably afterwards.
"""

from __future__ import annotations

import hashlib
import os
import zlib
from collections.abc import Callable
from pathlib import Path

from git_vibe.types import Oid

_FASTEST = 1


def object_name(kind: bytes, data: bytes) -> Oid:
    """The name of an object."""
    return Oid(hashlib.sha1(_header(kind, data) + data).hexdigest())


def write_loose(objects: Path, kind: bytes, data: bytes, before_naming: Callable[[bytes], None]) -> None:
    """Put an object that is not there yet below the directory `objects`.

    `before_naming` is called with the path of the file that holds it before it gets its name.
    """
    name = object_name(kind, data)
    directory = objects / name[:2]
    directory.mkdir(exist_ok=True)
    staged = directory / f"tmp_obj_{os.urandom(6).hex()}"
    try:
        with open(os.open(staged, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o444), "wb") as file:
            file.write(zlib.compress(_header(kind, data) + data, _FASTEST))
        before_naming(os.fsencode(staged))
        os.rename(staged, directory / name[2:])
    except BaseException:
        staged.unlink(missing_ok=True)
        raise


def _header(kind: bytes, data: bytes) -> bytes:
    return b"%s %d\0" % (kind, len(data))
