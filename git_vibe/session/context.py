"""The context: files that appear in every session, kept as symbolic links in `.git/vibe/context/`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

from git_vibe.errors import UsageError
from git_vibe.session.workspace import Workspace


class Entry(NamedTuple):
    """One name of the context. `target` is where its link points to, None when it is no link."""

    name: str
    target: str | None
    exists: bool


def add(ws: Workspace, source: Path, *, name: str | None = None) -> Entry:
    """Share `source` (absolute) as `name`, by default its own. Raises UsageError."""
    lexical = Path(os.path.normpath(source))
    chosen = lexical.name if name is None else name
    _check_name(chosen)
    if not lexical.exists():
        raise UsageError(f"'{source}' does not exist", "give the path of a file or directory")
    link = ws.layout.context / chosen
    target = os.path.relpath(lexical.parent.resolve() / lexical.name, ws.layout.context.resolve())
    try:
        link.symlink_to(target)
    except FileExistsError:
        if not link.is_symlink() or os.readlink(link) != target:
            raise UsageError(
                f"the context already has a '{chosen}'",
                f"choose another name with --as, or run `git vibe context remove {chosen}` first",
            ) from None
    return _entry(link)


def entries(ws: Workspace) -> list[Entry]:
    """Everything in the context, by name."""
    return sorted(_entry(path) for path in ws.layout.context.iterdir())


def remove(ws: Workspace, name: str) -> None:
    """Take the link `name` out of the context; what it points to stays. Raises UsageError."""
    _check_name(name)
    path = ws.layout.context / name
    if path.is_symlink():
        path.unlink()
    elif path.exists():
        raise UsageError(f"'{name}' is not a link but the only copy", f"move it away or delete it yourself: {path}")
    else:
        raise UsageError(f"the context has no '{name}'", "`git vibe context list` shows what it has")


def _entry(path: Path) -> Entry:
    return Entry(path.name, os.readlink(path) if path.is_symlink() else None, path.exists())


def _check_name(name: str) -> None:
    if name in ("", ".", "..", ".git") or "/" in name or "\0" in name:
        raise UsageError(f"'{name}' cannot be the name of a context file", "give a plain name, for example with --as")
