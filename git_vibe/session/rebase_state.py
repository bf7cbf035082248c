"""What a rebase that has not ended knows: `sessions/<s>/rebase/state.json` and the index from before.

Objects that only it needs are kept by `refs/vibe/rebase/<s>`.
"""

from __future__ import annotations

import json
import os
from typing import Any, NamedTuple

from git_vibe.errors import RebaseInProgress, StateCorrupt
from git_vibe.git.merge import Conflict
from git_vibe.git.write import Entry
from git_vibe.store.atomic import remove_dir_atomically, write_atomically
from git_vibe.store.layout import SessionPaths
from git_vibe.types import Oid


class Stand(NamedTuple):
    """Where a session stands: its record's commits, its HEAD, and what refs/vibes/<session> points to."""

    base: Oid
    below: Oid | None
    shown: str | None
    promoted: Oid | None
    head: Oid
    published: Oid | None


class Moved(NamedTuple):
    """A submodule whose work tree in the session is to follow: from one commit to another."""

    path: bytes
    old: Oid
    new: Oid


class RebaseState(NamedTuple):
    """Where the session stood and is to stand.

    `tree` is the tree it had right after, `staged` the tree its index was filled from, `kept` a commit that holds all
    that it was before. `branch` is the branch its HEAD was on. `rewritten` are commits that were made anew with what
    they became; `lost` are commits that could not be, each with what to say about it. `skipped` are paths that git
    was told not to look at and that are not there. `placed` tells that refs, index and record show the second stand,
    `undoing` that an abort has begun.
    """

    before: Stand
    after: Stand
    tree: Oid
    staged: Oid
    kept: Oid
    conflicts: tuple[Conflict, ...] = ()
    branch: str | None = None
    label: str = ""
    files: int = 0
    rewritten: tuple[tuple[Oid, Oid], ...] = ()
    lost: tuple[tuple[Oid, str], ...] = ()
    submodules: tuple[Moved, ...] = ()
    skipped: tuple[bytes, ...] = ()
    placed: bool = False
    undoing: bool = False

    @property
    def paths(self) -> tuple[str, ...]:
        """The paths in conflict, as people read them."""
        return tuple(os.fsdecode(conflict.path) for conflict in self.conflicts)


def read_state(paths: SessionPaths) -> RebaseState | None:
    """The rebase in progress, or None. Raises StateCorrupt."""
    try:
        raw = json.loads(paths.rebase_state.read_bytes())
        return _from_json(raw)
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError) as error:
        raise StateCorrupt(
            f"{paths.rebase_state} is damaged: {error}",
            f"`git vibe close --force {paths.name}` archives the session and ends it",
        ) from error


def _from_json(raw: dict[str, Any]) -> RebaseState:
    return RebaseState(**{
        **raw,
        "before": Stand(**raw["before"]),
        "after": Stand(**raw["after"]),
        "conflicts": tuple(_conflict(*each) for each in raw["conflicts"]),
        "rewritten": tuple((Oid(old), Oid(new)) for old, new in raw["rewritten"]),
        "lost": tuple((Oid(commit), words) for commit, words in raw["lost"]),
        "submodules": tuple(Moved(os.fsencode(path), Oid(old), Oid(new)) for path, old, new in raw["submodules"]),
        "skipped": tuple(map(os.fsencode, raw["skipped"])),
    })  # fmt: skip


def _conflict(path: str, stages: dict[str, list[Any]]) -> Conflict:
    found = {int(stage): Entry(int(mode), Oid(oid)) for stage, (mode, oid) in stages.items()}
    return Conflict(os.fsencode(path), found)


def write_state(paths: SessionPaths, state: RebaseState) -> None:
    """Replace what is known of the rebase."""
    data = {
        **state._asdict(),
        "before": state.before._asdict(),
        "after": state.after._asdict(),
        "conflicts": [(os.fsdecode(each.path), each.stages) for each in state.conflicts],
        "submodules": [(os.fsdecode(each.path), each.old, each.new) for each in state.submodules],
        "skipped": [os.fsdecode(path) for path in state.skipped],
    }
    paths.rebase.mkdir(exist_ok=True)
    write_atomically(paths.rebase_state, json.dumps(data, indent=2).encode() + b"\n")


def forget_state(paths: SessionPaths) -> None:
    """The rebase has ended."""
    remove_dir_atomically(paths.rebase)


def refuse_during_rebase(paths: SessionPaths) -> None:
    """Raises RebaseInProgress while a rebase of the session has not ended."""
    state = read_state(paths)
    if state is None:
        return
    name, files = paths.name, [f"  {path}" for path in state.paths]
    back = f"`git vibe rebase --abort {name}` goes back"
    if not state.placed:
        raise RebaseInProgress(
            f"a rebase of session '{name}' was interrupted", f"run `git vibe rebase --continue {name}`; {back}"
        )
    raise RebaseInProgress(
        "\n".join([f"a rebase of session '{name}' has not ended" + (":" if files else ""), *files]),
        f"resolve the conflicts in the session and `git add` the files, then run `git vibe rebase --continue {name}`;"
        f" {back}",
    )
