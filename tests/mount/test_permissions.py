"""Who may do what: modes, owners and groups, as root and as ordinary users.

The session is mounted by root with `vibe.allowOther`, which lets other users in; the kernel then checks modes and
owners as anywhere else (`default_permissions`). Without the setting nobody else gets in.
"""

# mypy: disable-error-code="func-returns-value"

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from git_vibe.session.spawn import Request, spawn
from git_vibe.types import SessionName
from tests.mount.conftest import Mounted
from tests.support.beside import Pair, Script, look, opened, outcome
from tests.support.children import User, in_child
from tests.support.gitrepo import GitRepo
from tests.support.machines import require_root
from tests.support.syscalls import AT_EACCESS, access

pytestmark = pytest.mark.fuse

VERA, ZOE, GROUP = 12_001, 12_002, 12_100
USERS = {
    "owner": User(VERA, VERA),
    "member": User(ZOE, ZOE, (GROUP,)),
    "other": User(ZOE, ZOE),
}


@pytest.fixture(scope="module")
def shared(mounted: Mounted, top: Path) -> Mounted:
    """A session that other users may enter."""
    require_root()
    top.chmod(0o755)
    repo = GitRepo(mounted.workspace.repo.worktree)
    repo.git("config", "vibe.allowOther", "true")
    record = spawn(mounted.workspace, SessionName("shared"), Request(revision="stock")).record
    repo.git("config", "--unset", "vibe.allowOther")
    return Mounted(mounted.workspace, record)


@pytest.fixture
def serving(shared: Mounted) -> Mounted:
    """All pairs are made in the session that other users may enter."""
    return shared


@pytest.fixture
def belonging(stock: Pair) -> Pair:
    """Files of a user and of a group that others are in."""
    for top in stock.both:
        for path in (top, *top.rglob("*")):
            os.lchown(path, VERA, GROUP)
        for name, mode in {"file": 0o640, "tool": 0o750, "full": 0o750}.items():
            (top / name).chmod(mode)
    return stock


def done_by(user: User, pair: Pair, script: Script) -> object:
    """What a user gets in both directories, which must be equal."""
    return pair.same(lambda top: in_child(lambda: outcome(script, top), user))


def content(path: Path) -> object:
    """Read and write a file and look for what is not allowed."""
    actions: list[Script] = [
        lambda _: path.read_bytes(),
        lambda _: os.close(os.open(path, os.O_WRONLY | os.O_APPEND)),
        lambda _: os.truncate(path, 3),
        lambda _: access(path, os.X_OK),
        lambda _: access(path, os.W_OK, AT_EACCESS),
    ]
    return [outcome(action, path) for action in actions]


ACTIONS: dict[str, Script] = {
    "use a file": lambda top: content(top / "file"),
    "use a program": lambda top: content(top / "tool"),
    "use a deep file": lambda top: content(top / "full" / "deep" / "file"),
    "list": lambda top: sorted(os.listdir(top / "full")),
    "look inside": lambda top: os.stat(top / "full" / "file").st_size,
    "chmod": lambda top: os.chmod(top / "file", 0o600),
    "chmod setuid": lambda top: os.chmod(top / "tool", 0o6755),
    "chown": lambda top: os.chown(top / "file", ZOE, -1),
    "chgrp": lambda top: os.chown(top / "file", -1, GROUP),
    "chgrp to a foreign group": lambda top: os.chown(top / "file", -1, 4),
    "chown to itself": lambda top: os.chown(top / "file", os.getuid(), -1),
    "set times": lambda top: os.utime(top / "file", ns=(5, 7)),
    "set times to now": lambda top: os.utime(top / "file"),
    "setxattr": lambda top: os.setxattr(top / "file", "user.x", b"1"),
    "trusted": lambda top: os.setxattr(top / "file", "trusted.x", b"1"),
    "create": lambda top: (top / "new").touch(),
    "create inside": lambda top: (top / "full" / "new").touch(),
    "mkdir": lambda top: (top / "new").mkdir(),
    "symlink": lambda top: (top / "new").symlink_to("x"),
    "fifo": lambda top: os.mkfifo(top / "new"),
    "device": lambda top: os.mknod(top / "new", 0o600 | stat.S_IFCHR, os.makedev(1, 3)),
    "link": lambda top: os.link(top / "file", top / "new"),
    "unlink": lambda top: (top / "file").unlink(),
    "rename": lambda top: os.rename(top / "file", top / "new"),
    "move a directory": lambda top: os.rename(top / "full", top / "half" / "new"),
    "chroot": lambda top: os.chroot(top),
}


@pytest.mark.parametrize("user", USERS)
@pytest.mark.parametrize("action", ACTIONS)
def test_what_an_ordinary_user_may_do(belonging: Pair, action: str, user: str) -> None:
    done_by(USERS[user], belonging, ACTIONS[action])


@pytest.mark.parametrize("action", ACTIONS)
def test_what_an_ordinary_user_may_do_with_clean_files_of_root(stock: Pair, action: str) -> None:
    done_by(USERS["other"], stock, ACTIONS[action])


