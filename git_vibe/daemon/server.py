"""The daemon: a fork server that starts, watches and adopts workers.

It has everything a worker needs imported, so that a mount costs a fork. It never touches Git objects or layers. A
request to mount is answered when the worker reports through its pipe; meanwhile others are served. A worker whose
`worker.json` is still there when it dies, but no `worker.ending`, did not mean to: its mount is cleared and it is
started again.
"""

from __future__ import annotations

import contextlib
import gc
import json
import logging
import os
import selectors
import signal
import socket
import time
from collections.abc import Callable
from typing import NamedTuple

from git_vibe.daemon import process
from git_vibe.daemon.protocol import Message, encode, failure
from git_vibe.daemon.radar import Radar
from git_vibe.errors import MountFailed, VibeError
from git_vibe.mount import worker
from git_vibe.store.faults import reached
from git_vibe.store.layout import Layout
from git_vibe.store.record import read_record, session_names
from git_vibe.types import SessionName

log = logging.getLogger(__name__)

RESTART_LIMIT = 3
RESTART_WINDOW = 60.0
CONNECTION_SECONDS = 1.0


class _Watched(NamedTuple):
    """A live worker: its pid and the pidfd that tells when it ends."""

    pid: int
    handle: int


class Server:
    """The daemon of one repository; `linger` is how many seconds it stays without a mounted session."""

    def __init__(self, layout: Layout, linger: int) -> None:
        self._layout = layout
        self._linger = linger
        self._selector = selectors.DefaultSelector()
        self._watched: dict[SessionName, _Watched] = {}
        self._waiting: dict[SessionName, list[socket.socket]] = {}
        self._restarts: dict[SessionName, list[float]] = {}
        self._radar = Radar(layout, self._when_ended)
        self._idle_since = _now()
        self._running = True

    def run(self) -> None:
        """Serve until told to end or idle for long enough."""
        logging.basicConfig(level=logging.INFO, format="%(asctime)s %(process)d %(message)s")
        self._catch_signals()
        worker.preload()
        gc.collect()
        gc.freeze()
        listener = self._listen()
        log.info("daemon started for %s", self._layout.common_dir)
        self._adopt()
        while self._running and not self._is_idle():
            for key, _ in self._selector.select(timeout=self._patience()):
                key.data()
            self._radar.look()
        log.info("daemon ends")
        self._radar.end()
        listener.close()
        self._layout.daemon_socket.unlink(missing_ok=True)
        self._layout.daemon_pid.unlink(missing_ok=True)

    def _patience(self) -> float:
        """How many seconds to wait for something to happen."""
        idle, due = min(1.0 + self._linger, 60.0), self._radar.seconds()
        return idle if due is None else min(idle, due)

    def _catch_signals(self) -> None:
        """End on SIGTERM and SIGINT; the wake-up socket ends a wait that is under way."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)
        awake, waker = socket.socketpair()
        waker.settimeout(0)
        signal.set_wakeup_fd(waker.detach())
        self._register(awake.detach(), lambda: None)

    def _stop(self, *_: object) -> None:
        self._running = False

    def _is_idle(self) -> bool:
        if self._watched or self._waiting:
            self._idle_since = _now()
        return _now() - self._idle_since > self._linger

    def _listen(self) -> socket.socket:
        path = self._layout.daemon_socket
        path.unlink(missing_ok=True)
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
        listener.bind(str(path))
        os.chmod(path, 0o600)
        self._layout.daemon_pid.write_text(f"{os.getpid()} {process.start_time(os.getpid())}\n")
        listener.listen(128)
        self._selector.register(listener, selectors.EVENT_READ, lambda: self._accept(listener))
        return listener

    # Requests

    def _accept(self, listener: socket.socket) -> None:
        connection, _ = listener.accept()
        connection.settimeout(CONNECTION_SECONDS)
        self._idle_since = _now()
        try:
            with connection.makefile("rb") as stream:
                request = json.loads(stream.readline())
            answer = self._handle(request, connection)
        except VibeError as error:
            answer = failure(error)
        except (OSError, ValueError, KeyError) as error:
            answer = failure(VibeError(f"bad request: {error}"))
        if answer is not None:
            _send(connection, answer)

    def _handle(self, request: Message, connection: socket.socket) -> Message | None:
        """Answer a request, or return None when the answer comes later."""
        if request["op"] == "mount":
            return self._mount(SessionName(request["session"]), connection, debug=bool(request.get("debug")))
        if request["op"] == "changed":
            self._radar.changed(request["session"], request["paths"])
        if request["op"] == "changers":
            return {"ok": True, "changers": self._radar.changers(request["session"], request["paths"])}
        if request["op"] == "stop":
            self._running = False
        return {"ok": True, "pid": os.getpid(), "sessions": sorted(self._watched)}

    def _mount(self, name: SessionName, connection: socket.socket, *, debug: bool) -> Message | None:
        record = read_record(self._layout.session(name))
        if name in self._waiting:
            self._waiting[name].append(connection)
            return None
        if self._is_served(name, record.mount):
            return {"ok": True}
        if name in self._watched:
            process.stop_worker(self._layout.session(name))
        process.clear_mount(record.mount)
        self._waiting[name] = [connection]
        self._start(name, debug=debug)
        return None

    def _is_served(self, name: SessionName, mount: str) -> bool:
        """Whether a session is mounted and its worker lives; one whose threads are still dying gives no answers."""
        known = self._watched.get(name)
        return known is not None and process.start_time(known.pid) is not None and process.is_mounted(mount)

    # Workers

    def _start(self, name: SessionName, *, debug: bool = False) -> None:
        read_end, write_end = os.pipe()
        pid = os.fork()
        if pid == 0:
            self._become_worker(name, write_end, debug=debug)
        os.close(write_end)
        reached("daemon.forked")
        self._watch(name, pid)
        self._register(read_end, lambda: self._reported(name, read_end))

    def _become_worker(self, name: SessionName, ready: int, *, debug: bool) -> None:
        """Turn this forked child into the worker of a session; does not return."""
        status = 1
        try:
            os.setsid()
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            process.redirect_output(self._layout.session(name).log)
            process.close_inherited({ready})
            started = process.start_time(os.getpid())
            status = worker.serve(self._layout, name, ready, started=started, debug=debug)
        finally:
            os._exit(status)

    def _reported(self, name: SessionName, read_end: int) -> None:
        """The worker says that it has mounted, or why not, or it died without a word."""
        line = os.read(read_end, 1 << 16)
        reached("daemon.reported")
        self._selector.unregister(read_end)
        os.close(read_end)
        silent = MountFailed(
            f"the worker of session '{name}' died while mounting", f"its log is {self._layout.session(name).log}"
        )
        answer = json.loads(line) if line else failure(silent)
        log.info("session %s: %s", name, "mounted" if answer["ok"] else answer["message"])
        for connection in self._waiting.pop(name, []):
            _send(connection, answer)

    def _watch(self, name: SessionName, pid: int) -> None:
        handle = os.pidfd_open(pid)
        self._watched[name] = _Watched(pid, handle)
        self._register(handle, lambda: self._ended(name, pid, handle))

    def _ended(self, name: SessionName, pid: int, handle: int) -> None:
        self._selector.unregister(handle)
        os.close(handle)
        with contextlib.suppress(ChildProcessError):  # an adopted worker is not our child
            os.waitpid(pid, os.WNOHANG)
        if name in self._watched and self._watched[name].pid == pid:
            del self._watched[name]
            self._recover(name)

    def _recover(self, name: SessionName) -> None:
        """Mount again what a dead worker left, unless it was meant to end or keeps dying."""
        paths = self._layout.session(name)
        meant = paths.worker_ending.exists()  # asked first: it is the last to be removed
        left = process.read_worker(paths)
        if meant or left is None or left.is_alive() or name in self._waiting:
            return
        recent = [moment for moment in self._restarts.get(name, []) if _now() - moment < RESTART_WINDOW]
        self._restarts[name] = [*recent, _now()]
        if len(recent) >= RESTART_LIMIT:
            log.error("session %s: its worker died %d times, it stays unmounted", name, len(recent) + 1)
            return
        if not worker.has_sound_base(self._layout, name):
            log.error("session %s: the cache of its base is damaged, it stays unmounted until a command mends it", name)
            return
        log.warning("session %s: its worker is gone, mounting again", name)
        process.clear_mount(left.mount)
        self._waiting[name] = []
        self._start(name)

    def _adopt(self) -> None:
        """Watch workers that outlived an earlier daemon and mount again what had a worker."""
        for name in session_names(self._layout):
            found = process.read_worker(self._layout.session(name))
            if found is None:
                continue
            if found.is_alive():
                log.info("session %s: adopted worker %d", name, found.pid)
                self._watch(name, found.pid)
            else:
                self._recover(name)

    def _when_ended(self, pid: int, then: Callable[[], None]) -> None:
        """Call `then` once a child has ended."""
        handle = os.pidfd_open(pid)

        def ended() -> None:
            self._selector.unregister(handle)
            os.close(handle)
            then()

        self._register(handle, ended)

    def _register(self, fd: int, callback: Callable[[], None]) -> None:
        self._selector.register(fd, selectors.EVENT_READ, callback)


def _now() -> float:
    """Seconds on a clock that also runs while the machine sleeps, so that sleep counts once."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def _send(connection: socket.socket, answer: Message) -> None:
    try:
        connection.sendall(encode(answer))
    except OSError:
        log.info("a client went away before its answer")
    finally:
        connection.close()
