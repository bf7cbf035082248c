"""Processes and mounts as the kernel sees them: who lives, what is mounted, how to end both."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from git_vibe.store.faults import reached
from git_vibe.store.layout import SessionPaths

FILE_SYSTEM = "fuse.git-vibe"
STOP_SECONDS = 5.0
_KEPT_GIT_VARIABLES = ("GIT_CONFIG_NO", "GIT_CONFIG_GL", "GIT_VIBE_FAULT")


class WorkerInfo(NamedTuple):
    """What `worker.json` says: the worker's pid, its start time in clock ticks since boot, when it mounted, where."""

    pid: int
    started: int
    mounted_ns: int
    mount: str

    def is_alive(self) -> bool:
        """Whether this very process still runs; its pid may belong to another by now."""
        return start_time(self.pid) == self.started


def read_worker(paths: SessionPaths) -> WorkerInfo | None:
    """The worker that serves a session or should, or None."""
    try:
        return WorkerInfo(**json.loads(paths.worker.read_bytes()))
    except (FileNotFoundError, NotADirectoryError, ValueError, TypeError):
        return None


def start_time(pid: int) -> int | None:
    """When a process started, in clock ticks since boot; None when it is gone or a zombie."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:
        return None
    fields = stat.rpartition(b")")[2].split()
    return None if fields[0] in (b"Z", b"X") else int(fields[19])


def mount_points() -> set[str]:
    """Where file systems of git-vibe are mounted in this mount namespace."""
    found = set()
    for line in Path("/proc/self/mountinfo").read_bytes().splitlines():
        fields = line.split()
        if fields[fields.index(b"-") + 1] == FILE_SYSTEM.encode():
            found.add(os.fsdecode(_unescape(fields[4])))
    return found


def _unescape(field: bytes) -> bytes:
    """Undo the octal escapes of mountinfo (space, tab, newline, backslash)."""
    for code in (b"\\040", b"\\011", b"\\012", b"\\134"):
        field = field.replace(code, bytes([int(code[1:], 8)]))
    return field


def clear_mount(mount: str) -> None:
    """Take away a mount whose server is gone, even while something has its directory open."""
    if mount not in mount_points():
        return
    if os.geteuid() == 0:
        subprocess.run(["umount", "-l", mount], capture_output=True, check=False)
    if mount in mount_points():
        subprocess.run(["fusermount3", "-uz", mount], capture_output=True, check=False)


def stop_worker(paths: SessionPaths) -> None:
    """End a session's worker and its mount; fine when there is none.

    `worker.json` goes last: a caller that is killed in between must not leave a writer that nobody knows of.
    """
    worker = read_worker(paths)
    if worker is None:
        paths.worker.unlink(missing_ok=True)
        return
    paths.worker_ending.touch()
    reached("stop.announced")
    if worker.is_alive():
        end_process(worker.pid)
    reached("stop.ended")
    clear_mount(worker.mount)
    for path in (paths.worker_socket, paths.worker, paths.worker_ending):
        path.unlink(missing_ok=True)


def end_process(pid: int, patience: float = STOP_SECONDS) -> None:
    """Ask a process to end, and kill it when it does not within `patience` seconds."""
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    ended = select.poll()
    ended.register(handle, select.POLLIN)
    try:
        for number, seconds in ((signal.SIGTERM, patience), (signal.SIGKILL, patience)):
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(handle, number)
            if ended.poll(seconds * 1000):
                return
    finally:
        os.close(handle)


def start_detached(args: Sequence[str], log: Path) -> subprocess.Popen[bytes]:
    """Start `python -m args...` as a session of its own with its output going to `log`."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with open(log, "ab") as output:
        return subprocess.Popen(
            [sys.executable, "-m", *args],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd="/",
            env=_detached_environment(),
            start_new_session=True,
        )


def _detached_environment() -> dict[str, str]:
    """The caller's environment without what binds git to one repository or one command."""
    own_package = str(Path(__file__).resolve().parents[2])
    kept = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
    kept.update({key: value for key, value in os.environ.items() if key.startswith(_KEPT_GIT_VARIABLES)})
    kept["PYTHONPATH"] = os.pathsep.join(filter(None, (own_package, os.environ.get("PYTHONPATH"))))
    return kept


def wait_until(ready: Callable[[], bool], seconds: float) -> bool:
    """Call `ready` until it is true or the time is over."""
    deadline = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.005)
    return True


def close_inherited(keep: set[int]) -> None:
    """Close every descriptor above standard error that a forked child inherited, but those in `keep`."""
    for name in os.listdir("/proc/self/fd"):
        if int(name) > 2 and int(name) not in keep:
            with contextlib.suppress(OSError):
                os.close(int(name))


def redirect_output(log: Path) -> None:
    """Send standard output and error of this process to the end of `log` and cut it off from the terminal."""
    null = os.open(os.devnull, os.O_RDONLY)
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    for source, target in ((null, 0), (output, 1), (output, 2)):
        os.dup2(source, target)
    os.close(null)
    os.close(output)


def is_mounted(mount: str) -> bool:
    """Whether a file system of git-vibe is mounted there, served or not."""
    return mount in mount_points()