@pytest.mark.parametrize("mode", [0o000, 0o050, 0o300, 0o711, 0o1777])
@pytest.mark.parametrize("user", USERS)
def test_modes_of_a_directory(stock: Pair, user: str, mode: int) -> None:
    for top in stock.both:
        os.chown(top / "full", VERA, GROUP)
        os.chmod(top / "full", mode)
    actions = ("list", "look inside", "create inside", "use a deep file", "move a directory")
    for action in actions:
        done_by(USERS[user], stock, ACTIONS[action])


def make_open(pair: Pair, mode: int, gid: int = GROUP) -> None:
    """Let everybody write to a pair of directories."""
    for top in pair.both:
        os.chown(top, 0, gid)
        os.chmod(top, mode)


def make_things(top: Path) -> None:
    """One of everything, with a mode that asks for more than it may get."""
    (top / "directory").mkdir(0o777)
    (top / "directory" / "below").mkdir()
    (top / "file").touch()
    (top / "link").symlink_to("file")
    os.mkfifo(top / "fifo")
    with opened(top / "setgid", os.O_CREAT | os.O_WRONLY, 0o6777):
        pass
    (top / "file").rename(top / "directory" / "file")


@pytest.mark.parametrize("mode", [0o777, 0o1777, 0o2777, 0o3777])
@pytest.mark.parametrize("user", USERS)
def test_what_is_made_belongs_to_its_maker(pair: Pair, user: str, mode: int) -> None:
    make_open(pair, mode)
    done_by(USERS[user], pair, make_things)


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077, 0o777])
def test_umask(pair: Pair, umask: int) -> None:
    make_open(pair, 0o2777)
    done_by(USERS["other"], pair, lambda top: (os.umask(umask), make_things(top)))


STICKY: dict[str, Script] = {
    "unlink": lambda top: (top / "file").unlink(),
    "rename": lambda top: os.rename(top / "file", top / "new"),
    "replace": lambda top: ((top / "own").touch(), os.rename(top / "own", top / "file")),
    "rmdir": lambda top: (top / "directory").rmdir(),
    "unlink one's own": lambda top: ((top / "own").touch(), (top / "own").unlink()),
}


@pytest.mark.parametrize("action", STICKY)
@pytest.mark.parametrize("user", USERS)
def test_sticky_directories(pair: Pair, user: str, action: str) -> None:
    make_open(pair, 0o1777)
    done_by(USERS["owner"], pair, lambda top: ((top / "file").touch(), (top / "directory").mkdir()))
    done_by(USERS[user], pair, STICKY[action])


PRIVILEGED: dict[str, Script] = {
    "write": lambda top: _append(top / "tool"),
    "truncate": lambda top: os.truncate(top / "tool", 3),
    "chown": lambda top: os.chown(top / "tool", -1, GROUP),
    "chmod": lambda top: os.chmod(top / "tool", 0o6711),
    "touch": lambda top: os.utime(top / "tool"),
    "rename": lambda top: os.rename(top / "tool", top / "new"),
}


def _append(path: Path) -> None:
    with opened(path, os.O_WRONLY | os.O_APPEND) as fd:
        os.write(fd, b"more")


@pytest.mark.parametrize("mode", [0o6777, 0o2777])
@pytest.mark.parametrize("action", PRIVILEGED)
@pytest.mark.parametrize("user", ["root", "owner", "member"])
def test_set_user_and_set_group_bits(stock: Pair, user: str, action: str, mode: int) -> None:
    for top in stock.both:
        os.chmod(top, 0o777)
        os.chown(top / "tool", VERA, VERA)
        os.chmod(top / "tool", mode)
    done_by(USERS[user], stock, PRIVILEGED[action]) if user != "root" else stock.same(PRIVILEGED[action])


def test_programs_run_with_no_other_rights(pair: Pair) -> None:
    """As on every file system that is mounted with `nosuid`."""
    assert os.statvfs(pair.mount).f_flag & os.ST_NOSUID


def test_rights_are_checked_when_a_file_is_opened(everywhere: Pair) -> None:
    def script(top: Path) -> object:
        with opened(top / "file", os.O_RDWR) as fd:
            os.fchmod(fd, 0)
            return in_child(lambda: (os.read(fd, 5), os.write(fd, b"x"), content(top / "file")), USERS["other"])

    everywhere.same(script)


@pytest.fixture
def alone(stocked: Mounted) -> Iterator[Path]:
    """A session without the setting."""
    yield stocked.path


@pytest.mark.parametrize("action", ["list", "use a file", "create"])
@pytest.mark.parametrize("user", USERS)
def test_nobody_else_gets_in_without_the_setting(alone: Path, user: str, action: str) -> None:
    before = look(alone / "000")
    found = in_child(lambda: outcome(ACTIONS[action], alone / "000"), USERS[user])
    assert found in ("EACCES", ["EACCES"] * 5)
    assert look(alone / "000") == before
