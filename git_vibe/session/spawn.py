"""`git vibe spawn`: a session exists wholly, with its mount, or not at all."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from git_vibe.daemon.client import clear_mount, mount_session, session_state, unmount_session, wait_until
from git_vibe.errors import GitError, SessionExists, SessionLimit, UsageError
from git_vibe.git.command import DURABLE, NO_HOOKS, run_git
from git_vibe.git.refs import PRIVATE, read_ref
from git_vibe.git.worktree import read_head, write_first_reflog, write_worktree
from git_vibe.session.audit import audit
from git_vibe.session.base import Base, ensure_base, ensure_table, warnings
from git_vibe.session.init import create_state
from git_vibe.session.names import free_name
from git_vibe.session.overrides import hide_overridden
from git_vibe.session.removal import finish_removals, remove_mount_point
from git_vibe.session.shims import rest, wake
from git_vibe.session.submodules import add_worktrees, refuse_missing, remove_worktrees, write_git_files
from git_vibe.session.targets import find_target
from git_vibe.session.workspace import Workspace
from git_vibe.store.atomic import (
    begin_writeback_below,
    create_dir_atomically,
    remove_dir_atomically,
    remove_tree,
    temporary_name,
)
from git_vibe.store.faults import reached
from git_vibe.store.layout import base_ref
from git_vibe.store.record import SessionRecord, not_found, session_names, write_record
from git_vibe.types import LayerId, Oid, SessionName

DEFAULT_LINGER = 1200
CLAIM_SECONDS = 5.0
REFLOG_IDENTITY = "git-vibe <git-vibe@localhost>"


class Request(NamedTuple):
    """What the user asked for. `branch` is '' for the default name; `force` exceeds the session limit."""

    revision: str | None = None
    branch: str | None = None
    agent: str | None = None
    command: tuple[str, ...] = ()
    force: bool = False
    debug: bool = False
    model: str | None = None


class Spawned(NamedTuple):
    """The session, whether it is new, and what the worker logged while mounting (with `debug`).

    `warnings` are for the user.
    """

    record: SessionRecord
    created: bool
    trace: str = ""
    warnings: tuple[str, ...] = ()


def spawn(ws: Workspace, name: SessionName | None, request: Request) -> Spawned:
    """Create a session and mount it, or join the existing one of this name.

    Raises SessionExists when a creating flag contradicts the existing session, SessionLimit, UsageError, FilterFailed,
    MountFailed.
    """
    if not ws.is_initialised():
        create_state(ws)
    taken = session_names(ws.layout)
    if name in taken:
        return _join(ws, ws.record(SessionName(str(name))), request)
    finish_removals(ws)
    _check_limit(ws, len(taken), force=request.force)
    commit = ws.repo.resolve_commit(request.revision or "HEAD")
    base = ensure_base(ws, commit)
    refuse_missing(ws, base.directory)
    while True:
        chosen = name or free_name(taken, request.agent)
        try:
            return _create(ws, chosen, commit, base, request)
        except FileExistsError:
            taken = [*session_names(ws.layout), chosen]
            if name is not None:
                return _join(ws, ws.record(name), request)


def _check_limit(ws: Workspace, count: int, *, force: bool) -> None:
    limit = ws.session_limit()
    if count >= limit and not force:
        raise SessionLimit(
            f"there are {count} sessions already, vibe.maxSessions is {limit}",
            "close one with `git vibe close`, raise the limit with `git config vibe.maxSessions N`, or use --force",
        )


# Joining


def _join(ws: Workspace, record: SessionRecord, request: Request) -> Spawned:
    if request.revision is not None and ws.repo.resolve_commit(request.revision) != record.base:
        raise SessionExists(
            f"Instance '{record.name}' already exists and started from {record.base[:12]}, not '{request.revision}'",
            "leave --from away to join it, or choose another name",
        )
    if request.branch is not None and branch_ref(record.name, request.branch) != record.branch:
        raise SessionExists(
            f"Instance '{record.name}' already exists and is not on that branch",
            "leave --branch away to join it, or choose another name",
        )
    trace = _mount_again(ws, record, debug=request.debug)
    return Spawned(_taken_over(ws, record, request), created=False, trace=trace)


def _taken_over(ws: Workspace, record: SessionRecord, request: Request) -> SessionRecord:
    """Record the program that is launched in a session: promotes name the last one, unless the user named another."""
    launched, known = ((each.agent, each.command, each.model) for each in (request, record))
    named_by_user = record.agent is not None and not record.command
    if not request.command or named_by_user or launched == known:
        return record
    with ws.session_lock(record.name) as current:
        changed = current._replace(agent=request.agent, command=request.command, model=request.model)
        write_record(ws.paths(record.name).meta, changed)
    return changed


def ensure_mounted(ws: Workspace, record: SessionRecord) -> None:
    """Make the session's mount be there and be served. Raises MountFailed, FuseUnavailable or DaemonUnavailable."""
    if session_state(ws.layout, record.name, record.mount).state != "active":
        _mount_again(ws, record, debug=False)


