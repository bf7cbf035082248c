"""Turning a session's changes into a commit on `refs/vibes/<session>`.

Order: objects, commit, note, ref, record. A crash before the ref leaves the old state; one after it is noticed by the
next promote, which takes over the commit the ref has.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Sequence
from typing import NamedTuple

from git_vibe.daemon import client
from git_vibe.errors import RefMoved, UsageError
from git_vibe.git.command import run_git
from git_vibe.git.notes import read_note, write_note
from git_vibe.git.refs import is_ancestor, read_ref, update_ref
from git_vibe.session.archive import pin_once, session_head
from git_vibe.session.audit import audit
from git_vibe.session.authoring import Authored, Wishes, author
from git_vibe.session.changes import Change, tree_changes
from git_vibe.session.identity import commit_environment
from git_vibe.session.included import include
from git_vibe.session.layers import layer_trees
from git_vibe.session.provenance import provenance
from git_vibe.session.rebase_state import refuse_during_rebase
from git_vibe.session.scratch import Scratch, scratch_for
from git_vibe.session.selection import selected_tree
from git_vibe.session.survey import Scope
from git_vibe.session.tree import PROMOTED, SessionTree, session_tree
from git_vibe.session.workspace import Workspace
from git_vibe.store.faults import reached
from git_vibe.store.layout import NOTES_REF, promote_ref
from git_vibe.store.lock import locked
from git_vibe.store.record import SessionRecord, write_record
from git_vibe.types import Oid, SessionName

_SECRET = re.compile(rb"(^|/)(\.env(\..*)?|id_[a-z0-9]+|.*\.(pem|key|p12|pfx)|\.netrc|\.pgpass|credentials(\.json)?)$")
_WITH_IGNORED = Scope(ignored_files=sys.maxsize, ignored_bytes=sys.maxsize)
_PLAINLY = Wishes()


class Promoted(NamedTuple):
    """The commit a promote made. `warnings` are for the user.

    `commits` counts commits of the agent's own that were published with it, `output` is what hooks said.
    """

    commit: Oid
    parent: Oid
    ref: str
    files: int
    insertions: int
    deletions: int
    warnings: tuple[str, ...] = ()
    commits: int = 0
    output: str = ""


def promote(ws: Workspace, name: SessionName, wishes: Wishes = _PLAINLY) -> Promoted | None:
    """Commit what is dirty in a session; None when nothing is. The session goes on, and what was promoted is not
    dirty any more.

    Raises SessionNotFound, SessionBusy, RebaseInProgress, RefMoved, PathspecUnmatched, PromoteRefused, UsageError,
    GitError and what reading the session raises.
    """
    if wishes.keep_commits and wishes.only:
        raise UsageError("--keep-commits publishes whole commits", "leave --only away, or --keep-commits")
    with ws.session_lock(name) as record:
        refuse_during_rebase(ws.paths(name))
        record, old = settle(ws, record)
        with scratch_for(ws, record, throwaway=False) as scratch:
            scope = _WITH_IGNORED if wishes.include_ignored else PROMOTED
            with client.sealed_layers(ws.layout, name) as layers:
                tree = session_tree(scratch, layer_trees(scratch.paths, layers), scope=scope)
            return _Promotion(scratch, tree, wishes).publish(old)


def settle(ws: Workspace, record: SessionRecord) -> tuple[SessionRecord, Oid | None]:
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
        pin_once(ws, record.name, found)
    return record, found


def _is_own(ws: Workspace, record: SessionRecord, found: Oid) -> bool:
    """Whether a crash came between this session's last promote and its record."""
    note = read_note(NOTES_REF, found, cwd=ws.repo.common_dir)
    return note.get("parent") == record.reference and note.get("created_ns") == record.created_ns


