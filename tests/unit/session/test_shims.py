"""The shim, and when it sleeps."""

from __future__ import annotations

import hashlib
import os
import subprocess
from pathlib import Path

import pytest

from git_vibe.git.repository import discover
from git_vibe.session.init import create_state
from git_vibe.session.shims import EVENTS, IDENTITY, identity, rest, shim, wake
from git_vibe.session.workspace import Workspace
from tests.support.gitrepo import GitRepo

SHIMS = {1: "35c00ae877f541731847f0dff83e9d6fb16245d751dd35b88b7628e8343054e3"}
"""The digest of each version of the shim without its number."""


@pytest.fixture
def ws(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """A prepared repository."""
    repo = GitRepo.create(tmp_path / "plain")
    monkeypatch.chdir(repo.path)
    made = Workspace(discover(repo.path))
    create_state(made)
    return made


def test_a_shim_that_changes_gets_another_number() -> None:
    """By its number an older shim is told from one that the user edited."""
    line = identity(shim())
    number = int(line.removeprefix(IDENTITY).partition(b":")[0])
    digest = hashlib.sha256(shim().replace(line, b"")).hexdigest()
    assert SHIMS[max(SHIMS)] == digest, "give the shim the next number and note its digest here"
    assert number == max(SHIMS)


@pytest.mark.parametrize("shell", ["sh", "dash", "bash"])
def test_shells_understand_it(shell: str, tmp_path: Path) -> None:
    (tmp_path / "shim").write_bytes(shim())
    subprocess.run([shell, "-n", tmp_path / "shim"], check=True)


def test_hooks_sleep_while_there_is_no_session(ws: Workspace) -> None:
    rest(ws)
    assert not ws.layout.live.exists()
    (ws.layout.sessions / "alpha").mkdir()
    wake(ws)
    before = {name: os.lstat(ws.layout.live / name).st_ino for name in os.listdir(ws.layout.live)}
    assert before.keys() == {"shim", "hooks.config", *EVENTS}
    wake(ws)
    rest(ws)
    assert {name: os.lstat(ws.layout.live / name).st_ino for name in os.listdir(ws.layout.live)} == before
    (ws.layout.sessions / "alpha").rmdir()
    rest(ws)
    assert sorted(path.name for path in ws.layout.root.glob("*live*")) == []


def test_waking_renews_the_shim_of_another_version(ws: Workspace) -> None:
    (ws.layout.sessions / "alpha").mkdir()
    wake(ws)
    before = (ws.layout.live / "shim").read_bytes()
    assert before.split(b"\n", 1)[1] == shim().split(b"\n", 1)[1]
    (ws.layout.live / "shim").write_text("older")
    wake(ws)
    assert (ws.layout.live / "shim").read_bytes() == before
    assert os.access(ws.layout.live / EVENTS[0], os.X_OK)


@pytest.mark.parametrize(("content", "status"), [("exit 7\n", 7), (None, 0)])
def test_a_waking_shim_that_is_taken_away_ends_quietly(content: str | None, status: int, ws: Workspace) -> None:
    """The kernel has found the script, and the shell has yet to open it."""
    (ws.layout.sessions / "alpha").mkdir()
    wake(ws)
    first = (ws.layout.live / "shim").read_text().splitlines()[0]
    script = ws.layout.live / "probe"
    if content is not None:
        script.write_text(content)
    words = first.removeprefix("#!/usr/bin/env -S ")
    done = subprocess.run(["env", "-S", words, script], capture_output=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (status, b"", b"")
