"""Checks of the machine: can it mount a session at all?"""

from __future__ import annotations

import errno
import os
import re
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

from git_vibe.git.command import run_git
from git_vibe.session.doctor import Finding, Problem

OLDEST_GIT = (2, 31)
"""The first git that takes configuration from GIT_CONFIG_COUNT and knows `rev-parse --path-format`."""

_INSTALL_FUSE = "install the package fuse3 (Debian, Ubuntu, Fedora, Arch: `fuse3`)"


def check_machine() -> Iterator[Finding]:
    """Everything that does not depend on a repository."""
    yield from check_git()
    yield from check_device()
    yield from check_fusermount()
    yield from check_fuse_configuration()


def check_git() -> Iterator[Finding]:
    """Is git new enough?"""
    words = run_git(["version"], cwd="/").decode(errors="replace")
    found = re.search(r"(\d+)\.(\d+)", words)
    if found and (int(found[1]), int(found[2])) < OLDEST_GIT:
        yield Problem(f"{words.strip()} is too old", f"install git {OLDEST_GIT[0]}.{OLDEST_GIT[1]} or newer")
    else:
        yield words.strip()


def check_device(device: Path = Path("/dev/fuse")) -> Iterator[Finding]:
    """Is the FUSE device there and ours to open?"""
    try:
        os.close(os.open(device, os.O_RDWR | os.O_CLOEXEC))
    except OSError as error:
        yield Problem(f"{device} cannot be opened: {error.strerror}", _device_remedy(error.errno))
    else:
        yield f"{device} can be opened"


def _device_remedy(code: int | None) -> str:
    if code == errno.ENOENT:
        return "load the kernel module (`modprobe fuse`); in a container start it with `--device /dev/fuse`"
    if code in (errno.EACCES, errno.EPERM):
        return "make it accessible (`chmod 0666 /dev/fuse`); in a container also add `--cap-add SYS_ADMIN`"
    return "load the kernel module (`modprobe fuse`)"


def check_fusermount(program: str | None = None) -> Iterator[Finding]:
    """Is fusermount3 there and allowed to mount for an ordinary user?"""
    found = program or shutil.which("fusermount3")
    if found is None:
        yield Problem("fusermount3 is not on PATH", _INSTALL_FUSE)
    elif os.geteuid() != 0 and not _runs_as_root(found):
        yield Problem(f"{found} is not setuid root", f"install fuse3 again, or run `sudo chmod u+s {found}`")
    else:
        yield f"{found} can mount"


def _runs_as_root(program: str) -> bool:
    status = os.stat(program)
    return bool(status.st_mode & stat.S_ISUID) and status.st_uid == 0


def check_fuse_configuration(
    path: Path = Path("/etc/fuse.conf"), mount_table: Path = Path("/proc/self/mountinfo")
) -> Iterator[Finding]:
    """What /etc/fuse.conf allows: other users looking in, and the number of mounts."""
    lines = _configuration_lines(path)
    other = "is set" if "user_allow_other" in lines else "is not set: only the user who mounts sees a session's files"
    yield f"user_allow_other {other}"
    limit = next((line.partition("=")[2].strip() for line in lines if line.startswith("mount_max")), "1000")
    here = mount_table.read_bytes().count(b" - fuse")
    if os.geteuid() != 0 and limit.isdigit() and here >= int(limit):
        yield Problem(f"{here} FUSE mounts reach the limit mount_max={limit}", f"raise mount_max in {path}")


def _configuration_lines(path: Path) -> list[str]:
    try:
        return [line.strip() for line in path.read_text(errors="replace").splitlines()]
    except OSError:
        return []
