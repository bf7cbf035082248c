"""Checks of a repository's git-vibe state: is everything there that the sessions need, and nothing left over?"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from git_vibe.daemon import client
from git_vibe.daemon.client import clear_mount, mount_points
from git_vibe.errors import StateCorrupt, VibeError
from git_vibe.git.command import run_git, run_git_status
from git_vibe.git.refs import read_ref
from git_vibe.session.base import ensure_table, is_whole
from git_vibe.session.doctor import Finding, Problem, contained
from git_vibe.session.doctor_leftovers import check_leftovers
from git_vibe.session.rebase_state import read_state
from git_vibe.session.workspace import Workspace
from git_vibe.store.atomic import write_atomically
from git_vibe.store.layer import supports_xattrs
from git_vibe.store.layout import FORMAT, base_ref, below_ref
from git_vibe.store.record import SessionRecord, layer_ids, session_names
from git_vibe.types import SessionName


def check_repository(ws: Workspace) -> Iterator[Finding]:
    """Everything about one repository."""
    if not ws.layout.root.exists():
        yield f"{ws.layout.root} does not exist yet: `git vibe init` makes it"
        return
    checks: tuple[tuple[Callable[[Workspace], Iterator[Finding]], str], ...] = (
        (check_version, "the version"),
        (check_store, "the store"),
        (check_leftovers, "what killed commands left"),
        (check_sessions, "the sessions"),
        (check_daemon, "the daemon"),
        (check_orphans, "the mount table"),
    )
    for check, about in checks:
        yield from contained(partial(check, ws), about)


def check_version(ws: Workspace) -> Iterator[Finding]:
    """Is the format of the state one we read?"""
    try:
        ws.is_initialised()
    except StateCorrupt as error:
        mend = None if ws.layout.version.exists() else partial(_write_version, ws)
        yield Problem(error.message, error.suggestion, mend)
    else:
        yield f"{ws.layout.root} has format {FORMAT}"


def _write_version(ws: Workspace) -> None:
    """A lost version file is written anew: only this format has sessions that can be read as such."""
    for name in session_names(ws.layout):
        ws.record(name)
    write_atomically(ws.layout.version, f"{FORMAT}\n".encode())


def check_store(ws: Workspace) -> Iterator[Finding]:
    """Can a delta be written here?"""
    for directory in (ws.layout.sessions, ws.layout.context, ws.layout.logs):
        if not directory.is_dir():
            yield Problem(f"{directory} is missing", "`git vibe doctor --repair` makes it", directory.mkdir)
    if ws.layout.audit.exists() and not os.access(ws.layout.audit, os.W_OK):
        yield Problem(f"{ws.layout.audit} is not writable: nothing is recorded there", "mend its owner or its modes")
    if not os.access(ws.layout.root, os.W_OK):
        yield Problem(f"{ws.layout.root} is not writable", "run as its owner, or mend its modes")
    elif not supports_xattrs(os.fsencode(ws.layout.root)):
        yield Problem(f"the file system of {ws.layout.root} has no user xattrs", "keep the repository on another one")
    else:
        yield "the store is writable and keeps user xattrs"


def check_sessions(ws: Workspace) -> Iterator[Finding]:
    """Does every session have all that it needs?"""
    for name in session_names(ws.layout):
        yield from contained(partial(_check_session, ws, name), f"session '{name}'")


def _check_session(ws: Workspace, name: SessionName) -> Iterator[Finding]:
    record = ws.record(name)
    problems: list[Finding] = [
        *_check_layers(ws, record),
        *_check_base(ws, record),
        *_check_worktree(ws, record),
        *_check_mount(ws, record),
        *_check_rebase(ws, record),
    ]
    yield from problems or [f"session '{name}' is sound"]


def _check_layers(ws: Workspace, record: SessionRecord) -> Iterator[Problem]:
    paths = ws.paths(record.name)
    layers = layer_ids(paths)
    if not layers:
        yield Problem(
            f"session '{record.name}' has no layers: its changes are gone",
            f"look for a copy of {paths.layers}, or end it with `git vibe close --force {record.name}`",
        )
    for layer in layers:
        tree = paths.layer(layer) / "tree"
        if not os.access(tree, os.R_OK | os.X_OK):
            yield Problem(f"{tree} cannot be read", "mend its modes, or look for a copy of it")


def _check_base(ws: Workspace, record: SessionRecord) -> Iterator[Problem]:
    command = ["rev-list", "--objects", "--no-walk", "--quiet", record.base, record.clean]
    done = run_git_status(command, cwd=ws.repo.common_dir)
    if done.returncode != 0:
        words = done.stderr.decode(errors="replace").strip()
        yield Problem(
            f"the base {record.base[:10]} of session '{record.name}' is incomplete: {words}",
            "fetch it again from where the repository came from (`git fetch`)",
        )
        return
    yield from _check_pins(ws, record)
    directory = ws.layout.base_cache(record.base_key)
    if not is_whole(directory):
        mend = partial(ensure_table, ws, record.clean, directory)
        yield Problem(f"{directory} is damaged", "`git vibe doctor --repair` builds it anew", mend)


def _check_pins(ws: Workspace, record: SessionRecord) -> Iterator[Problem]:
    """Is the base kept from being collected, and the commit that clean files are read from?"""
    pins = {base_ref(record.name): record.base}
    if record.below is not None:
        pins[below_ref(record.name)] = record.below
    for ref, commit in pins.items():
        if read_ref(ref, cwd=ws.repo.common_dir) != commit:
            yield Problem(
                f"{ref} is not at {commit[:10]}: git gc may drop what session '{record.name}' is read from",
                f"`git update-ref {ref} {commit}`",
                partial(_pin, ws, ref, commit),
            )


def _check_rebase(ws: Workspace, record: SessionRecord) -> Iterator[Finding]:
    """Was a rebase interrupted? One that waits for conflicts to be resolved is no problem."""
    state = read_state(ws.paths(record.name))
    if state is None:
        return
    ways = f"`git vibe rebase --continue {record.name}` goes on, `git vibe rebase --abort {record.name}` goes back"
    if state.placed and not state.undoing:
        yield f"a rebase of session '{record.name}' waits for its conflicts to be resolved: {ways}"
        return
    if state.undoing:
        ways = f"`git vibe rebase --abort {record.name}` finishes that"
    yield Problem(f"a rebase of session '{record.name}' was interrupted", ways)


def _pin(ws: Workspace, ref: str, commit: str) -> None:
    run_git(["update-ref", ref, commit], cwd=ws.repo.common_dir)


def _check_worktree(ws: Workspace, record: SessionRecord) -> Iterator[Problem]:
    git_dir = ws.paths(record.name).git_dir
    missing = [name for name in ("HEAD", "commondir", "gitdir", "index") if not (git_dir / name).is_file()]
    if missing:
        yield Problem(
            f"the linked work tree {git_dir} of session '{record.name}' lacks {', '.join(missing)}",
            f"git does not work there; the files are safe: `git vibe close --force {record.name}` archives them",
        )


def _check_mount(ws: Workspace, record: SessionRecord) -> Iterator[Problem]:
    state = client.session_state(ws.layout, record.name, record.mount)
    if state.pid is not None and _is_stopped(state.pid):
        yield Problem(f"the worker of session '{record.name}' is stopped", f"`kill -CONT {state.pid}` lets it go on")
    elif state.state == "stale":
        yield Problem(
            f"the mount of session '{record.name}' is dead: {record.mount}",
            f"`git vibe spawn {record.name}` mounts it again",
            partial(_remount, ws, record),
        )


def _is_stopped(pid: int) -> bool:
    try:
        status = Path(f"/proc/{pid}/stat").read_text(errors="replace")
    except OSError:
        return False
    return status.rpartition(")")[2].split()[0] in ("T", "t")


def _remount(ws: Workspace, record: SessionRecord) -> None:
    from git_vibe.session.spawn import ensure_mounted

    ensure_mounted(ws, record)


def check_daemon(ws: Workspace) -> Iterator[Finding]:
    """Does the daemon's pid file tell the truth?"""
    pid = client.daemon_pid(ws.layout)
    if pid is not None:
        yield f"the daemon runs (pid {pid})"
    elif ws.layout.daemon_pid.exists():
        forget = partial(ws.layout.daemon_pid.unlink, missing_ok=True)
        yield Problem("the daemon has died without cleaning up", "the next command starts a new one", forget)
    else:
        yield "the daemon is not running; it starts when it is needed"


def check_orphans(ws: Workspace) -> Iterator[Finding]:
    """Are there mounts of ours that belong to no session?"""
    for path in orphaned_mounts(ws):
        yield Problem(
            f"{path} is mounted but belongs to no session", f"`fusermount3 -uz {path}`", partial(clear_mount, path)
        )


def orphaned_mounts(ws: Workspace) -> list[str]:
    """Mounts below this repository's mount roots that belong to no session."""
    from git_vibe.session.spawn import mount_root

    known, roots = set(), {str(mount_root(ws))}
    for name in session_names(ws.layout):
        with contextlib.suppress(VibeError):
            record = ws.record(name)
            known.add(record.mount)
            roots.add(os.path.dirname(record.mount))
    return sorted(path for path in mount_points() - known if os.path.dirname(path) in roots)
