"""A view without a kernel: a real repository, real layers, a driver that goes by paths."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from git_vibe.overlay import rename
from git_vibe.store import layer
from tests.fs.driver import Driver, new_session
from tests.support.gitrepo import GitRepo

NOBODY = 65534


@pytest.fixture(autouse=True)
def _no_umask() -> Iterator[None]:
    """Modes come from the kernel with the umask applied, so a worker has none."""
    before = os.umask(0)
    yield
    os.umask(before)


@pytest.fixture
def driver(repo: GitRepo, tmp_path: Path) -> Iterator[Driver]:
    """A fresh session of `repo`."""
    made = Driver(new_session(repo.path, tmp_path / "session"))
    yield made
    made.remount()


@pytest.fixture
def no_devices(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine on which this user may make no character devices, so that whiteouts take their other form."""
    mknod, renameat2 = os.mknod, layer.renameat2

    def refuse_devices(path: bytes, mode: int = 0o600, device: int = 0) -> None:
        if stat.S_ISCHR(mode):
            raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))
        mknod(path, mode, device)

    def refuse_whiteouts(source: bytes, target: bytes, flags: int) -> None:
        if flags & layer.RENAME_WHITEOUT:
            raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))
        renameat2(source, target, flags)

    monkeypatch.setattr(os, "mknod", refuse_devices)
    monkeypatch.setattr(rename, "renameat2", refuse_whiteouts)


class OrdinaryUser:
    """Somebody whom file modes bind."""

    @contextlib.contextmanager
    def owning(self, top: Path) -> Iterator[None]:
        """Act as this user, who owns everything below `top`, inside the block."""
        if os.geteuid() != 0:
            yield
            return
        for folder, directories, files in os.walk(top):
            for name in [".", *directories, *files]:
                os.chown(os.path.join(folder, name), NOBODY, NOBODY, follow_symlinks=False)
        opened = [parent for parent in top.parents if stat.S_IMODE(parent.stat().st_mode) & 0o011 != 0o011]
        for parent in opened:
            parent.chmod(0o711)
        os.setegid(NOBODY)
        os.seteuid(NOBODY)
        try:
            yield
        finally:
            os.seteuid(0)
            os.setegid(0)


@pytest.fixture
def ordinary_user() -> OrdinaryUser:
    """Tests run as root or not; this is never root."""
    return OrdinaryUser()
