"""Processes and the mount table."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from git_vibe.daemon import process
from git_vibe.store.layout import Layout, SessionPaths
from git_vibe.types import SessionName


@pytest.fixture
def paths(tmp_path: Path) -> SessionPaths:
    found = Layout(tmp_path).session(SessionName("alpha"))
    found.root.mkdir(parents=True)
    return found


@pytest.fixture
def sleeper() -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])


def test_a_process_is_known_by_its_start_time(sleeper: subprocess.Popen[bytes]) -> None:
    started = process.start_time(sleeper.pid)
    assert started is not None
    assert process.WorkerInfo(sleeper.pid, started, 0, "/m").is_alive()
    assert not process.WorkerInfo(sleeper.pid, started + 1, 0, "/m").is_alive()
    sleeper.kill()
    sleeper.wait()
    assert process.start_time(sleeper.pid) is None


def test_a_process_ends_when_asked(sleeper: subprocess.Popen[bytes]) -> None:
    process.end_process(sleeper.pid)
    assert sleeper.wait() == -signal.SIGTERM


def test_a_stubborn_process_is_killed() -> None:
    code = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(1, flush=True); time.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as child:
        assert child.stdout is not None and child.stdout.readline()
        process.end_process(child.pid, patience=0.2)
        assert child.wait() == -signal.SIGKILL


def test_ending_a_process_that_is_gone_is_fine(sleeper: subprocess.Popen[bytes]) -> None:
    sleeper.kill()
    sleeper.wait()
    process.end_process(sleeper.pid)


@pytest.mark.parametrize("content", ["", "{", "[]", '{"pid": 1}'])
def test_a_damaged_worker_file_means_no_worker(paths: SessionPaths, content: str) -> None:
    paths.worker.write_text(content)
    assert process.read_worker(paths) is None


def test_stopping_a_session_without_a_worker_is_fine(paths: SessionPaths) -> None:
    process.stop_worker(paths)


def test_stopping_takes_the_worker_file_away_first(paths: SessionPaths, sleeper: subprocess.Popen[bytes]) -> None:
    info = {"pid": sleeper.pid, "started": process.start_time(sleeper.pid), "mounted_ns": 1, "mount": "/nowhere"}
    paths.worker.write_text(json.dumps(info))
    process.stop_worker(paths)
    assert sleeper.wait() == -signal.SIGTERM
    assert not paths.worker.exists()


def test_a_reused_pid_is_left_alone(paths: SessionPaths, sleeper: subprocess.Popen[bytes]) -> None:
    info = {"pid": sleeper.pid, "started": 1, "mounted_ns": 1, "mount": "/nowhere"}
    paths.worker.write_text(json.dumps(info))
    process.stop_worker(paths)
    assert sleeper.poll() is None
    sleeper.kill()
    sleeper.wait()


def test_inherited_descriptors_are_closed() -> None:
    kept, closed = os.pipe()
    pid = os.fork()
    if pid == 0:
        process.close_inherited({kept})
        os.fstat(kept)
        try:
            os.fstat(closed)
        except OSError:
            os._exit(0)
        os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    os.close(kept)
    os.close(closed)


def test_mount_points_with_odd_names_are_decoded() -> None:
    assert process._unescape(rb"/a\040b\134c") == b"/a b\\c"