class _Promotion:
    """One promote of a session whose tree is known."""

    def __init__(self, scratch: Scratch, tree: SessionTree, wishes: Wishes) -> None:
        self.scratch = scratch
        self.ws = scratch.ws
        self.record = scratch.record
        self.tree = tree
        self.wishes = wishes
        self.head = session_head(scratch.paths)

    def publish(self, old: Oid | None) -> Promoted | None:
        """Commit, write notes, and move the ref from `old`. None when there is nothing to promote."""
        reached("promote.objects")
        parents, wanted = self._parents(), self._wanted()
        if parents == [self.record.reference] and wanted == self.scratch.sink.tree_of(self.record.reference):
            return None
        made = self._commit(wanted, parents)
        own = self._own_commits() if parents != [self.record.reference] else []
        result = self._result(made, len(own))
        reached("promote.commit")
        self._write_notes(result, made, own, is_whole=not self.wishes.only)
        reached("promote.note")
        self._include(made.commit)
        message = f"promote: session '{self.record.name}'"
        update_ref(result.ref, made.commit, old=old, message=message, cwd=self.ws.repo.common_dir)
        reached("promote.ref")
        write_record(self.scratch.paths.meta, self.record._replace(promoted=made.commit))
        reached("promote.record")
        self._audit(result)
        return result

    def _wanted(self) -> Oid:
        """The tree that is to be committed."""
        before = self.scratch.sink.tree_of(self.record.reference)
        if not self.wishes.only or self.tree.oid == before:
            return self.tree.oid
        return selected_tree(self.scratch, before, self.tree.oid, self.wishes.only)

    def _parents(self) -> list[Oid]:
        """The last promote or the base; where the agent's own commits are kept, those instead or besides."""
        reference, cwd = self.record.reference, self.ws.repo.common_dir
        if not self.wishes.keep_commits or self.head is None or is_ancestor(self.head, reference, cwd=cwd):
            return [reference]
        return [self.head] if is_ancestor(reference, self.head, cwd=cwd) else [reference, self.head]

    def _commit(self, tree: Oid, parents: Sequence[Oid]) -> Authored:
        """A commit of the tree; where the agent's last commit is just that, it needs no other."""
        if parents == [self.head] != [self.record.reference] and self.scratch.sink.tree_of(parents[0]) == tree:
            return Authored(parents[0])
        return author(self.scratch, tree, parents, self.wishes)

    def _own_commits(self) -> list[Oid]:
        """Commits made in the session that nothing but its own branch reaches, the newest first."""
        branch = [f"--exclude={self.record.branch}"] if self.record.branch else []
        command = ["rev-list", str(self.head), "--not", self.record.reference, *branch, "--glob=refs/*"]
        return [Oid(line) for line in run_git(command, cwd=self.ws.repo.common_dir).decode().split()]

    def _result(self, made: Authored, own: int) -> Promoted:
        changes = tree_changes(self.scratch, self.record.reference, made.commit)
        return Promoted(
            made.commit, self.record.reference, promote_ref(self.record.name), len(changes),
            sum(change.added for change in changes), sum(change.deleted for change in changes),
            (*self.tree.warnings, *_secret_warnings(changes)), own, made.words,
        )  # fmt: skip

    def _include(self, commit: Oid) -> None:
        """Remember which ignored files are in the commit, so that they are not missed from now on."""
        if not self.wishes.include_ignored or not self.tree.ignored.entries:
            return
        paths = [entry.path for entry in self.tree.ignored.entries]
        command: list[str | bytes] = ["ls-tree", "-r", "-z", "--name-only", "--full-tree", commit, "--", *paths]
        include(self.scratch.paths, run_git(command, cwd=self.ws.repo.common_dir).split(b"\0")[:-1])

    def _write_notes(self, result: Promoted, made: Authored, own: Sequence[Oid], *, is_whole: bool) -> None:
        cwd, origin = self.ws.repo.common_dir, provenance(self.ws, self.record)
        data = {**origin, **self._note(result, made, is_whole=is_whole)}
        environment = commit_environment(self.ws, self.record.agent)
        with locked(self.ws.layout.root / "notes.lock", what="the notes of git-vibe"):
            for commit in own:
                write_note(NOTES_REF, commit, {**origin, "commit": commit}, cwd=cwd, env=environment)
            write_note(NOTES_REF, result.commit, data, cwd=cwd, env=environment)

    def _audit(self, result: Promoted) -> None:
        record, done = self.record, result._asdict()
        told = {key: done[key] for key in ("commit", "parent", "files", "insertions", "deletions")}
        audit(self.ws, "promote", session=record.name, agent=record.agent, model=record.model, **told)

    def _note(self, result: Promoted, made: Authored, *, is_whole: bool) -> dict[str, object]:
        """What is known about the commit; `head` only where it has everything that the agent's commits have."""
        return {
            "commit": result.commit,
            "parent": result.parent,
            "head": self.head if is_whole else None,
            "files": result.files,
            "insertions": result.insertions,
            "deletions": result.deletions,
            **({"signing_key": made.key} if made.key else {}),
        }


def _secret_warnings(changes: list[Change]) -> list[str]:
    suspects = [change.path for change in changes if change.status == "A" and _SECRET.search(change.path)]
    return [f"'{os.fsdecode(path)}' looks like a secret and is now in a commit" for path in suspects]
