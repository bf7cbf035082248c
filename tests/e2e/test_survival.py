"""Sessions outlive the death of the daemon and of their worker, in the middle of writes, at the same path."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.entering import ENTERED
from tests.support.gitrepo import GitRepo
from tests.support.mounts import mounts_below, processes_below
from tests.support.runner import Vibe
from tests.support.soundness import assert_sound
from tests.support.trees import tree
from tests.support.waiting import wait_until

pytestmark = pytest.mark.fuse

WRITER = (
    ENTERED
    + """
import os, sys, time

def write(top, name, flags, content):
    with open(name, flags, opener=lambda path, mode: os.open(path, mode, dir_fd=top)) as file:
        file.write(content)

def write_all(top, number):
    name, content = f"{number % 7}/{number}", f"{number} ".encode() * (number % 3000 + 1)
    if not number // 7:
        os.mkdir(f"{number % 7}", dir_fd=top)
    write(top, f"{name}.tmp" if number % 3 else name, "wb", content)
    if number % 3:
        os.rename(f"{name}.tmp", name, src_dir_fd=top, dst_dir_fd=top)
    write(top, "README", "ab", f"{number}\\n".encode())

path, log = sys.argv[1], open(sys.argv[2], "a", buffering=1)
top = entered(path)
for number in range(10**9):
    try:
        write_all(top, number)
        print("wrote", number, file=log)
    except OSError as error:
        print("failed", number, error.errno, file=log)
        top = entered(path)
    time.sleep(0.01)
"""
)
"""Writes through the directory it entered, as an agent does, and enters again when the mount is back.

