"""Repositories to measure on. They are made once below the work directory and kept."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path

REAL_PACKAGE = "django"
REAL_VERSIONS = ("4.2.1", "4.2.7", "5.0", "5.0.6")
"""Releases that become the commits of the real repository (about 6,800 files)."""


def git(repo: Path, *args: str, stdin: bytes | None = None) -> str:
    """Run git in a repository and return what it prints."""
    done = subprocess.run(["git", "-C", str(repo), *args], input=stdin, capture_output=True, check=True)
    return done.stdout.decode().strip()


def _init(path: Path) -> None:
    path.mkdir(parents=True)
    git(path, "init", "--quiet", "--initial-branch=main")
    git(path, "config", "user.name", "Bench")
    git(path, "config", "user.email", "bench@example.com")
    git(path, "config", "gc.auto", "0")


def make_synthetic(path: Path, files: int) -> None:
    """A repository of `files` small text files in directories of 20."""
    _init(path)
    lines = [b"commit refs/heads/main\ncommitter Bench <bench@example.com> 1700000000 +0000\ndata 0\n"]
    for number in range(files):
        content = b"line %d of a generated file\n" % number * (number % 50 + 1)
        name = b"d%d/e%d/file_%d.txt" % (number // 2000, number // 20 % 100, number)
        lines.append(b"M 100644 inline %s\ndata %d\n%s\n" % (name, len(content), content))
    git(path, "fast-import", "--quiet", stdin=b"".join(lines))
    git(path, "reset", "--quiet", "--hard")


def make_real(path: Path) -> None:
    """Releases of a real package from PyPI, one commit each, with the usual `.gitignore`."""
    _init(path)
    for version in REAL_VERSIONS:
        archive = download(path.parent / "downloads", version)
        git(path, "rm", "-r", "-q", "--ignore-unmatch", ".")
        with tarfile.open(archive) as source:
            source.extractall(path, members=_without_top(source), filter="data")
        (path / ".gitignore").write_text("__pycache__/\n*.pyc\n")
        git(path, "add", "--all")
        git(path, "commit", "--quiet", "-m", f"{REAL_PACKAGE} {version}")
    git(path, "gc", "--quiet")


def download(directory: Path, version: str) -> Path:
    directory.mkdir(exist_ok=True)
    wanted = f"{REAL_PACKAGE}-{version}.tar.gz"
    found = [path for path in directory.iterdir() if path.name.lower() == wanted]
    if not found:
        options = ["--quiet", "--disable-pip-version-check", "--no-deps", "--no-binary", ":all:"]
        command = [sys.executable, "-m", "pip", "download", *options, "-d", str(directory)]
        subprocess.run([*command, f"{REAL_PACKAGE}=={version}"], check=True, stderr=subprocess.DEVNULL)
        found = [path for path in directory.iterdir() if path.name.lower() == wanted]
    return found[0]


def _without_top(source: tarfile.TarFile) -> list[tarfile.TarInfo]:
    members = []
    for member in source.getmembers():
        _, slash, rest = member.name.partition("/")
        if slash and rest:
            member.name = rest
            members.append(member)
    return members


MAKERS: dict[str, Callable[[Path], None]] = {
    "small": lambda path: make_synthetic(path, 500),
    "real": make_real,
    "large": lambda path: make_synthetic(path, 100_000),
}


def repository(directory: Path, kind: str) -> Path:
    """Path of the repository of a kind ('small', 'real', 'large'), made if it is not there yet."""
    path = directory / kind
    if not path.exists():
        staged = directory / f"{kind}.new"
        shutil.rmtree(staged, ignore_errors=True)
        MAKERS[kind](staged)
        staged.rename(path)
    return path