def _mount_again(ws: Workspace, record: SessionRecord, *, debug: bool) -> str:
    ensure_table(ws, record.clean, ws.layout.base_cache(record.base_key))
    return _mount(ws, record, debug=debug)


def _mount(ws: Workspace, record: SessionRecord, *, debug: bool) -> str:
    log = ws.paths(record.name).log
    wake(ws)
    seen = log.stat().st_size if log.exists() else 0
    linger = ws.repo.config.seconds("vibe.daemonlinger", DEFAULT_LINGER)
    mount_session(ws.layout, record.name, debug=debug, linger=linger)
    if not ws.paths(record.name).root.exists():  # closed meanwhile
        clear_mount(record.mount)
        remove_mount_point(Path(record.mount))
        raise not_found(record.name)
    hide_overridden(ws, record)
    return log.read_bytes()[seen:].decode(errors="replace") if debug and log.exists() else ""


# Creating


def _create(ws: Workspace, name: SessionName, commit: Oid, base: Base, request: Request) -> Spawned:
    """Build everything aside, move it into place, mount; undo all of it on any failure.

    Raises FileExistsError when another command made a session of this name meanwhile.
    """
    branch = branch_ref(name, request.branch) if request.branch is not None else None
    record = SessionRecord(
        name, commit, time.time_ns(), str(mount_root(ws) / name),
        branch=branch, agent=request.agent, command=request.command, shown=base.key if base.key != commit else None,
        target=find_target(ws, request.revision), model=request.model,
    )  # fmt: skip
    with contextlib.ExitStack() as undo:
        taken_over = _claim(ws, record, base.index_file, undo)
        reached("spawn.claimed")
        undo.callback(remove_worktrees, ws, record.name)
        add_worktrees(ws, record, base.index_file, _identity(record))
        _create_refs(ws, record, undo, taken_over=taken_over)
        reached("spawn.refs")
        undo.callback(rest, ws)
        _create_store(ws, record, undo)
        reached("spawn.stored")
        undo.callback(_remove_mount, ws, record)
        trace = _mount(ws, record, debug=request.debug)
        reached("spawn.mounted")
        undo.pop_all()
    audit(
        ws, "spawn", session=name, agent=request.agent, model=request.model, base=commit, branch=branch,
        force=request.force, created_ns=record.created_ns,
    )  # fmt: skip
    return Spawned(record, created=True, trace=trace, warnings=warnings(base))


def branch_ref(name: SessionName, wanted: str) -> str:
    """Full ref of a session's own branch; '' stands for the default name."""
    return f"refs/heads/{wanted or f'vibe/{name}'}"


def mount_root(ws: Workspace) -> Path:
    """Directory that holds the mounts of this repository's sessions."""
    configured = ws.repo.config.text("vibe.mountroot")
    main = ws.repo.main_worktree
    if configured:
        return (main / Path(configured).expanduser()).resolve()
    beside = main.with_name(f"{main.name}.vibe")
    if os.access(beside if beside.exists() else beside.parent, os.W_OK):
        return beside
    return _fallback_root(main)


def _fallback_root(main: Path) -> Path:
    import hashlib

    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return cache / "git-vibe" / f"{main.name}-{hashlib.sha256(os.fsencode(main)).hexdigest()[:8]}"


