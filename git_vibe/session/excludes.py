"""The exclude file that keeps context files out of `git status` and `git add -A` in a session."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from git_vibe.git.command import run_git
from git_vibe.session.workspace import Workspace
from git_vibe.store.atomic import write_atomically
from git_vibe.store.record import SessionRecord


def exclude_settings(ws: Workspace, record: SessionRecord, environ: Mapping[str, str]) -> dict[str, str]:
    """Variables that make git leave out context files; none while the context is empty.

    Writes the session's exclude file: the user's own global excludes, then the context. GIT_CONFIG_COUNT is the one
    way to set core.excludesFile that leaves every configuration file alone.
    """
    patterns = _context_patterns(ws, record)
    if not patterns:
        return {}
    path = ws.paths(record.name).root / "exclude"
    write_atomically(path, _own_excludes(ws, environ) + b"\n".join(patterns) + b"\n")
    return _with_config(environ, "core.excludesFile", str(path))


def _with_config(environ: Mapping[str, str], key: str, value: str) -> dict[str, str]:
    count = environ.get("GIT_CONFIG_COUNT", "0")
    number = int(count) if count.isdigit() else 0
    return {
        "GIT_CONFIG_COUNT": str(number + 1),
        f"GIT_CONFIG_KEY_{number}": key,
        f"GIT_CONFIG_VALUE_{number}": value,
    }


def _own_excludes(ws: Workspace, environ: Mapping[str, str]) -> bytes:
    configured = ws.repo.config.text("core.excludesfile")
    config_home = environ.get("XDG_CONFIG_HOME") or os.path.expanduser("~/.config")
    path = Path(configured).expanduser() if configured else Path(config_home, "git/ignore")
    try:
        content = path.read_bytes()
    except OSError:
        return b""
    return content if content.endswith(b"\n") else content + b"\n"


def _context_patterns(ws: Workspace, record: SessionRecord) -> list[bytes]:
    """One pattern a name; a directory that the base has too is listed file by file, since they are merged."""
    root = os.fsencode(ws.layout.context)
    try:
        names = sorted(os.listdir(root))
    except FileNotFoundError:
        return []
    directories = {name for name in names if os.path.isdir(os.path.join(root, name))}
    merged = directories & _base_directories(ws, record) if directories else set()
    patterns = [b"/" + _escaped(name) for name in names if name not in merged]
    for name in sorted(merged):
        patterns += [b"/" + _escaped(path) for path in _files_below(root, name)]
    return patterns


def _base_directories(ws: Workspace, record: SessionRecord) -> set[bytes]:
    commits = {record.base, record.clean}
    listings = [run_git(["ls-tree", "-d", "-z", "--name-only", each], cwd=ws.repo.common_dir) for each in commits]
    return {name for listing in listings for name in listing.split(b"\0")}


def _files_below(root: bytes, name: bytes) -> list[bytes]:
    found = []
    for directory, _, files in os.walk(os.path.join(root, name)):
        found += [os.path.relpath(os.path.join(directory, file), root) for file in files]
    return sorted(found)


def _escaped(path: bytes) -> bytes:
    """A path as a pattern that matches nothing else."""
    for special in (b"\\", b"*", b"?", b"[", b" "):
        path = path.replace(special, b"\\" + special)
    return path
