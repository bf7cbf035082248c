"""Taking some changes of a session and leaving the others: `promote --only`.

git itself matches the pathspecs, on an index that has nothing but the changed paths.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

from git_vibe.errors import PathspecUnmatched
from git_vibe.git.command import run_git, run_git_status
from git_vibe.git.grafting import graft
from git_vibe.git.write import Entry
from git_vibe.session.scratch import Scratch
from git_vibe.types import Oid

_ABSENT = 0
_EXCLUDING = (":!", ":^", ":(exclude")


def selected_tree(scratch: Scratch, old: Oid, new: Oid, pathspecs: Sequence[str]) -> Oid:
    """The tree `old` with those changes that lead to the tree `new` and that a pathspec matches.

    Pathspecs are relative to the directory of the caller. Raises PathspecUnmatched.
    """
    before, after = _sides(scratch, old, new)
    chosen = _matched(scratch, before, after, pathspecs)
    return graft(scratch.sink, old, {path: after.get(path) for path in chosen})


def _sides(scratch: Scratch, old: Oid, new: Oid) -> tuple[dict[bytes, Entry], dict[bytes, Entry]]:
    """Entries of all changed paths in either tree."""
    command = ["diff-tree", "-r", "-z", "--raw", "--no-renames", "--no-abbrev", old, new]
    fields = run_git(command, cwd=scratch.worktree, env=scratch.environment).split(b"\0")
    before: dict[bytes, Entry] = {}
    after: dict[bytes, Entry] = {}
    for record, path in zip(fields[:-1:2], fields[1::2], strict=True):
        old_mode, new_mode, old_oid, new_oid, _ = record[1:].decode().split(" ")
        for entries, mode, oid in ((before, old_mode, old_oid), (after, new_mode, new_oid)):
            if int(mode, 8) != _ABSENT:
                entries[path] = Entry(int(mode, 8), Oid(oid))
    return before, after


def _matched(
    scratch: Scratch, before: dict[bytes, Entry], after: dict[bytes, Entry], pathspecs: Sequence[str]
) -> set[bytes]:
    environment = {**scratch.environment, "GIT_INDEX_FILE": os.fspath(scratch.root / "changed")}
    # In stages of their own a file and a directory of the same name can both be there.
    listing = [b"%o %s %d\t%s\0" % (entry.mode, entry.oid.encode(), stage, path)
               for stage, entries in ((1, before), (2, after)) for path, entry in entries.items()]  # fmt: skip
    run_git(["update-index", "-z", "--index-info"], cwd=scratch.worktree, env=environment, stdin=b"".join(listing))
    command = ["ls-files", "-z", "--full-name", "--", *pathspecs]
    done = run_git_status(command, cwd=_directory(scratch), env=environment)
    found = set(done.stdout.split(b"\0")) - {b""}
    if not any(pathspec.startswith(_EXCLUDING) for pathspec in pathspecs):
        # A run of its own: with this option git stops looking for more when a pathspec matched a file exactly.
        command = ["ls-files", "--error-unmatch", "--", *pathspecs]
        done = run_git_status(command, cwd=_directory(scratch), env=environment)
    if done.returncode != 0 or not found:
        raise _unmatched(scratch, pathspecs, done.stderr)
    return found


def _directory(scratch: Scratch) -> str:
    """The caller's directory in the scratch work tree, where its pathspecs are to be read."""
    directory = os.path.join(scratch.worktree, scratch.ws.repo.prefix)
    os.makedirs(directory, exist_ok=True)
    return directory


def _unmatched(scratch: Scratch, pathspecs: Sequence[str], errors: bytes) -> PathspecUnmatched:
    words = os.fsdecode(errors)
    missing = [pathspec for pathspec in pathspecs if f"'{pathspec}'" in words] or pathspecs
    named = ", ".join(f"'{pathspec}'" for pathspec in missing)
    name = scratch.record.name
    return PathspecUnmatched(
        f"no changed file of session '{name}' matches {named}", f"`git vibe status {name}` lists what is changed"
    )