def _claim(ws: Workspace, record: SessionRecord, index: Path, undo: contextlib.ExitStack) -> str | None:
    """Put the linked work tree into place; its directory can exist once, which claims the name.

    Returns what HEAD held in the claim of a spawn that was killed, where there was one.
    """
    git_dir = ws.paths(record.name).git_dir
    git_dir.parent.mkdir(exist_ok=True)
    staged = temporary_name(ws.layout.sessions / record.name, ".new-git")
    staged.mkdir()
    undo.callback(remove_dir_atomically, staged)
    head = f"ref: {record.branch}" if record.branch else record.base
    try:
        write_worktree(staged, mount=record.mount, head=head, index=index)
    except ValueError:  # the cached index is damaged
        index = ensure_base(ws, record.base, rebuild=True).index_file
        write_worktree(staged, mount=record.mount, head=head, index=index)
    write_first_reflog(staged, record.base, _identity(record), f"vibe: spawn session {record.name}")
    begin_writeback_below(staged)
    reached("spawn.staged")
    taken_over = _move_claim(ws, record.name, staged, git_dir)
    undo.callback(remove_dir_atomically, git_dir)
    return taken_over


def _identity(record: SessionRecord) -> str:
    return f"{REFLOG_IDENTITY} {record.created_ns // 10**9} +0000"


def _move_claim(ws: Workspace, name: SessionName, staged: Path, git_dir: Path) -> str | None:
    try:
        os.rename(staged, git_dir)
        return None
    except OSError as error:
        if not git_dir.exists():
            raise
        if wait_until(lambda: name in session_names(ws.layout), CLAIM_SECONDS - _age(git_dir)):
            raise FileExistsError(str(git_dir)) from error
    head = read_head(git_dir)
    remove_tree(git_dir)  # left by a spawn that was killed before its session existed
    os.rename(staged, git_dir)
    return head


def _age(path: Path) -> float:
    try:
        return max(0.0, time.time() - path.stat().st_mtime)
    except FileNotFoundError:
        return 0.0


def _create_refs(ws: Workspace, record: SessionRecord, undo: contextlib.ExitStack, *, taken_over: str | None) -> None:
    """Pin the base and make the branch, unless the killed spawn whose claim was taken over has made it."""
    made = taken_over == f"ref: {record.branch}" and read_ref(str(record.branch), cwd=ws.repo.common_dir) == record.base
    refs = [base_ref(record.name), *([record.branch] if record.branch and not made else [])]
    update_refs(ws, [f"update {refs[0]} {record.base}", *(f"create {ref} {record.base}" for ref in refs[1:])])
    undo.callback(update_refs, ws, [f"delete {ref}" for ref in refs])


def update_refs(ws: Workspace, commands: Sequence[str]) -> None:
    """Carry out `git update-ref --stdin` commands as one transaction. Raises UsageError with git's words."""
    try:
        listing = "".join(f"{command}\n" for command in commands).encode()
        hookless = NO_HOOKS if all(command.split()[1].startswith(PRIVATE) for command in commands) else ()
        run_git([*DURABLE, *hookless, "update-ref", "--stdin"], cwd=ws.layout.common_dir, stdin=listing)
    except GitError as error:
        raise UsageError(error.message, "`git branch` lists the branches that exist") from error


def _create_store(ws: Workspace, record: SessionRecord, undo: contextlib.ExitStack) -> None:
    paths = ws.paths(record.name)
    with create_dir_atomically(paths.root) as staged:
        layer = staged / "layers" / LayerId(1).dirname
        (layer / "tree").mkdir(parents=True)
        (layer / "work").mkdir(mode=0o700)
        write_git_files(ws, record, layer / "tree")
        write_record(staged / "meta.json", record)
        reached("spawn.building")
    undo.callback(remove_dir_atomically, paths.root)


def _remove_mount(ws: Workspace, record: SessionRecord) -> None:
    unmount_session(ws.layout, record.name)
    clear_mount(record.mount)  # a worker that died before it was known leaves nothing but that
    remove_mount_point(Path(record.mount))
