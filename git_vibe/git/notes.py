"""Metadata of commits as JSON notes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from git_vibe.git.command import WRITTEN_OUT, run_git, run_git_status
from git_vibe.types import Oid


def write_note(ref: str, commit: Oid, data: Mapping[str, Any], *, cwd: Path, env: Mapping[str, str]) -> None:
    """Attach `data` to `commit` under the notes ref, replacing what is there. The caller holds a lock: git does not
    merge two notes written at once. `env` holds the committer. Raises GitError."""
    text = json.dumps(data, indent=2, ensure_ascii=True) + "\n"
    command = [*WRITTEN_OUT, "notes", f"--ref={ref}", "add", "--force", "--file=-", commit]
    run_git(command, cwd=cwd, env=env, stdin=text.encode())


def read_note(ref: str, commit: Oid, *, cwd: Path) -> dict[str, Any]:
    """What `write_note` attached to `commit`; empty when there is nothing readable."""
    done = run_git_status(["notes", f"--ref={ref}", "show", commit], cwd=cwd)
    try:
        data = json.loads(done.stdout) if done.returncode == 0 else {}
    except ValueError:
        return {}
    return data if isinstance(data, dict) else {}
