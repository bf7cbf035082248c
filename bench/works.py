"""The works that are measured. Each takes a checkout and returns the seconds of the part that counts."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

Work = Callable[[Path], float]

CREATED_FILES = 2000
SEQUENTIAL_MIB = 200
APPENDS = 20_000


def timed(*command: str, cwd: Path) -> float:
    """Seconds a command takes; its output goes through a pipe, as tar looks at where it writes."""
    start = time.perf_counter()
    with subprocess.Popen(command, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as child:
        assert child.stdout is not None
        while child.stdout.read(1 << 20):
            pass
    return time.perf_counter() - start


def walk(checkout: Path) -> float:
    """Walk everything and stat it."""
    return timed("find", ".", "-size", "+1000000k", cwd=checkout)


def tar(checkout: Path) -> float:
    """Read everything."""
    return timed("tar", "cf", "-", ".", cwd=checkout)


def grep(checkout: Path) -> float:
    """Search everything."""
    return timed("grep", "-r", "no such line anywhere", ".", cwd=checkout)


def status(checkout: Path) -> float:
    """`git status`."""
    return timed("git", "status", "--short", cwd=checkout)


def create(checkout: Path) -> float:
    """Create small files in one new directory."""
    directory = checkout / "bench-created"
    directory.mkdir()
    start = time.perf_counter()
    for number in range(CREATED_FILES):
        (directory / f"file-{number}").write_bytes(b"hello\n")
    return time.perf_counter() - start


def remove(checkout: Path) -> float:
    """Remove what `create` made."""
    start = time.perf_counter()
    shutil.rmtree(checkout / "bench-created")
    return time.perf_counter() - start


def write(checkout: Path) -> float:
    """Write one large file."""
    block, path = bytes(1 << 20), checkout / "bench-large"
    start = time.perf_counter()
    with open(path, "wb", buffering=0) as file:
        for _ in range(SEQUENTIAL_MIB):
            file.write(block)
    return time.perf_counter() - start


def read(checkout: Path) -> float:
    """Read the large file, then remove it."""
    path = checkout / "bench-large"
    start = time.perf_counter()
    with open(path, "rb", buffering=0) as file:
        while file.read(1 << 20):
            pass
    seconds = time.perf_counter() - start
    path.unlink()
    return seconds


def append(checkout: Path) -> float:
    """Append short lines to a file, unbuffered."""
    path = checkout / "bench-log"
    start = time.perf_counter()
    with open(path, "ab", buffering=0) as file:
        for _ in range(APPENDS):
            file.write(b"one more line of a log file\n")
    seconds = time.perf_counter() - start
    path.unlink()
    return seconds


def build(checkout: Path) -> float:
    """Byte-compile every Python file (reads all sources, writes as many results)."""
    seconds = timed(sys.executable, "-m", "compileall", "-q", "-f", "-j", "2", ".", cwd=checkout)
    subprocess.run(["git", "clean", "-fdxq"], cwd=checkout, check=True)
    return seconds


def change_ten_files(checkout: Path) -> None:
    """Append a line to ten tracked files."""
    listing = subprocess.run(["git", "ls-files", "-z"], cwd=checkout, capture_output=True, check=True).stdout
    for name in listing.split(b"\0")[:500:50]:
        with open(checkout / os.fsdecode(name), "ab") as file:
            file.write(b"one more line\n")


def private_memory(repo: Path, session: str) -> int:
    """Proportional set size in bytes of the worker that serves a session."""
    worker = json.loads((repo / ".git" / "vibe" / "sessions" / session / "worker.json").read_text())
    lines = Path(f"/proc/{worker['pid']}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:")) * 1024


WORKS: dict[str, Work] = {
    "status, fresh": status,
    "status, warm": status,
    "walk, warm": walk,
    "tar, cold": tar,
    "tar, warm": tar,
    "grep -r, warm": grep,
    "create 2,000 files": create,
    "remove them": remove,
    "write 200 MiB": write,
    "read them": read,
    "20,000 appends": append,
    "build (compileall)": build,
}
"""In the order in which they must run: each depends on what those before it left in the caches."""


def selected(names: Sequence[str]) -> dict[str, Work]:
    """The works whose name contains one of `names`, or all."""
    if not names:
        return dict(WORKS)
    return {name: work for name, work in WORKS.items() if any(wanted in name for wanted in names)}
