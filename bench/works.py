"""The works that are measured: each takes a checkout and returns the seconds of the part that counts.

Each makes what it needs, so that any selection can run, but in the order of WORKS: a promote takes in whatever works
before it wrote. Nothing is removed that is not the work itself, because ext4 takes up to a millisecond for each new
file while it remembers thousands that were deleted nearby.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from bench.repos import C_SOURCES, git, package_archive

CREATED_FILES = 5000
SEQUENTIAL_MIB = 200
APPENDS = 20_000
EDITED_FILES = 20
DROP_CACHES = Path("/proc/sys/vm/drop_caches")


class Unavailable(Exception):
    """A work cannot be done here; the message says why."""


class Checkout(NamedTuple):
    """A place to work in: the mount of a session, or a native work tree where `session` is None."""

    path: Path
    repo: Path
    session: str | None


class Work(NamedTuple):
    """A name, what is done, and whether only `--full` or its name asks for it."""

    name: str
    measure: Callable[[Checkout], float]
    heavy: bool = False


# How it is measured


def timed(*command: str, cwd: Path) -> float:
    """Seconds a command takes; its output goes through a pipe, as tar looks at where it writes."""
    start = time.perf_counter()
    with subprocess.Popen(command, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as child:
        assert child.stdout is not None
        while child.stdout.read(1 << 20):
            pass
    return time.perf_counter() - start


def command(*words: str) -> Callable[[Checkout], float]:
    """The work of running a command at the top of the checkout."""
    return lambda checkout: timed(*words, cwd=checkout.path)


def warm(work: Callable[[Checkout], float]) -> Callable[[Checkout], float]:
    """The work when everything it reads was read just before."""

    def measured(checkout: Checkout) -> float:
        work(checkout)
        return work(checkout)

    return measured


def cold(work: Callable[[Checkout], float]) -> Callable[[Checkout], float]:
    """The work when the kernel holds nothing: no pages, no names, no inodes. Raises Unavailable."""

    def measured(checkout: Checkout) -> float:
        os.sync()
        try:
            DROP_CACHES.write_text("3\n")
        except OSError as error:
            raise Unavailable(f"caches cannot be dropped ({error.strerror}); root can") from error
        return work(checkout)

    return measured


# The works


def edit(checkout: Checkout) -> float:
    """Read a tracked file and write it back with one more line: seconds a file."""
    names = tracked(checkout)[25 : 50 * EDITED_FILES : 50]
    start = time.perf_counter()
    for name in names:
        path = checkout.path / name
        path.write_bytes(path.read_bytes() + b"one more line\n")
    return (time.perf_counter() - start) / len(names)


def promote(checkout: Checkout) -> float:
    """Bring ten changed files into a commit: `git vibe promote`, or `git add` and `git commit`."""
    for name in tracked(checkout)[:500:50]:
        with open(checkout.path / name, "ab") as file:
            file.write(b"one more line\n")
    start = time.perf_counter()
    if checkout.session is not None:
        git(checkout.repo, "vibe", "promote", checkout.session)
    else:
        git(checkout.path, "add", "--all")
        git(checkout.path, "commit", "--quiet", "--message", "ten files")
    return time.perf_counter() - start


def tracked(checkout: Checkout) -> list[str]:
    """All tracked files but the sources of the C build, which must stay as they are."""
    names = git(checkout.repo, "ls-tree", "-r", "--name-only", "-z", "HEAD").split("\0")
    return [name for name in names if name and not name.startswith(f"{C_SOURCES}/")]


def create(checkout: Checkout) -> float:
    """Create small files in one new directory."""
    directory = checkout.path / "bench-created"
    directory.mkdir()
    start = time.perf_counter()
    for number in range(CREATED_FILES):
        (directory / f"file-{number}").write_bytes(b"hello\n")
    return time.perf_counter() - start


def remove(checkout: Checkout) -> float:
    """Remove what `create` makes."""
    directory = checkout.path / "bench-created"
    if not directory.exists():
        create(checkout)
    start = time.perf_counter()
    shutil.rmtree(directory)
    return time.perf_counter() - start


def write(checkout: Checkout) -> float:
    """Write one large file."""
    block = bytes(1 << 20)
    start = time.perf_counter()
    with open(checkout.path / "bench-large", "wb", buffering=0) as file:
        for _ in range(SEQUENTIAL_MIB):
            file.write(block)
    return time.perf_counter() - start


def read(checkout: Checkout) -> float:
    """Read the large file."""
    path = checkout.path / "bench-large"
    if not path.exists():
        write(checkout)
    start = time.perf_counter()
    with open(path, "rb", buffering=0) as file:
        while file.read(1 << 20):
            pass
    return time.perf_counter() - start


def append(checkout: Checkout) -> float:
    """Append short lines to a file, unbuffered."""
    start = time.perf_counter()
    with open(checkout.path / "bench-log", "ab", buffering=0) as file:
        for _ in range(APPENDS):
            file.write(b"one more line of a log file\n")
    return time.perf_counter() - start


def build(checkout: Checkout) -> float:
    """Build a real C library and its program from clean. Raises Unavailable."""
    sources = checkout.path / C_SOURCES
    if not sources.exists():
        raise Unavailable("the repository has no C sources: only 'real' has, where they could be downloaded")
    seconds = timed("make", "-j2", cwd=sources)
    if not (sources / "brotli").exists():
        raise Unavailable("the C build failed; it needs make and a C compiler")
    return seconds


def unpack(checkout: Checkout) -> float:
    """Unpack a package tree of 20,000 files."""
    archive = package_archive(checkout.repo.parent)
    directory = checkout.path / "bench-unpacked"
    directory.mkdir()
    return timed("tar", "xf", str(archive), cwd=directory)


_compile_all = command(sys.executable, "-m", "compileall", "-q", "-f", "-j", "2", ".")
_status = command("git", "status", "--short")
_walk = command("find", ".", "-size", "+1000000k")
_tar = command("tar", "cf", "-", ".")
_grep = command("grep", "-r", "no such line anywhere", ".")

WORKS = (
    Work("git status, fresh", _status),
    Work("git status, warm", warm(_status)),
    Work("promote of 10 files", promote),
    Work("edit one file", edit),
    Work("walk with stat, cold", cold(_walk)),
    Work("walk with stat, warm", warm(_walk)),
    Work("tar, cold", cold(_tar)),
    Work("tar, warm", warm(_tar)),
    Work("grep -r, cold", cold(_grep)),
    Work("grep -r, warm", warm(_grep)),
    Work(f"write {SEQUENTIAL_MIB} MiB", write),
    Work(f"read {SEQUENTIAL_MIB} MiB", read),
    Work(f"{APPENDS:,} small appends", append),
    Work("C build from clean", build),
    Work("compileall", _compile_all, heavy=True),
    Work("unpack 20,000 files", unpack, heavy=True),
    Work(f"create {CREATED_FILES:,} files", create),
    Work(f"remove {CREATED_FILES:,} files", remove),
)


def selected(words: Sequence[str], *, heavy: bool) -> list[Work]:
    """The works whose name contains one of the words; without words all, the heavy ones if wanted."""
    if words:
        return [work for work in WORKS if any(word in work.name for word in words)]
    return [work for work in WORKS if heavy or not work.heavy]
