"""Making refs, index and record of a session follow the layer that a rebase put on top, and back again.

Everything may be repeated: after a crash it is done again from what `rebase/state.json` says.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from pathlib import Path

from git_vibe.daemon import client
from git_vibe.errors import DaemonUnavailable, RefMoved
from git_vibe.git.command import run_git, run_git_status
from git_vibe.git.notes import read_note, write_note
from git_vibe.git.refs import delete_ref, read_ref, update_ref
from git_vibe.session.archive import pin_once, session_head
from git_vibe.session.identity import commit_environment
from git_vibe.session.rebase_index import build_index, put_index
from git_vibe.session.rebase_state import RebaseState, Stand, forget_state, write_state
from git_vibe.session.scratch import Scratch
from git_vibe.session.workspace import Workspace
from git_vibe.store.atomic import remove_tree, temporary_name
from git_vibe.store.faults import reached
from git_vibe.store.layout import ADOPTED, NOTES_REF, base_ref, below_ref, promote_ref, rebase_ref
from git_vibe.store.lock import locked
from git_vibe.store.record import SessionRecord, layer_ids, write_record
from git_vibe.types import LayerId, Oid, SessionName

_STAGED = "rebase"
_FORWARD, _BACK = "vibe: rebase", "vibe: rebase --abort"


def adopted(ws: Workspace, name: SessionName) -> LayerId | None:
    """The layer that a rebase has put on top of those from before, if it came to that."""
    paths = ws.paths(name)
    found = [layer for layer in layer_ids(paths) if (paths.layer(layer) / ADOPTED).exists()]
    return found[0] if found else None


def save(scratch: Scratch, state: RebaseState, pin: Oid) -> None:
    """Remember how to go on and how to go back; `pin` is a commit that keeps all objects needed for either."""
    paths = scratch.paths
    paths.rebase.mkdir(exist_ok=True)
    with contextlib.suppress(FileNotFoundError):
        shutil.copy2(paths.git_dir / "index", paths.rebase / "index")
    _set_ref(rebase_ref(paths.name), pin, _FORWARD, cwd=scratch.ws.repo.common_dir)
    write_state(paths, state)
    reached("rebase.saved")


def forget(ws: Workspace, name: SessionName) -> None:
    """A rebase has ended, or has not begun after all."""
    discard_staged(ws, name)
    forget_state(ws.paths(name))
    delete_ref(rebase_ref(name), cwd=ws.repo.common_dir)


def staging(ws: Workspace, name: SessionName) -> Path:
    """Where a layer can be prepared."""
    return temporary_name(ws.paths(name).layers / _STAGED, ".new")


def discard_staged(ws: Workspace, name: SessionName) -> None:
    """Remove layers that were prepared and not used."""
    for path in ws.paths(name).layers.glob(f".new-{_STAGED}-*"):
        remove_tree(path)


def conclude(ws: Workspace, name: SessionName) -> None:
    """The rebase has ended: its layer becomes like any other. Where nobody serves it, the next mount does that."""
    forget(ws, name)
    reached("rebase.forgotten")
    merge_leftover(ws, name)


def merge_leftover(ws: Workspace, name: SessionName) -> None:
    """Make a layer be like any other whose rebase has ended."""
    if adopted(ws, name) is not None:
        with contextlib.suppress(OSError, DaemonUnavailable):
            client.merge_layers(ws.layout, name)


# Forward


def place(scratch: Scratch, state: RebaseState, index: Path | None = None) -> tuple[str, ...]:
    """Let refs, index and record show where the session stands now; returns what to tell the user.

    The caller holds the lock of the index; `index` is what it is to be, if that has been built already.
    """
    ws, record, paths = scratch.ws, scratch.record, scratch.paths
    warnings = tuple(f"{words}, see {pin_once(ws, record.name, commit)}" for commit, words in state.lost)
    _carry_notes(scratch, state)
    _move_refs(ws, record, state.before, state.after)
    _move_head(ws, record.name, state.before.head, state.after.head)
    reached("rebase.refs")
    put_index(paths, index or build_index(scratch, paths.rebase / "index", state))
    reached("rebase.index")
    write_record(paths.meta, _standing(record, state.after))
    write_state(paths, state._replace(placed=True))
    reached("rebase.placed")
    return warnings


def _standing(record: SessionRecord, stand: Stand) -> SessionRecord:
    return record._replace(base=stand.base, below=stand.below, shown=stand.shown, promoted=stand.promoted)


def _move_refs(ws: Workspace, record: SessionRecord, old: Stand, new: Stand) -> None:
    """Pin what the session stands on and move its promotes. Raises RefMoved where somebody else moved those."""
    cwd = ws.repo.common_dir
    if new.below is not None:
        _set_ref(below_ref(record.name), new.below, _FORWARD, cwd=cwd)
    _set_ref(base_ref(record.name), new.base, _FORWARD, cwd=cwd)
    ref = promote_ref(record.name)
    if new.published not in (old.published, read_ref(ref, cwd=cwd)):
        assert new.published is not None
        update_ref(ref, new.published, old=old.published, message=_FORWARD, cwd=cwd)


def _set_ref(ref: str, new: Oid, message: str, *, cwd: Path) -> None:
    """Move a ref that nobody else has any business with."""
    old = read_ref(ref, cwd=cwd)
    if old != new:
        update_ref(ref, new, old=old, message=message, cwd=cwd)


def _move_head(ws: Workspace, name: SessionName, old: Oid, new: Oid, message: str = _FORWARD) -> None:
    """Move the session's HEAD, or the branch it is on. Raises RefMoved where it is at neither commit."""
    paths = ws.paths(name)
    if session_head(paths) == new:
        return
    command = ["update-ref", "-m", message, "HEAD", new, old]
    if run_git_status(command, cwd=ws.repo.common_dir, env=_git(paths.git_dir)).returncode != 0:
        raise RefMoved(f"HEAD of session '{name}' was moved meanwhile", "look at it with `git reflog` in the session")


