"""Processes that never rest: each does something at random in one directory until it is killed, and reports progress.

A timer interrupts whatever they wait for, as the signals of an agent's children do.
"""

from __future__ import annotations

import contextlib
import mmap
import os
import random
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

ALARM_SECONDS = 0.003
SOURCES = Path(__file__).parents[2]


class Restless:
    """One such process in the directory `top`; `pulse` is a file elsewhere that grows with what it does."""

    def __init__(self, top: Path, pulse: Path, seed: int) -> None:
        self._pulse = pulse
        command = [sys.executable, "-m", "tests.support.unrest", str(top), str(pulse), str(seed)]
        self._process = subprocess.Popen(command, cwd=SOURCES)

    def done(self) -> int:
        """How much it has done."""
        return self._pulse.stat().st_size if self._pulse.exists() else 0

    def is_cut_off(self) -> bool:
        """Whether it died of a page that another process cut off the file it had mapped."""
        assert self._process.poll() in (None, -signal.SIGBUS)
        return self._process.returncode is not None

    def __repr__(self) -> str:
        """Its number and what it waits for in the kernel."""
        pid = self._process.pid
        with contextlib.suppress(OSError):
            return f"process {pid}:\n{Path(f'/proc/{pid}/stack').read_text()}"
        return f"process {pid}"

    def kill(self) -> None:
        """End it at whatever it does; one that waits for an answer of the file system would not end."""
        self._process.kill()
        self._process.wait(timeout=60)


class _Actor:
    """What such a process does: one of `deeds` at a time."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self.deeds: list[Callable[[], object]] = [
            self._read, self._write, self._append, self._map, self._rename, self._remove, self._link,
            self._list, self._walk, self._make, self._run, self._cut, self._sync, self._hold,
        ]  # fmt: skip

    def act(self) -> None:
        """Do something; that others were faster is no error."""
        with contextlib.suppress(OSError, ValueError):
            self._random.choice(self.deeds)()

    def _any(self) -> str:
        here = "."
        while self._random.random() < 0.8:
            names = os.listdir(here)
            if not names:
                break
            path = os.path.join(here, self._random.choice(names))
            if not os.path.isdir(path):
                return path
            here = path
        return os.path.join(here, f"n{self._random.randrange(20)}")

    def _read(self) -> None:
        with open(self._any(), "rb") as file:
            file.seek(self._random.randrange(1 << 20))
            file.read(self._random.choice((1, 5000, 1 << 20)))

    def _write(self) -> None:
        Path(self._any()).write_bytes(b"w" * self._random.choice((0, 1, 5000, 1 << 20)))

    def _append(self) -> None:
        with open(self._any(), "ab") as file:
            file.write(b"appended")

    def _map(self) -> None:
        with open(self._any(), "r+b") as file, mmap.mmap(file.fileno(), 0) as mapped:
            mapped[self._random.randrange(len(mapped))] = 7
            if self._random.random() < 0.3:
                mapped.flush()

    def _rename(self) -> None:
        os.rename(self._any(), self._any())

    def _remove(self) -> None:
        path = self._any()
        os.unlink(path) if self._random.random() < 0.9 else shutil.rmtree(os.path.dirname(path), ignore_errors=True)

    def _link(self) -> None:
        os.link(self._any(), self._any())

    def _list(self) -> None:
        with os.scandir(os.path.dirname(self._any())) as entries:
            for entry in entries:
                entry.stat(follow_symlinks=False)

    def _walk(self) -> None:
        for _ in os.walk("."):
            pass

    def _make(self) -> None:
        os.makedirs(os.path.join(os.path.dirname(self._any()), f"d{self._random.randrange(5)}", "deeper"))

    def _run(self) -> None:
        path = f"t{self._random.randrange(5)}"
        shutil.copyfile("/bin/true", path)
        os.chmod(path, 0o755)
        subprocess.run([f"./{path}"], check=False)

    def _cut(self) -> None:
        os.truncate(self._any(), self._random.choice((0, 10, 1 << 20)))

    def _sync(self) -> None:
        with open(self._any(), "rb") as file:
            os.fsync(file)

    def _hold(self) -> None:
        with open(self._any(), "r+b") as file:
            os.unlink(file.name)
            file.write(b"unnamed")
            file.flush()
            os.fstat(file.fileno())


def _main(top: str, pulse: str, seed: int) -> None:
    signal.signal(signal.SIGALRM, lambda number, frame: None)
    signal.setitimer(signal.ITIMER_REAL, ALARM_SECONDS, ALARM_SECONDS)
    os.chdir(top)
    actor = _Actor(seed)
    with open(pulse, "ab", buffering=0) as file:
        while True:
            actor.act()
            file.write(b".")


if __name__ == "__main__":
    _main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
