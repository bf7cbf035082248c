"""The process that serves one session's mount.

It runs in a child the daemon forked. It reports through a pipe when it has mounted or why it could not, serves until
it is told to end or the mount goes away, and takes control requests on a socket of its own. It must never touch its
own mount: that would wait for itself.
"""

from __future__ import annotations

import faulthandler
import json
import logging
import os
import resource
import shutil
import signal
import socket
import stat
import sys
import time
from functools import partial
from pathlib import Path

import pyfuse3
import trio

from git_vibe.daemon.protocol import encode, failure
from git_vibe.errors import FuseUnavailable, MountFailed, StateCorrupt, VibeError
from git_vibe.git.command import run_git
from git_vibe.git.objects import BlobReader, load_library
from git_vibe.git.repository import Config
from git_vibe.git.submodule import shown_stores
from git_vibe.git.table import Table, is_sound
from git_vibe.git.worktree import gitfile_content
from git_vibe.mount.control import control
from git_vibe.mount.loop import Loop
from git_vibe.mount.news import News, telling
from git_vibe.mount.operations import Operations
from git_vibe.overlay.content import BaseContent
from git_vibe.overlay.context import Context
from git_vibe.overlay.converted import Converted
from git_vibe.overlay.delta import Delta
from git_vibe.overlay.seal import unseal
from git_vibe.overlay.view import Owner, View
from git_vibe.store.atomic import write_atomically
from git_vibe.store.blobs import BlobCache
from git_vibe.store.faults import reached
from git_vibe.store.layout import ASIDE, Layout, SessionPaths
from git_vibe.store.record import SessionRecord, read_record, whole_layers
from git_vibe.types import RECURSION_LIMIT, SessionName

log = logging.getLogger(__name__)

MEMORY_LIMIT = 4 << 20
"""No blob larger than this is held in memory; reading and verifying one takes as long as a request may take."""
COVERED_MODE = 0o555
"""Mode of the directory below a mount; it also tells that the directory was one of ours."""
STREAM_THRESHOLD = 100 << 20
BLOB_CACHE_SIZE = 256 << 20


def preload() -> None:
    """Import what a worker imports only when it needs it; for the process that workers are forked from."""
    load_library()


def serve(layout: Layout, name: SessionName, ready: int, *, started: int | None, debug: bool) -> int:
    """Mount and serve a session; report on the pipe `ready`. Returns the exit status of the process.

    `started` is this process's start time in clock ticks since boot, which tells it from a later one of the same pid.
    """
    _prepare_process(debug=debug)
    paths = layout.session(name)
    try:
        record = read_record(paths)
        config = Config(run_git(["config", "--list", "-z"], cwd=layout.common_dir))
        view = open_view(layout, record, config)
        reached("mount.opened")
        _mount(record.mount, config, debug=debug)
    except VibeError as error:
        log.error("%s", error.message)
        os.write(ready, encode(failure(error)))
        return 1
    reached("mount.mounted")
    listener = _listen(paths)
    _write_worker_file(paths, record.mount, started)
    reached("mount.known")
    os.write(ready, encode({"ok": True}))
    os.close(ready)
    os.umask(0)  # modes come from the kernel with the caller's umask applied
    log.info("session %s mounted at %s", name, record.mount)
    try:
        trio.run(_run, view, listener, News(view, telling(layout, name)))
    finally:
        pyfuse3.close(unmount=True)
        log.info("session %s unmounted", name)
    return 0


def _prepare_process(*, debug: bool) -> None:
    os.umask(0o022)
    os.chdir("/")
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))  # files without a name are held by a descriptor each
    sys.setrecursionlimit(RECURSION_LIMIT)
    faulthandler.register(signal.SIGUSR1)
    logging.basicConfig(
        level=logging.DEBUG if debug else logging.INFO, format="%(asctime)s %(process)d %(message)s", force=True
    )
    logging.getLogger("pyfuse3").setLevel(logging.INFO)


def has_sound_base(layout: Layout, name: SessionName) -> bool:
    """Whether the base table of a session is whole; commands see to that before they ask for a mount."""
    try:
        return is_sound(layout.base_cache(read_record(layout.session(name)).base_key) / "table")
    except VibeError:
        return False


def open_view(layout: Layout, record: SessionRecord, config: Config) -> View:
    """The view of a session, with everything below the mount open. Raises VibeError for a damaged store."""
    try:
        return _open_view(layout, record, config)
    except (OSError, ValueError) as error:
        raise StateCorrupt(
            f"session '{record.name}' cannot be opened: {error}", "`git vibe doctor` says what is damaged"
        ) from error


def _open_view(layout: Layout, record: SessionRecord, config: Config) -> View:
    paths, base = layout.session(record.name), layout.base_cache(record.base_key)
    table, delta = Table.open(base / "table"), Delta(paths.layers, whole_layers(paths))
    delta.clean_work()
    if not paths.rebase_state.exists():
        delta.merge_adopted()
    view = View(
        table,
        delta,
        Context(os.fsencode(layout.context)),
        _open_content(layout, base, config),
        owner=Owner(os.geteuid(), os.getegid()),
        git_file=gitfile_content(paths.git_dir),
        converted=Converted(os.fsencode(base / "converted"), table.size),
    )
    unseal(view)
    return view