def _git(git_dir: Path) -> dict[str, str]:
    return {"GIT_DIR": os.fspath(git_dir)}


def head_branch(ws: Workspace, name: SessionName) -> str | None:
    """The branch that the session's HEAD is on, or None while it is detached."""
    command = ["symbolic-ref", "--quiet", "HEAD"]
    done = run_git_status(command, cwd=ws.repo.common_dir, env=_git(ws.paths(name).git_dir))
    return done.stdout.decode(errors="surrogateescape").strip() if done.returncode == 0 else None


def _carry_notes(scratch: Scratch, state: RebaseState) -> None:
    """Let commits that were made anew keep their notes, which name other commits now."""
    ws, cwd = scratch.ws, scratch.ws.repo.common_dir
    anew = dict(state.rewritten)
    noted = {new: note for old, new in anew.items() if (note := read_note(NOTES_REF, old, cwd=cwd))}
    if not noted:
        return
    environment = commit_environment(ws, scratch.record.agent)
    with locked(ws.layout.root / "notes.lock", what="the notes of git-vibe"):
        for commit, note in noted.items():
            moved = {"base": state.after.base, "parent": anew.get(Oid(str(note.get("parent"))), state.after.base)}
            if note.get("head"):
                moved["head"] = anew.get(Oid(note["head"]), Oid(note["head"]))
            changed = {**note, **{key: value for key, value in moved.items() if key in note}}
            if read_note(NOTES_REF, commit, cwd=cwd) != changed:
                write_note(NOTES_REF, commit, changed, cwd=cwd, env=environment)


# Back


def restore(scratch: Scratch, state: RebaseState) -> None:
    """Let refs, index and record show where the session stood. The caller holds the lock of the index."""
    ws, record, paths = scratch.ws, scratch.record, scratch.paths
    _move_refs_back(ws, record.name, state)
    if (paths.rebase / "index").exists():
        put_index(paths, paths.rebase / "index")
    write_record(paths.meta, _standing(record, state.before))
    reached("rebase.restored")


def _move_refs_back(ws: Workspace, name: SessionName, state: RebaseState) -> None:
    """What somebody else moved since stays where it is."""
    cwd, before, after = ws.repo.common_dir, state.before, state.after
    _set_ref(base_ref(name), before.base, _BACK, cwd=cwd)
    if before.below is not None:
        _set_ref(below_ref(name), before.below, _BACK, cwd=cwd)
    else:
        delete_ref(below_ref(name), cwd=cwd)
    if before.published is not None and read_ref(promote_ref(name), cwd=cwd) == after.published:
        _set_ref(promote_ref(name), before.published, _BACK, cwd=cwd)
    if head_branch(ws, name) != state.branch:
        _attach(ws, name, state.branch)
    _move_head(ws, name, session_head(ws.paths(name)) or after.head, before.head, _BACK)


def _attach(ws: Workspace, name: SessionName, branch: str | None) -> None:
    """Let HEAD be on a branch, or on none."""
    environment, cwd = _git(ws.paths(name).git_dir), ws.repo.common_dir
    if branch is not None:
        run_git(["symbolic-ref", "-m", _BACK, "HEAD", branch], cwd=cwd, env=environment)
    elif (head := session_head(ws.paths(name))) is not None:
        run_git(["update-ref", "--no-deref", "-m", _BACK, "HEAD", head], cwd=cwd, env=environment)
