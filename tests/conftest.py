"""What every test gets: an environment of its own, repositories, `git vibe`, and a sweep of what it leaves behind."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

import pytest

from tests.support.gitrepo import GitRepo
from tests.support.mounts import sweep, why_no_fuse
from tests.support.runner import Vibe

TEST_LIMIT = 120
"""Seconds a test may take; one that is marked slow may take ten times as long."""

GITCONFIG = """\
[user]
	name = Vera Vibe
	email = vera@example.org
[init]
	defaultBranch = main
[protocol "file"]
	allow = always
[gc]
	auto = 0
[maintenance]
	auto = false
[advice]
	detachedHead = false
"""

PINNED = {
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_AUTHOR_DATE": "2024-01-02T03:04:05+00:00",
    "GIT_COMMITTER_DATE": "2024-01-02T03:04:05+00:00",
    "GIT_EDITOR": "false",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_PAGER": "cat",
    "PAGER": "cat",
    "TERM": "dumb",
    "TZ": "UTC",
    "LC_ALL": "C.UTF-8",
    "COLUMNS": "100",
    "SHELL": "/bin/sh",
    "PYTHONDONTWRITEBYTECODE": "1",
}
_LEADING_ASTRAY = ("GIT_", "MAKE", "MFLAGS")
"""What variables begin with that git, or a make below the one that runs the tests, would follow."""
_HOST_VARIABLES = ("GIT_VIBE_REQUIRE_FUSE",)
_SOURCES = Path(__file__).parents[1]


def pytest_report_header() -> str:
    """Say what this run can prove."""
    fuse = why_no_fuse()
    shells = [name for name in ("bash", "zsh", "fish", "man", "tmux") if shutil.which(name)]
    return f"fuse: {'enabled' if fuse is None else 'disabled, ' + fuse}; found: {', '.join(shells)}"


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip what needs a mount where there are none, unless the run insists on them."""
    reason = why_no_fuse() if item.get_closest_marker("fuse") else None
    if reason is not None and os.environ.get("GIT_VIBE_REQUIRE_FUSE") == "1":
        pytest.fail(f"GIT_VIBE_REQUIRE_FUSE=1, but {reason}", pytrace=False)
    if reason is not None:
        pytest.skip(reason)


@pytest.fixture(scope="session", autouse=True)
def _swept_session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Sweep what earlier runs that were killed left below pytest's temporary root, and what this one does."""
    own = tmp_path_factory.getbasetemp()
    for other in own.parent.glob("pytest-*"):
        if other != own and not _is_running(other):
            sweep(other)
    yield
    left = sweep(own)
    if left:
        sys.stderr.write(f"\nleft behind by the tests: {', '.join(left)}\n")


def _is_running(base: Path) -> bool:
    """Whether the run whose temporary directory is `base` goes on: pytest keeps its pid in a lock file there."""
    try:
        return Path(f"/proc/{int((base / '.lock').read_text())}").exists()
    except (OSError, ValueError):
        return False


@pytest.fixture(scope="session")
def program_directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory for PATH that holds `git-vibe`: the one of this interpreter, else one made from the sources."""
    installed = Path(sys.executable).parent
    if (installed / "git-vibe").exists():
        return installed
    directory = tmp_path_factory.mktemp("bin")
    program = directory / "git-vibe"
    program.write_text(f"#!{sys.executable}\nimport sys\nfrom git_vibe.cli.main import main\nsys.exit(main())\n")
    program.chmod(0o755)
    return directory


@pytest.fixture(autouse=True)
def hermetic(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program_directory: Path) -> Iterator[None]:
    """Nothing of the developer's own configuration, and a short XDG_RUNTIME_DIR for sockets."""
    for name in [name for name in os.environ if name.startswith(_LEADING_ASTRAY) and name not in _HOST_VARIABLES]:
        monkeypatch.delenv(name)
    for name in ("XDG_DATA_HOME", "XDG_STATE_HOME", "_ARGCOMPLETE", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    home = tmp_path / "home"
    (home / "templates").mkdir(parents=True)
    (home / ".gitconfig").write_text(f"{GITCONFIG}[init]\n\ttemplateDir = {home / 'templates'}\n")
    runtime = tempfile.mkdtemp(prefix="gv-", dir="/tmp")
    own = {
        "HOME": home,
        "XDG_CONFIG_HOME": home / ".config",
        "XDG_CACHE_HOME": home / ".cache",
        "XDG_RUNTIME_DIR": runtime,
    }
    for name, value in {**PINNED, **own}.items():
        monkeypatch.setenv(name, str(value))
    monkeypatch.setenv("PATH", f"{program_directory}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("PYTHONPATH", str(_SOURCES))
    monkeypatch.chdir(tmp_path)
    yield
    os.chdir("/")
    sweep(tmp_path)
    shutil.rmtree(runtime, ignore_errors=True)


@pytest.fixture(autouse=True)
def _watchdog(request: pytest.FixtureRequest, hermetic: None, tmp_path: Path) -> Iterator[None]:
    """Free a test that hangs on a mount: killing the server makes the kernel answer."""

    def expire(number: int, frame: FrameType | None) -> None:
        sweep(tmp_path)
        raise TimeoutError(f"the test took longer than {limit} seconds")

    limit = TEST_LIMIT * (10 if request.node.get_closest_marker("slow") else 1)
    signal.signal(signal.SIGALRM, expire)
    signal.alarm(limit)
    yield
    signal.alarm(0)


@pytest.fixture
def repo(tmp_path: Path) -> GitRepo:
    """A small repository with a file of every kind, in `tmp_path/repo`."""
    made = GitRepo.create(tmp_path / "repo")
    made.write(
        {
            "README": "hello\n",
            "src/main.py": "print('hello')\n",
            "src/deep/er/data.bin": bytes(range(256)),
            "run.sh": "#!/bin/sh\necho ran\n",
            "link": "-> README",
            ".gitignore": "*.log\nbuild/\n",
            "empty": b"",
        }
    )
    (made.path / "run.sh").chmod(0o755)
    made.commit(message="first")
    return made


@pytest.fixture
def vibe(repo: GitRepo) -> Iterator[Vibe]:
    """`git vibe` in `repo`; sessions that are left are unmounted afterwards."""
    runner = Vibe(repo.path)
    yield runner
    if repo.vibe_dir.exists():
        with contextlib.suppress(Exception):
            runner.run("daemon", "stop", "--all", timeout=20)
