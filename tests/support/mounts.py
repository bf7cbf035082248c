"""Mounts and processes of ours: can this machine make them, and are any left?"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import stat
import subprocess
from pathlib import Path

from git_vibe.daemon.process import mount_points


def why_no_fuse() -> str | None:
    """The reason why nothing can be mounted here, or None."""
    program = shutil.which("fusermount3")
    if program is None:
        return "fusermount3 is not on PATH"
    if os.geteuid() != 0 and not os.stat(program).st_mode & stat.S_ISUID:
        return f"{program} is not setuid"
    try:
        os.close(os.open("/dev/fuse", os.O_RDWR))
    except OSError as error:
        return f"/dev/fuse: {error.strerror}"
    return None


def mounts_below(top: Path) -> list[str]:
    """Paths of our mounts below `top`, the deepest first."""
    return sorted((path for path in mount_points() if path.startswith(f"{top}/")), key=len, reverse=True)


def processes_below(top: Path, *modules: bytes) -> list[int]:
    """Processes of these modules that serve a repository below `top`.

    By default daemons and workers, which keep the command line of their daemon.
    """
    found = (entry for entry in Path("/proc").iterdir() if entry.name.isdigit())
    return sorted(int(entry.name) for entry in found if _serves(entry, top, modules or (b"git_vibe.daemon",)))


def _serves(process: Path, top: Path, modules: tuple[bytes, ...]) -> bool:
    try:
        words = (process / "cmdline").read_bytes().split(b"\0")
    except OSError:
        return False
    return any(name in words for name in modules) and any(word.startswith(os.fsencode(top) + b"/") for word in words)


def sweep(top: Path) -> list[str]:
    """Kill our processes and detach our mounts below `top`; what there was to do."""
    done = []
    for pid in processes_below(top, b"git_vibe.daemon", b"git_vibe.session.radar"):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGKILL) if os.getpgid(pid) == pid else os.kill(pid, signal.SIGKILL)
            done.append(f"killed process {pid}")
    for path in mounts_below(top):
        subprocess.run(["fusermount3", "-uz", path], capture_output=True, check=False)
        done.append(f"unmounted {path}")
    return done