It writes no faster than `git vibe status` counts: each look at a session that goes on changing hashes all of its files.
"""


class Writer:
    """A process that writes files in a session and keeps a log outside of it of what was written successfully."""

    def __init__(self, top: Path, log: Path) -> None:
        self._top, self._log = top, log
        self._process = subprocess.Popen([sys.executable, "-c", WRITER, str(top), str(log)])

    def wait_for_more(self, count: int = 40) -> None:
        """Let the process write `count` more files."""
        before = len(self.numbers("wrote"))
        wait_until(lambda: len(self.numbers("wrote")) >= before + count, seconds=30, what="more writes")

    def numbers(self, what: str) -> list[int]:
        """The files that were `wrote` or `failed`."""
        text = self._log.read_text() if self._log.exists() else ""
        rows = [line.split() for line in text.splitlines(keepends=True) if line.endswith("\n")]
        return [int(row[1]) for row in rows if row[0] == what]

    def stop(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.wait()

    def check(self) -> None:
        """Everything that was written successfully is there, wholly."""
        written = self.numbers("wrote")
        for number in written:
            content = (self._top / str(number % 7) / str(number)).read_bytes()
            assert content == f"{number} ".encode() * (number % 3000 + 1)
        lines = (self._top / "README").read_text().splitlines()
        assert lines[0] == "hello"
        assert set(map(str, written)) <= set(lines)


@pytest.fixture
def writer(alpha: Path, tmp_path: Path) -> Iterator[Writer]:
    """A writer in session alpha."""
    started = Writer(alpha, tmp_path / "written")
    yield started
    started.stop()


def kill_daemon(vibe: Vibe) -> int:
    """Kill the daemon at once; its pid."""
    pid: int = vibe.data("daemon", "status")["pid"]
    os.kill(pid, signal.SIGKILL)
    return pid


def worker_pid(vibe: Vibe, name: str = "alpha") -> int | None:
    """Process that serves a session."""
    pids: dict[str, int | None] = {row["name"]: row["pid"] for row in vibe.data("status")["sessions"]}
    return pids[name]


def state(vibe: Vibe, name: str = "alpha") -> str:
    """State of a session."""
    return str({row["name"]: row["state"] for row in vibe.data("status")["sessions"]}[name])


def active_worker(vibe: Vibe, name: str = "alpha") -> int | None:
    """Process that serves a session, once the mount can be used."""
    [row] = [row for row in vibe.data("status")["sessions"] if row["name"] == name]
    return int(row["pid"]) if row["state"] == "active" else None


def test_e2e_012_sessions_survive_a_daemon_restart(vibe: Vibe, repo: GitRepo, alpha: Path, writer: Writer) -> None:
    writer.wait_for_more()
    killed, worker = kill_daemon(vibe), worker_pid(vibe)
    writer.wait_for_more()
    assert vibe.data("daemon", "status")["pid"] is None
    assert vibe("spawn", "alpha") == str(alpha)
    assert (vibe.data("daemon", "status")["pid"] not in (None, killed), worker_pid(vibe)) == (True, worker)
    writer.wait_for_more()
    writer.stop()
    assert writer.numbers("failed") == []
    writer.check()
    assert_sound(vibe, repo)


def test_a_killed_worker_is_replaced(vibe: Vibe, repo: GitRepo, alpha: Path, writer: Writer) -> None:
    for _ in range(3):
        writer.wait_for_more()
        killed = worker_pid(vibe)
        assert killed is not None
        os.kill(killed, signal.SIGKILL)
        wait_until(lambda: active_worker(vibe) not in (None, killed), seconds=60, what="a new worker")  # noqa: B023
    writer.wait_for_more()
    writer.stop()
    writer.check()
    assert mounts_below(repo.path.parent) == [str(alpha)]
    assert_sound(vibe, repo)


def test_daemon_and_worker_killed_together(vibe: Vibe, repo: GitRepo, alpha: Path, writer: Writer) -> None:
    writer.wait_for_more()
    worker = worker_pid(vibe)
    assert worker is not None
    kill_daemon(vibe)
    os.kill(worker, signal.SIGKILL)
    wait_until(lambda: state(vibe) == "stale", what="a stale mount")
    with pytest.raises(OSError, match=r"not connected|abort"):
        os.listdir(alpha)
    assert vibe("spawn", "alpha") == str(alpha)
    writer.wait_for_more()
    writer.stop()
    writer.check()
    assert_sound(vibe, repo)


@pytest.mark.parametrize(
    "command", [["status", "alpha"], ["diff", "alpha", "--stat"], ["promote", "alpha"], ["sh", "alpha", "-c", "ls"]]
)
def test_any_command_copes_with_a_dead_mount(command: list[str], vibe: Vibe, repo: GitRepo, alpha: Path) -> None:
    (alpha / "new").write_text("kept\n")
    worker = worker_pid(vibe)
    assert worker is not None
    kill_daemon(vibe)
    os.kill(worker, signal.SIGKILL)
    assert "new" in vibe(*command) or command[0] == "promote"
    vibe("spawn", "alpha")
    assert (alpha / "new").read_text() == "kept\n"
    vibe("commit", "alpha")
    assert_sound(vibe, repo)


def test_daemon_start_mounts_again_what_was_lost(vibe: Vibe, repo: GitRepo, alpha: Path) -> None:
    beta = Path(vibe("spawn", "beta"))
    for path in (alpha, beta):
        (path / "new").write_text(f"{path.name}\n")
    daemon = kill_daemon(vibe)
    for pid in [pid for pid in processes_below(repo.path.parent) if pid != daemon]:
        os.kill(pid, signal.SIGKILL)
    vibe("daemon", "start")
    wait_until(lambda: {state(vibe), state(vibe, "beta")} == {"active"}, what="both mounts")
    assert [(path / "new").read_text() for path in (alpha, beta)] == ["alpha\n", "beta\n"]


def test_stopping_in_order_and_coming_back(vibe: Vibe, repo: GitRepo, alpha: Path) -> None:
    (alpha / "src" / "main.py").write_text("edited\n")
    (alpha / "link").unlink()
    before = tree(alpha)
    vibe("daemon", "stop")
    assert (state(vibe), tree(alpha)) == ("active", before)
    vibe("daemon", "stop", "--all")
    assert (state(vibe), mounts_below(repo.path.parent), processes_below(repo.path.parent)) == ("exported", [], [])
    assert {file["path"] for file in vibe.data("status", "alpha")["files"]} == {"src/main.py", "link"}
    assert vibe("spawn", "alpha") == str(alpha)
    assert tree(alpha) == before


def test_git_is_clean_after_a_new_mount(vibe: Vibe, alpha: Path) -> None:
    (alpha / "new").write_text("x\n")
    subprocess.run("git add new && git commit -qm new && rm README", shell=True, cwd=alpha, check=True)
    vibe("daemon", "stop", "--all")
    vibe("spawn", "alpha")
    done = subprocess.run(["git", "status", "--porcelain"], cwd=alpha, capture_output=True, check=True)
    assert done.stdout == b" D README\n"


def test_a_rebooted_machine(vibe: Vibe, repo: GitRepo, alpha: Path) -> None:
    """Nothing runs, nothing is mounted, and files with pids of another boot are still there."""
    (alpha / "new").write_text("kept\n")
    for pid in processes_below(repo.path.parent):
        os.kill(pid, signal.SIGKILL)
    wait_until(lambda: processes_below(repo.path.parent) == [])
    subprocess.run(["fusermount3", "-uz", str(alpha)], check=True)
    assert state(vibe) == "exported"
    assert [file["path"] for file in vibe.data("status", "alpha")["files"]] == ["new"]
    assert Path(vibe("spawn", "alpha"), "new").read_text() == "kept\n"
    assert_sound(vibe, repo)


def test_a_write_while_nothing_is_mounted_is_refused_or_kept(vibe: Vibe, repo: GitRepo, alpha: Path) -> None:
    kill_daemon(vibe)
    for pid in processes_below(repo.path.parent):
        os.kill(pid, signal.SIGKILL)
    subprocess.run(["fusermount3", "-uz", str(alpha)], check=True)
    with contextlib.suppress(OSError):
        (alpha / "between").write_text("precious\n")
    written = (alpha / "between").exists()
    assert Path(vibe("spawn", "alpha"), "README").read_text() == "hello\n"
    if written:
        [kept] = alpha.parent.glob("alpha.unmounted-*/between")
        assert kept.read_text() == "precious\n"
        assert str(kept.parent) in vibe.run("doctor").out
