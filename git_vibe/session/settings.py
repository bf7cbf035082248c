"""Every setting of git-vibe: git config keys below `vibe.`, with type and default."""

from __future__ import annotations

import os
from typing import NamedTuple

from git_vibe.git.command import run_git
from git_vibe.git.repository import Repository


class Known(NamedTuple):
    """A setting that exists. `default` is None where nothing is the default."""

    key: str
    kind: str
    default: str | None
    meaning: str


class Setting(NamedTuple):
    """A setting as it is in force. `origin` is where git found it, or 'default'."""

    key: str
    kind: str
    value: str
    origin: str


KNOWN = (
    Known("vibe.maxSessions", "number", "20", "sessions a repository may have; `spawn --force` goes beyond it"),
    Known("vibe.mountRoot", "path", None, "directory of the mounts; by default <repository>.vibe beside it"),
    Known("vibe.daemonLinger", "duration", "20m", "how long the daemon stays when no session is mounted"),
    Known("vibe.streamThreshold", "size", "100m", "larger files are never whole in memory; above 4m none is anyway"),
    Known("vibe.blobCacheSize", "size", "256m", "disk space for the content of large files that were read lately"),
    Known("vibe.filters", "boolean", "true", "show files as a checkout would: line endings, ident, encodings, filters"),
    Known(
        "vibe.lfs", "boolean", "true", "show the content of Git LFS files instead of their pointers; needs vibe.filters"
    ),
    Known(
        "vibe.submodules", "word", "show", "show submodules that are here; `empty` shows none, `error` insists on all"
    ),
    Known("vibe.allowOther", "boolean", "false", "let other users look into sessions; needs user_allow_other"),
    Known("vibe.archiveIgnoredMax", "size", "10m", "ignored files up to this size are archived when a session ends"),
    Known("vibe.author", "identity", None, "author of promotes; by default 'You via git-vibe (agent) <you@...>'"),
    Known("vibe.sign", "boolean", "false", "sign promotes, as `promote --sign` does"),
    Known("vibe.quiet", "boolean", "false", "whether the hooks keep quiet; GIT_VIBE_HOOK=0 makes them for one command"),
    Known("vibe.hooks.block", "boolean", "false", "whether pre-commit and pre-push fail where sessions changed files"),
    Known("vibe.hooks.wait", "number", "150", "milliseconds a hook takes at most; `git vibe status` tells the rest"),
    Known("pager.vibe", "pager", None, "whether and how `git vibe diff` and `log` page; by default as git's do"),
    Known("advice.vibeHints", "boolean", "true", "whether git-vibe gives advice that is no answer to an error"),
)


def settings(repo: Repository) -> list[Setting]:
    """All known settings in force, then every other `vibe.*` key that is set."""
    found = _configured(repo)
    known = {item.key.lower() for item in KNOWN}
    rows = [Setting(item.key, item.kind, *_in_force(item, found)) for item in KNOWN]
    others = [
        Setting(key, "unknown", value, origin) for key, (value, origin) in sorted(found.items()) if key not in known
    ]
    return rows + [row for row in others if row.key.startswith("vibe.")]


def _in_force(item: Known, found: dict[str, tuple[str, str]]) -> tuple[str, str]:
    return found.get(item.key.lower(), (item.default or "", "default"))


def _configured(repo: Repository) -> dict[str, tuple[str, str]]:
    """Lower-case key to (value, origin) of everything that is configured; the last one wins."""
    fields = run_git(["config", "--list", "-z", "--show-origin"], cwd=repo.worktree).split(b"\0")
    found = {}
    for origin, item in zip(fields[::2], fields[1::2], strict=False):
        key, separator, value = os.fsdecode(item).partition("\n")
        found[key] = (value if separator else "true", os.fsdecode(origin))
    return found
