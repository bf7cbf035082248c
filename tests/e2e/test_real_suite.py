"""The test suite of a real project, Django, gives the same results in a session as in a native work tree."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from bench.repos import NotDownloaded, download
from tests.support.gitrepo import GitRepo
from tests.support.runner import Vibe
from tests.support.soundness import assert_sound
from tests.support.trees import tree

pytestmark = pytest.mark.fuse

VERSION = "5.0"
DOWNLOADS = Path(__file__).parents[2] / ".bench" / "downloads"
QUICK = ("files", "file_storage")
SLOW = ("staticfiles_tests", "template_tests", "utils_tests", "migrations", "i18n", "admin_scripts")
RESULT = re.compile(r"^(Ran \d+ tests|OK.*|FAILED.*|(?:FAIL|ERROR): .*)", re.MULTILINE)


@pytest.fixture
def django(tmp_path: Path) -> GitRepo:
    """The sources of a release, committed."""
    try:
        archive = download(DOWNLOADS, "django", VERSION)
    except NotDownloaded as error:
        pytest.skip(str(error))
    with tarfile.open(archive) as source:
        source.extractall(tmp_path, filter="data")
    made = GitRepo.create(tmp_path / "django")
    made.path.joinpath(".git").rename(tmp_path / f"Django-{VERSION}" / ".git")
    made.path.rmdir()
    (tmp_path / f"Django-{VERSION}").rename(made.path)
    made.commit({".gitignore": "__pycache__/\n"})
    return made


def results(top: Path, labels: tuple[str, ...]) -> list[str]:
    """How many tests ran in a work tree, and which failed."""
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "tests/runtests.py", "--parallel=1", *labels],
        cwd=top, env={**environment, "PYTHONPATH": str(top)}, capture_output=True, check=False,
    )  # fmt: skip
    found = RESULT.findall(re.sub(r" in [\d.]+s", "", os.fsdecode(done.stderr)))
    assert any(line.startswith("Ran ") for line in found), os.fsdecode(done.stderr)
    return sorted(found)


def compare(django: GitRepo, native: Path, labels: tuple[str, ...]) -> None:
    """Run the tests on both sides; results and what they leave behind must be the same."""
    vibe = Vibe(django.path)
    session = Path(vibe("spawn", "alpha"))
    assert results(session, labels) == results(native, labels)
    assert vibe("status", "alpha", "--porcelain") == ""
    kept = {path: entry for path, entry in tree(session).items() if b"__pycache__" not in path}
    assert kept == {path: entry for path, entry in tree(native).items() if b"__pycache__" not in path}
    vibe("purge", "--force")
    assert_sound(vibe, django)


@pytest.fixture
def native_django(django: GitRepo, tmp_path: Path) -> Path:
    """A native work tree of the same commit."""
    django.git("worktree", "add", "--quiet", "--detach", str(tmp_path / "native"))
    return tmp_path / "native"


def test_file_tests_of_django(django: GitRepo, native_django: Path) -> None:
    compare(django, native_django, QUICK)


@pytest.mark.slow
def test_more_tests_of_django(django: GitRepo, native_django: Path) -> None:
    compare(django, native_django, SLOW)
