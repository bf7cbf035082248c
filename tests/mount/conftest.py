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

from git_vibe.daemon.client import sealed_layers, session_state, unmount_session
from git_vibe.git.repository import Repository
from git_vibe.session.spawn import Request, spawn
from git_vibe.session.workspace import Workspace
from git_vibe.store.record import SessionRecord
from git_vibe.types import SessionName
from tests.support.beside import Pair
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

STOCK: dict[str, Content] = {
    "file": "clean file\n",
    "other": "another clean file\n",
    "tool": "#!/bin/sh\necho ran\n",
    "link": "-> file",
    "second": "-> other",
    "full/file": "in a directory\n",
    "full/deep/file": "deeper\n",
    "half/file": "in another directory\n",
}
STOCKED = 800

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
    add_stock(repo)
    repo.write(FILES)
    (repo.path / "run.sh").chmod(0o755)
    repo.commit()
    workspace = Workspace(Repository(repo.path / ".git", repo.path / ".git", repo.path), top / "run")
    return Mounted(workspace, spawn(workspace, SessionName("alpha"), Request()).record)


@pytest.fixture(scope="module")
def stocked(mounted: Mounted) -> Mounted:
    """A session with STOCKED directories that hold the same clean STOCK."""
    record = spawn(mounted.workspace, SessionName("stocked"), Request(revision="stock")).record
    return Mounted(mounted.workspace, record)


def add_stock(repo: GitRepo) -> None:
    """Commit the stock on a branch of its own, before there is anything else; one directory on disk is enough."""
    repo.write({f"000/{name}": content for name, content in STOCK.items()})
    (repo.path / "000" / "tool").chmod(0o755)
    repo.git("add", "000")
    tree = repo.git("write-tree", "--prefix=000/")
    entries = "".join(f"040000 tree {tree}\t{number:03d}\n" for number in range(STOCKED))
    many = repo.git("mktree", stdin=entries.encode())
    repo.git("update-ref", "refs/heads/stock", repo.git("commit-tree", "-m", "stock", many))
    repo.git("rm", "--quiet", "-r", "-f", "000")


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
def healthy(mounted: Mounted, serving: Mounted) -> Iterator[None]:
    """Each test leaves the workers alive and without a traceback in their logs."""
    before = {session: len(session.log) for session in (mounted, serving)}
    yield
    for session, length in before.items():
        assert session.is_served()
        assert "Traceback" not in session.log[length:], session.log[length:]


@pytest.fixture
def serving(stocked: Mounted) -> Mounted:
    """The session in which `pair` and `stock` are made; a module may choose another one."""
    return stocked


@pytest.fixture
def pair(serving: Mounted, top: Path) -> Pair:
    """A fresh pair of empty directories."""
    number = next(_numbers)
    made = Pair(serving.path / f"pair-{number}", top / f"plain-{number}")
    for directory in made.both:
        directory.mkdir()
    return made


@pytest.fixture(scope="module")
def unused() -> Iterator[int]:
    """Numbers of the stocked directories that no test had yet."""
    return iter(range(STOCKED))


@pytest.fixture
def stock(serving: Mounted, top: Path, unused: Iterator[int]) -> Pair:
    """A pair of directories with STOCK in them, which is clean in the mount."""
    name = f"{next(unused):03d}"
    made = Pair(serving.path / name, top / f"stock-{name}")
    shutil.copytree(made.mount, made.plain, symlinks=True)
    return made


@pytest.fixture(params=["clean", "dirty", "sealed"])
def everywhere(request: pytest.FixtureRequest, stock: Pair, serving: Mounted) -> Iterator[Pair]:
    """`stock` with its files as the base has them, changed, or changed in a layer that is sealed since."""
    if request.param != "clean":
        rewrite(stock.mount)
    if request.param != "sealed":
        yield stock
        return
    with sealed_layers(serving.workspace.layout, serving.record.name):
        yield stock


def rewrite(top: Path) -> None:
    """Make every regular file and directory dirty without another content; directories after what is in them."""
    for path in [path for path in sorted(top.rglob("*"), reverse=True) if not path.is_symlink()]:
        status = path.stat()
        if path.is_file():
            path.write_bytes(path.read_bytes())
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
