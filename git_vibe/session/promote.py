"""Turning a session's changes into a commit on `refs/vibes/<session>`.

Order: objects, commit, note, ref, record. A crash before the ref leaves the old state; one after it is noticed by the
next promote, which takes over the commit the ref has.
"""

from __future__ import annotations

import os
import re
import time
from typing import NamedTuple

from git_vibe.daemon import client
from git_vibe.errors import RefMoved
from git_vibe.git.command import WRITTEN_OUT, run_git
from git_vibe.git.notes import read_note, write_note
from git_vibe.git.refs import is_ancestor, read_ref, update_ref
from git_vibe.git.write import tree_of
from git_vibe.session.archive import pin_archive, session_head
from git_vibe.session.changes import Change, tree_changes
from git_vibe.session.identity import commit_environment
from git_vibe.session.layers import layer_trees
from git_vibe.session.scratch import Scratch, scratch_for
from git_vibe.session.tree import session_tree
from git_vibe.session.workspace import Workspace
from git_vibe.store.faults import reached
from git_vibe.store.layout import NOTES_REF, promote_ref
from git_vibe.store.lock import locked
from git_vibe.store.record import SessionRecord, write_record
from git_vibe.types import Oid, SessionName

_SECRET = re.compile(rb"(^|/)(\.env(\..*)?|id_[a-z0-9]+|.*\.(pem|key|p12|pfx)|\.netrc|\.pgpass|credentials(\.json)?)$")


class Promoted(NamedTuple):
    """The commit a promote made. `warnings` are for the user."""

    commit: Oid
    parent: Oid
    ref: str
    files: int
    insertions: int
    deletions: int
    warnings: tuple[str, ...] = ()


def promote(ws: Workspace, name: SessionName, *, message: str | None = None) -> Promoted | None:
    """Commit what is dirty in a session; None when nothing is. The session goes on and is not dirty any more.

    Raises SessionNotFound, SessionBusy, RefMoved, GitError and what reading the session raises.
    """
    with ws.session_lock(name) as record, client.sealed_layers(ws.layout, name) as layers:
        record, old = _settle(ws, record)
        with scratch_for(ws, record, throwaway=False) as scratch:
            tree = session_tree(scratch, layer_trees(scratch.paths, layers))
            if tree.oid == tree_of(record.reference, cwd=ws.repo.common_dir):
                return None
            return _publish(scratch, tree.oid, tree.warnings, old=old, message=message)


def _settle(ws: Workspace, record: SessionRecord) -> tuple[SessionRecord, Oid | None]:
    """Bring record and ref together; return the record and the value the ref has now. Raises RefMoved."""
    ref = promote_ref(record.name)
    found = read_ref(ref, cwd=ws.repo.common_dir)
    if found is None or found == record.promoted:
        return record, found
    if _is_own(ws, record, found):
        record = record._replace(promoted=found)
        write_record(ws.paths(record.name).meta, record)
    elif record.promoted is not None:
        raise RefMoved(
            f"{ref} is at {found[:10]}, but the last promote of session '{record.name}' is {record.promoted[:10]}",
            f"keep what is there under another name, then run `git update-ref {ref} {record.promoted}`",
        )
    elif not is_ancestor(found, record.base, cwd=ws.repo.common_dir):
        pin_archive(ws, record.name, found)
    return record, found


def _is_own(ws: Workspace, record: SessionRecord, found: Oid) -> bool:
    """Whether a crash came between this session's last promote and its record."""
    parent = read_ref(f"{found}^", cwd=ws.repo.common_dir)
    note = read_note(NOTES_REF, found, cwd=ws.repo.common_dir)
    return parent == record.reference and note.get("created_ns") == record.created_ns


def _publish(
    scratch: Scratch, tree: Oid, warnings: tuple[str, ...], *, old: Oid | None, message: str | None
) -> Promoted:
    ws, record = scratch.ws, scratch.record
    reached("promote.objects")
    environment = commit_environment(ws, record.agent)
    text = _message(record, message, scratch)
    command = [*WRITTEN_OUT, "commit-tree", tree, "-p", record.reference, "-F", "-"]
    commit = Oid(run_git(command, cwd=ws.repo.common_dir, env=environment, stdin=text).decode().strip())
    result = _result(scratch, commit, warnings)
    reached("promote.commit")
    _write_note(scratch, result, environment)
    reached("promote.note")
    update_ref(result.ref, commit, old=old, message=f"promote: session '{record.name}'", cwd=ws.repo.common_dir)
    reached("promote.ref")
    write_record(scratch.paths.meta, record._replace(promoted=commit))
    reached("promote.record")
    return result


def _message(record: SessionRecord, message: str | None, scratch: Scratch) -> bytes:
    """The commit message; git places the trailers, also below trailers the message has."""
    trailers = [f"Vibe-Session: {record.name}", *([f"Vibe-Agent: {record.agent}"] if record.agent else [])]
    trailers.append(f"Vibe-Base: {record.base}")
    text = (message or f"VibeFS: Promote session '{record.name}'").rstrip("\n") + "\n"
    command = ["interpret-trailers", "--no-divider", *(f"--trailer={trailer}" for trailer in trailers)]
    return run_git(command, cwd=scratch.worktree, env=scratch.environment, stdin=os.fsencode(text))


def _result(scratch: Scratch, commit: Oid, warnings: tuple[str, ...]) -> Promoted:
    record = scratch.record
    command = ["diff-tree", "-r", "-z", "--numstat", "--no-renames", record.reference, commit]
    counts = [line.split(b"\t") for line in run_git(command, cwd=scratch.ws.repo.common_dir).split(b"\0")[:-1]]
    secrets = _secret_warnings(tree_changes(scratch, record.reference, commit))
    return Promoted(
        commit, record.reference, promote_ref(record.name), len(counts),
        sum(int(count[0]) for count in counts if count[0] != b"-"),
        sum(int(count[1]) for count in counts if count[1] != b"-"),
        (*warnings, *secrets),
    )  # fmt: skip


def _secret_warnings(changes: list[Change]) -> list[str]:
    suspects = [change.path for change in changes if change.status == "A" and _SECRET.search(change.path)]
    return [f"'{os.fsdecode(path)}' looks like a secret and is now in a commit" for path in suspects]


def _write_note(scratch: Scratch, result: Promoted, environment: dict[str, str]) -> None:
    record, cwd = scratch.record, scratch.ws.repo.common_dir
    data = {
        "session": record.name,
        "agent": record.agent,
        "command": list(record.command),
        "base": record.base,
        "parent": result.parent,
        "head": session_head(scratch.paths),
        "created_ns": record.created_ns,
        "promoted_ns": time.time_ns(),
        "files": result.files,
        "insertions": result.insertions,
        "deletions": result.deletions,
    }
    with locked(scratch.ws.layout.root / "notes.lock", what="the notes of git-vibe"):
        write_note(NOTES_REF, result.commit, data, cwd=cwd, env=environment)
