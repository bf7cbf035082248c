"""Machines that lack something: small disks, no /dev/fuse, an ordinary user. It needs root and undoes itself."""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import subprocess
import sysconfig
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest

from tests.support.mounts import sweep
from tests.support.runner import Done

NOBODY = 65534
SYSTEM_PYTHON = Path("/usr/bin/python3")
_SOURCES = Path(__file__).parents[2]


def require_root() -> None:
    """Skip where nothing may be mounted by hand."""
    if os.geteuid() != 0:
        pytest.skip("needs root to change the machine")


@contextlib.contextmanager
def mounted_disk(path: Path, kind: str, options: str = "") -> Iterator[Path]:
    """A file system of its own at `path`; our mounts on it end first."""
    require_root()
    path.mkdir()
    command = ["mount", "-t", kind, *(["-o", options] if options else []), "none", str(path)]
    subprocess.run(command, check=True, capture_output=True)
    try:
        yield path
    finally:
        sweep(path)
        subprocess.run(["umount", "-l", str(path)], check=True)


def in_private_namespace(setup: str, command: Sequence[str], cwd: Path, env: Mapping[str, str] | None = None) -> Done:
    """How a command ends after the shell script `setup` changed the mounts, which nobody else sees."""
    require_root()
    script = f"set -e\n{setup}\nexec {shlex.join(command)}"
    done = subprocess.run(
        ["unshare", "--mount", "sh", "-c", script],
        cwd=cwd, env={**os.environ, **(env or {})}, capture_output=True, check=False, timeout=100,
    )  # fmt: skip
    return Done(done.returncode, os.fsdecode(done.stdout), os.fsdecode(done.stderr))


@contextlib.contextmanager
def home_of_nobody() -> Iterator[Path]:
    """A directory that uid 65534 owns, with git-vibe for an interpreter that everybody may run."""
    require_root()
    top = Path(tempfile.mkdtemp(prefix="gv-nobody-", dir="/tmp"))
    top.chmod(0o755)
    try:
        packages = top / "packages"
        shutil.copytree(sysconfig.get_path("purelib"), packages, ignore=shutil.ignore_patterns("__pycache__", "*.pth"))
        shutil.copytree(_SOURCES / "git_vibe", packages / "git_vibe", dirs_exist_ok=True)
        shutil.copytree(_SOURCES / "hooks", packages / "hooks")
        program = top / "bin" / "git-vibe"
        program.parent.mkdir()
        program.write_text(f"#!{SYSTEM_PYTHON}\nimport sys\nfrom git_vibe.cli.main import main\nsys.exit(main())\n")
        program.chmod(0o755)
        (top / "home").mkdir()
        os.chown(top / "home", NOBODY, NOBODY)
        yield top
    finally:
        sweep(top)
        shutil.rmtree(top)