def _open_content(layout: Layout, base: Path, config: Config) -> BaseContent:
    cache = BlobCache(layout.blob_cache, config.size("vibe.blobcachesize", BLOB_CACHE_SIZE))
    limit = min(MEMORY_LIMIT, config.size("vibe.streamthreshold", STREAM_THRESHOLD))
    submodules = shown_stores(layout.common_dir, base).values()
    return BaseContent(BlobReader(layout.common_dir, submodules), cache, limit)


# Mounting


def _mount(mount: str, config: Config, *, debug: bool) -> None:
    _check_machine(debug=debug)
    _check_mount_point(mount)
    options = {"fsname=git-vibe", "subtype=git-vibe", "default_permissions"}
    if config.boolean("vibe.allowother", default=False):
        options.add("allow_other")
    if debug:
        options.add("debug")
    log.debug("mounting %s with options %s", mount, ",".join(sorted(options)))
    os.chmod(mount, 0o755)
    below = os.open(mount, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        pyfuse3.init(pyfuse3.Operations(), mount, options)
    except RuntimeError as error:
        raise MountFailed(f"cannot mount {mount}: {error}", _mount_hint(mount)) from error
    finally:
        os.fchmod(below, COVERED_MODE)  # nobody shall write below a mount that is away, for example after a reboot
        os.close(below)


def _check_machine(*, debug: bool) -> None:
    """Find out what would make the mount fail. Raises FuseUnavailable with what to do about it."""
    try:
        device = os.open("/dev/fuse", os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        raise FuseUnavailable(
            "/dev/fuse does not exist",
            "load the kernel module (`modprobe fuse`); in a container start it with `--device /dev/fuse`",
        ) from None
    except PermissionError:
        raise FuseUnavailable(
            "/dev/fuse may not be opened by this user", "an administrator can allow it with `chmod 666 /dev/fuse`"
        ) from None
    except OSError as error:
        raise FuseUnavailable(f"/dev/fuse cannot be opened: {error}", "load the module with `modprobe fuse`") from error
    if debug:
        status = os.fstat(device)
        number = f"{os.major(status.st_rdev)}:{os.minor(status.st_rdev)}"
        log.debug("/dev/fuse opened: device %s, mode %o", number, stat.S_IMODE(status.st_mode))
    os.close(device)
    helper = shutil.which("fusermount3")
    log.debug("fusermount3: %s", helper or "not found")
    if helper is None and os.geteuid() != 0:
        raise FuseUnavailable("fusermount3 is not installed", "install it with `apt-get install fuse3`")


def _check_mount_point(mount: str) -> None:
    try:
        os.makedirs(mount, exist_ok=True)
        left = os.listdir(mount)
    except OSError as error:
        raise MountFailed(f"mount point {mount} cannot be used: {error}", "`git vibe doctor` checks mounts") from error
    if left and stat.S_IMODE(os.stat(mount).st_mode) == COVERED_MODE:
        _move_aside(mount)
    elif left:
        shown = ", ".join(sorted(left)[:3])
        raise MountFailed(
            f"mount point {mount} is not empty (it holds {shown})", "move those files elsewhere, then try again"
        )


def _move_aside(mount: str) -> None:
    """Keep what was written while the mount was away (root may, after a crash or a reboot); doctor finds it by name."""
    aside = f"{mount}{ASIDE}{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}"
    os.rename(mount, aside)
    os.mkdir(mount)
    log.warning("files were written while the session was not mounted; they are in %s", aside)


def _mount_hint(mount: str) -> str:
    if os.geteuid() != 0:
        return "`git vibe doctor` checks fusermount3; /etc/fuse.conf holds mount_max and user_allow_other"
    return f"the log of the session says more; is {mount} on a file system that can be mounted on?"


def _write_worker_file(paths: SessionPaths, mount: str, started: int | None) -> None:
    info = {"pid": os.getpid(), "started": started, "mounted_ns": time.time_ns(), "mount": mount}
    write_atomically(paths.worker, json.dumps(info).encode())
    paths.worker_ending.unlink(missing_ok=True)


# Serving


def _listen(paths: SessionPaths) -> socket.socket:
    path = paths.worker_socket
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(str(path))
    os.chmod(path, 0o600)
    listener.listen(16)
    return listener


async def _run(view: View, listener: socket.socket, news: News) -> None:
    loop = Loop()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_end_on_signal, loop)
        listening = trio.SocketListener(trio.socket.from_stdlib_socket(listener))
        nursery.start_soon(partial(trio.serve_listeners, partial(control, view, loop), [listening]))
        nursery.start_soon(news.run)
        await loop.run(news.listening(Operations(view, loop).handlers))
        nursery.cancel_scope.cancel()


async def _end_on_signal(loop: Loop) -> None:
    with trio.open_signal_receiver(signal.SIGTERM) as signals:
        async for _ in signals:
            loop.end()
            return
