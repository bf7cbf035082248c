"""One real session per module, served through the kernel, with a plain directory beside it."""

from __future__ import annotations

import itertools
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from git_vibe.daemon.client import session_state, unmount_session
from git_vibe.git.repository import Repository
from git_vibe.session.spawn import Request, spawn
from git_vibe.session.workspace import Workspace
from git_vibe.store.record import SessionRecord
from git_vibe.types import SessionName
from tests.support.gitrepo import Content, GitRepo
from tests.support.mounts import sweep, why_no_fuse

FILES: dict[str, Content] = {
    "README": "hello\n",
    "src/main.py": "print('hello')\n",
    "src/deep/er/data.bin": bytes(range(256)),
    "run.sh": "#!/bin/sh\necho ran\n",
    "link": "-> README",
    "empty": b"",
    "a/a": "one\n",
    "a/b/a": "two\n",
    "a/b/b": b"\0" * 5000,
    "a/b/c": "-> nowhere",
    "b/a/a": "",
    "b/b": "three\n",
    "c": "four\n",
    **{f"clean/{number:02d}": f"clean {number}\n" for number in range(40)},
}


_numbers = itertools.count(1)


class Mounted(NamedTuple):
    """A session that is mounted."""

    workspace: Workspace
    record: SessionRecord

    @property
    def path(self) -> Path:
        """Where the session is mounted."""
        return Path(self.record.mount)

    @property
    def context(self) -> Path:
        """The directory whose files appear in the session."""
        return self.workspace.layout.context

    @property
    def log(self) -> str:
        """What the worker had to say."""
        return self.workspace.paths(self.record.name).log.read_text()

    def is_served(self) -> bool:
        """Whether the worker lives."""
        return session_state(self.workspace.layout, self.record.name, self.record.mount).state == "active"


@pytest.fixture(scope="module")
def top() -> Iterator[Path]:
    """A directory with a short path, so that sockets fit; whatever is left in it is swept."""
    directory = Path(tempfile.mkdtemp(prefix="gv-mount-"))
    yield directory
    sweep(directory)
    shutil.rmtree(directory)


@pytest.fixture(scope="module")
def _environment(top: Path) -> Iterator[None]:
    """Nothing of the developer's own configuration while a session is started."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("GIT_")]:
            patch.delenv(name)
        (top / "home").mkdir()
        (top / "home" / ".gitconfig").write_text("[user]\n\tname = Vera\n\temail = vera@example.org\n")
        for name, value in {"HOME": top / "home", "XDG_CONFIG_HOME": top / "home", "GIT_CONFIG_NOSYSTEM": 1}.items():
            patch.setenv(name, str(value))
        patch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
        yield


@pytest.fixture(scope="module")
def mounted(top: Path, _environment: None) -> Mounted:
    """A session named alpha. A worker that dies or complains while serving it shows in `healthy`."""
    reason = why_no_fuse()
    if reason is not None:
        pytest.skip(reason)
    repo = GitRepo.create(top / "repo")
    repo.write(FILES)
    (repo.path / "run.sh").chmod(0o755)
    repo.commit()
    workspace = Workspace(Repository(repo.path / ".git", repo.path / ".git", repo.path), top / "run")
    return Mounted(workspace, spawn(workspace, SessionName("alpha"), Request()).record)


@pytest.fixture
def fresh(mounted: Mounted) -> Iterator[Mounted]:
    """One more session, in which nothing was changed yet."""
    record = spawn(mounted.workspace, SessionName(f"fresh-{next(_numbers)}"), Request()).record
    made = Mounted(mounted.workspace, record)
    yield made
    assert made.is_served()
    assert "Traceback" not in made.log, made.log
    unmount_session(mounted.workspace.layout, record.name)


@pytest.fixture(autouse=True)
def healthy(mounted: Mounted) -> Iterator[None]:
    """Each test leaves the worker alive and without a traceback in its log."""
    before = len(mounted.log)
    yield
    assert mounted.is_served()
    assert "Traceback" not in mounted.log[before:], mounted.log[before:]


class Pair(NamedTuple):
    """Two empty directories in which the same is done: one in the mount, one plain."""

    mount: Path
    plain: Path

    @property
    def both(self) -> tuple[Path, Path]:
        """First the plain one, whose answers are right."""
        return self.plain, self.mount


@pytest.fixture
def pair(mounted: Mounted, top: Path) -> Pair:
    """A fresh pair."""
    number = next(_numbers)
    made = Pair(mounted.path / f"pair-{number}", top / f"plain-{number}")
    for directory in made.both:
        directory.mkdir()
    return made
