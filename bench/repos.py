"""Repositories to measure on, and what is unpacked there. They are made once below the work directory and kept."""

from __future__ import annotations

import io
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path

EDITION = 2
"""Part of the names of repositories: counts up when what is made here changes."""

REAL_PACKAGE = "django"
REAL_VERSIONS = ("4.2.1", "4.2.7", "5.0", "5.0.6")
"""Releases that become the commits of the real repository (about 6,800 files)."""

C_PACKAGE, C_VERSION = "brotli", "1.1.0"
C_SOURCES = "c-sources"
"""Directory of the real repository with the C sources of that package."""
C_MAKEFILE = """\
CFLAGS = -O1 -Iinclude
OBJECTS := $(patsubst %.c,%.o,$(wildcard common/*.c dec/*.c enc/*.c))

brotli: tools/brotli.o libbrotli.a
\t$(CC) -o $@ $^ -lm

libbrotli.a: $(OBJECTS)
\t$(AR) rcs $@ $^
"""

PACKAGES, FILES_A_PACKAGE = 1000, 20


class NotDownloaded(Exception):
    """A package cannot be had; the message says which."""


def git(repo: Path, *args: str, stdin: bytes | None = None) -> str:
    """Run git in a repository and return what it prints. Raises RuntimeError with git's words."""
    done = subprocess.run(["git", "-C", str(repo), *args], input=stdin, capture_output=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"git {' '.join(args)} ended with {done.returncode}: {done.stderr.decode().strip()}")
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
    """Releases of a package from PyPI, one commit each, with C sources of another one. Raises NotDownloaded."""
    _init(path)
    downloads = path.parent / "downloads"
    archives = [download(downloads, REAL_PACKAGE, version) for version in REAL_VERSIONS]
    for version, archive in zip(REAL_VERSIONS, archives, strict=True):
        git(path, "rm", "-r", "-q", "--ignore-unmatch", ".")
        with tarfile.open(archive) as source:
            source.extractall(path, members=_below(source, ""), filter="data")
        (path / ".gitignore").write_text("__pycache__/\n*.pyc\n*.o\n*.a\n")
        add_c_sources(path, downloads)
        git(path, "add", "--all")
        git(path, "commit", "--quiet", "-m", f"{REAL_PACKAGE} {version}")
    git(path, "gc", "--quiet")


def add_c_sources(path: Path, downloads: Path) -> None:
    """Add something to build; without it all else can be measured."""
    try:
        archive = download(downloads, C_PACKAGE, C_VERSION)
    except NotDownloaded as error:
        print(f"no C build: {error}; delete the repository to try again", file=sys.stderr)
        return
    with tarfile.open(archive) as source:
        source.extractall(path / C_SOURCES, members=_below(source, "c/"), filter="data")
    (path / C_SOURCES / "Makefile").write_text(C_MAKEFILE)


def download(directory: Path, package: str, version: str) -> Path:
    """The source archive of a release, kept in `directory`. Raises NotDownloaded where PyPI cannot be reached."""
    directory.mkdir(parents=True, exist_ok=True)
    wanted = f"{package}-{version}.tar.gz"
    found = [path for path in directory.iterdir() if path.name.lower() == wanted]
    if not found:
        options = ["--quiet", "--disable-pip-version-check", "--no-deps", "--no-binary", ":all:"]
        command = [sys.executable, "-m", "pip", "download", *options, "-d", str(directory), f"{package}=={version}"]
        if subprocess.run(command, check=False, stderr=subprocess.DEVNULL).returncode != 0:
            raise NotDownloaded(f"{package} {version} cannot be downloaded from PyPI")
        found = [path for path in directory.iterdir() if path.name.lower() == wanted]
    return found[0]


def _below(source: tarfile.TarFile, prefix: str) -> list[tarfile.TarInfo]:
    """Members below a directory of an archive's one top directory, with their names from there."""
    members = []
    for member in source.getmembers():
        rest = member.name.partition("/")[2]
        if rest.startswith(prefix) and rest != prefix:
            member.name = rest.removeprefix(prefix)
            members.append(member)
    return [member for member in members if member.name]


MAKERS: dict[str, Callable[[Path], None]] = {
    "small": lambda path: make_synthetic(path, 500),
    "real": make_real,
    "large": lambda path: make_synthetic(path, 100_000),
}


def repository(directory: Path, kind: str) -> Path:
    """Path of the repository of a kind, made if it is not there yet. Raises NotDownloaded for 'real'."""
    path = directory / f"{kind}-{EDITION}"
    if not path.exists():
        staged = directory / f"{kind}.new"
        shutil.rmtree(staged, ignore_errors=True)
        MAKERS[kind](staged)
        staged.rename(path)
    return path


def package_archive(directory: Path) -> Path:
    """A tar archive of 20,000 small files in nested directories, as package managers unpack them."""
    path = directory / f"packages-{EDITION}.tar"
    if not path.exists():
        staged = path.with_suffix(".new")
        with tarfile.open(staged, "w") as archive:
            for number in range(PACKAGES * FILES_A_PACKAGE):
                package, file = divmod(number, FILES_A_PACKAGE)
                member = tarfile.TarInfo(f"package-{package}/lib/part-{file % 4}/file-{file}.js")
                member.size = 100 + number * 37 % 3000
                archive.addfile(member, io.BytesIO(b"x" * member.size))
        staged.rename(path)
    return path
