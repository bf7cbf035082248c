"""git builds in a session, and its own tests have there the results that they have natively."""

from __future__ import annotations

import os
import subprocess
import tarfile
from pathlib import Path

import pytest

from tests.support.gitrepo import GitRepo
from tests.support.software import Pair, needs, unavailable

pytestmark = [pytest.mark.fuse, pytest.mark.slow]

DOWNLOADS = Path(__file__).parents[2] / ".bench" / "downloads"
SOURCE = "deb-src http://deb.debian.org/debian bookworm main\n"
MAKE = "make -s CFLAGS=-O0 NO_CURL=1 NO_EXPAT=1 NO_GETTEXT=1 NO_TCLTK=1 NO_OPENSSL=1 NO_PERL=1"
TESTS = "t000[0-9]*.sh t1300*.sh t1400*.sh t1500*.sh t300*.sh t3200*.sh t3700*.sh t7002*.sh t7063*.sh"


def archive() -> Path:
    """The sources of git as Debian has them, downloaded once."""
    if not list(DOWNLOADS.glob("git_*.orig.tar.xz")):
        needs("apt-get")
        _download()
    return next(DOWNLOADS.glob("git_*.orig.tar.xz"))


def _download() -> None:
    lists = DOWNLOADS / "apt"
    (lists / "partial").mkdir(parents=True, exist_ok=True)
    (lists / "sources.list").write_text(SOURCE)
    options = ["-qq", "-o", f"Dir::Etc::sourcelist={lists}/sources.list", "-o", "Dir::Etc::sourceparts=/nonexistent"]
    options += ["-o", f"Dir::State::lists={lists}", "-o", f"Dir::Cache={lists}", "-o", "APT::Sandbox::User="]
    for command in (["update"], ["source", "--download-only", "git"]):
        done = subprocess.run(["apt-get", *options, *command], cwd=DOWNLOADS, capture_output=True, check=False)
        if done.returncode != 0:
            unavailable(f"the sources of git cannot be downloaded: {os.fsdecode(done.stderr)[-300:]}")


@pytest.fixture
def pair(tmp_path: Path) -> Pair:
    """Sources of git, with a Makefile and headers in place."""
    needs("make", "cc", "perl")
    with tarfile.open(archive()) as source:
        source.extractall(tmp_path, filter="data")
    repo = GitRepo.create(tmp_path / "repo")
    [unpacked] = tmp_path.glob("git-*")
    repo.path.joinpath(".git").rename(unpacked / ".git")
    repo.path.rmdir()
    unpacked.rename(repo.path)
    repo.git("add", "--all", "--force")
    repo.commit()
    return Pair(repo)


def test_git_builds_and_tests_itself(pair: Pair) -> None:
    pair.run(f"{MAKE} -j2 >/dev/null 2>&1; ./git version", timeout=900)
    assert b"git-remote-http" not in pair.compare(_is_dated)
    pair.run(f"touch wildmatch.c && {MAKE} 2>&1 && git status --short", timeout=300)
    told = pair.run(f"cd t; for test in {TESTS}; do sh $test 2>&1 | tail -n1; done", timeout=900)
    assert told.count("1..") > 15
    pair.run("cd t; make -s clean", timeout=100)
    pair.assert_whole()


def _is_dated(path: bytes) -> bool:
    """Whether the file holds the time of the build."""
    return path.endswith((b".a", b"boilerplates.made"))
