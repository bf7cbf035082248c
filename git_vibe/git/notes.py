"""Metadata of commits as JSON notes."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from git_vibe.git.command import NO_HOOKS, WRITTEN_OUT, run_git, run_git_status
from git_vibe.types import Oid


def write_note(ref: str, commit: Oid, data: Mapping[str, Any], *, cwd: Path, env: Mapping[str, str]) -> None:
    """Attach `data` to `commit` under the notes ref, replacing what is there. The caller holds a lock: git does not
    merge two notes written at once. `env` holds the committer. Raises GitError."""
    text = json.dumps(data, indent=2, ensure_ascii=True) + "\n"
    command = [*WRITTEN_OUT, *NO_HOOKS, "notes", f"--ref={ref}", "add", "--force", "--file=-", commit]
    run_git(command, cwd=cwd, env=env, stdin=text.encode())


def read_note(ref: str, commit: Oid, *, cwd: Path) -> dict[str, Any]:
    """What `write_note` attached to `commit`; empty when there is nothing readable."""
    done = run_git_status(["notes", f"--ref={ref}", "show", commit], cwd=cwd)
    return next(iter(parse_notes(done.stdout)), {})


def parse_notes(text: bytes) -> list[dict[str, Any]]:
    """The JSON objects of a note: git strings several together when it squashes commits or merges notes."""
    rest, found = text.decode(errors="replace").strip(), []
    decoder = json.JSONDecoder()
    while rest:
        try:
            data, end = decoder.raw_decode(rest)
        except ValueError:
            break
        found += [data] if isinstance(data, dict) else []
        rest = rest[end:].lstrip()
    return found


def all_notes(ref: str, *, cwd: Path) -> list[tuple[Oid, list[dict[str, Any]]]]:
    """Every commit that has a note, and what `parse_notes` makes of it. The commits need not exist any more."""
    done = run_git_status(["notes", f"--ref={ref}", "list"], cwd=cwd)
    pairs = [line.split() for line in done.stdout.decode().splitlines()] if done.returncode == 0 else []
    texts = _contents([blob for blob, _ in pairs], cwd=cwd)
    return [(Oid(commit), parse_notes(text)) for (_, commit), text in zip(pairs, texts, strict=True)]


def _contents(blobs: list[str], *, cwd: Path) -> Iterator[bytes]:
    """Content of each blob; of one that is missing, nothing."""
    listing = "".join(f"{blob}\n" for blob in blobs).encode()
    output = io.BytesIO(run_git(["cat-file", "--batch"], cwd=cwd, stdin=listing))
    for _ in blobs:
        words = output.readline().split()
        missing = words[-1] == b"missing"
        yield b"" if missing else output.read(int(words[-1]) + 1)
