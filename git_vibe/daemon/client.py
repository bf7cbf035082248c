"""Talking to the daemon and to workers, and starting the daemon when nobody listens."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from git_vibe.daemon import process, protocol
from git_vibe.daemon.process import clear_mount, mount_points, wait_until
from git_vibe.errors import DaemonUnavailable, VibeError
from git_vibe.store.layout import Layout
from git_vibe.store.record import whole_layers
from git_vibe.types import LayerId, SessionName

__all__ = [
    "MountState",
    "changers",
    "clear_mount",
    "daemon_pid",
    "mount_points",
    "mount_session",
    "sealed_layers",
    "session_state",
    "start_daemon",
    "stop_daemon",
    "unmount_session",
    "wait_until",
]

START_SECONDS = 20.0


class MountState(NamedTuple):
    """State of a session's mount: 'active' (served), 'exported' (not mounted) or 'stale' (mounted, server gone)."""

    state: str
    pid: int | None
    since_ns: int | None


def daemon_pid(layout: Layout) -> int | None:
    """Pid of the running daemon, or None; starts nothing."""
    try:
        pid, started = (int(word) for word in layout.daemon_pid.read_text().split())
    except (OSError, ValueError):
        return None
    return pid if process.start_time(pid) == started else None


def start_daemon(layout: Layout, linger: int = 1200) -> int:
    """Make sure the daemon runs and return its pid; `linger` is how many idle seconds it stays.

    Raises DaemonUnavailable.
    """
    from git_vibe.store.lock import locked

    with locked(layout.daemon_lock, what="the daemon"):
        running = daemon_pid(layout)
        if running is not None and _answers(layout):
            return running
        started = _launch(layout, linger)
    return started


def _launch(layout: Layout, linger: int) -> int:
    layout.daemon_socket.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    runtime = os.environ.get("XDG_RUNTIME_DIR", "")
    child = process.start_detached(["git_vibe.daemon", str(layout.common_dir), runtime, str(linger)], layout.daemon_log)
    if wait_until(lambda: child.poll() is not None or _answers(layout), START_SECONDS) and child.poll() is None:
        child.returncode = 0  # it is meant to outlive this process
        return child.pid
    raise DaemonUnavailable("the git-vibe daemon did not start", f"its log is {layout.daemon_log}:\n{_tail(layout)}")


def _tail(layout: Layout, lines: int = 10) -> str:
    with contextlib.suppress(OSError):
        return "\n".join(layout.daemon_log.read_text(errors="replace").splitlines()[-lines:])
    return ""


def _answers(layout: Layout) -> bool:
    try:
        protocol.call(layout.daemon_socket, {"op": "status"}, timeout=5)
    except (OSError, DaemonUnavailable):
        return False
    return True


def stop_daemon(layout: Layout) -> bool:
    """End the daemon; workers and their mounts stay. Returns whether one was running."""
    pid = daemon_pid(layout)
    if pid is None:
        return False
    process.end_process(pid)
    return True


def changers(layout: Layout, name: SessionName, paths: list[str]) -> dict[str, list[str]]:
    """Names of other sessions that changed one of the paths, by path, as far as a running daemon knows."""
    request = {"op": "changers", "session": name, "paths": paths}
    with contextlib.suppress(OSError, VibeError, KeyError):
        found: dict[str, list[str]] = protocol.call(layout.daemon_socket, request, timeout=1.0)["changers"]
        return found
    return {}


def mount_session(layout: Layout, name: SessionName, *, debug: bool = False, linger: int = 1200) -> None:
    """Make a session's mount be there and be served. Raises MountFailed, FuseUnavailable or DaemonUnavailable."""
    request = {"op": "mount", "session": name, "debug": debug}
    for _ in range(3):
        with contextlib.suppress(OSError, DaemonUnavailable):
            protocol.call(layout.daemon_socket, request)
            return
        start_daemon(layout, linger)
    protocol.call(layout.daemon_socket, request)


def unmount_session(layout: Layout, name: SessionName) -> None:
    """Take a session's mount away; fine when it is not mounted."""
    process.stop_worker(layout.session(name))


def session_state(layout: Layout, name: SessionName, mount: str, mounts: set[str] | None = None) -> MountState:
    """State of one session's mount, from files alone. `mounts` saves reading the mount table again."""
    worker = process.read_worker(layout.session(name))
    mounted = mount in (mount_points() if mounts is None else mounts)
    if worker is not None and worker.is_alive() and mounted:
        return MountState("active", worker.pid, worker.mounted_ns)
    return MountState("stale" if mounted else "exported", None, None)


@contextlib.contextmanager
def sealed_layers(layout: Layout, name: SessionName) -> Iterator[list[LayerId]]:
    """Yield the layers, lowest first, that hold everything written so far and do not change inside the block.

    A session that is not served has no writer, so its layers are fixed already. Hold the session's lock around this.
    Raises StateCorrupt when a layer is missing.
    """
    paths = layout.session(name)
    worker = process.read_worker(paths)
    if worker is None or not worker.is_alive():
        yield whole_layers(paths)
        return
    answer = protocol.call(paths.worker_socket, {"op": "seal"})
    try:
        yield [LayerId(number) for number in answer["layers"]]
    finally:
        with contextlib.suppress(OSError, DaemonUnavailable):
            protocol.call(paths.worker_socket, {"op": "unseal"})


def push_layer(layout: Layout, name: SessionName, staged: Path, paths: Path, since: LayerId) -> list[bytes]:
    """Have the worker put the prepared layer `staged` on top of all others.

    `paths` is a JSON file with all paths it says something about. Those that were written to since the layer `since`
    was sealed are returned; the layer is not used then.
    """
    request = {"op": "push", "staged": str(staged), "paths": str(paths), "since": since}
    answer = protocol.call(layout.session(name).worker_socket, request)
    return [os.fsencode(path) for path in answer["touched"]]


def pop_layers(layout: Layout, name: SessionName, last: LayerId, since: LayerId) -> bool:
    """Have the worker remove all layers above `last`, unless anything was written since the layer `since` was sealed.

    Returns whether it did.
    """
    answer = protocol.call(layout.session(name).worker_socket, {"op": "pop", "last": last, "since": since})
    return bool(answer["popped"])


def merge_layers(layout: Layout, name: SessionName) -> None:
    """Have the worker make one layer of all, those that were put on top included."""
    protocol.call(layout.session(name).worker_socket, {"op": "merge"})
