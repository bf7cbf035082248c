"""Ctrl-C, SIGTERM and SIGKILL at any moment of a command leave the old state or the new one, and lose nothing."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import pytest

from tests.support.gitrepo import GitRepo
from tests.support.mounts import mounts_below
from tests.support.runner import Done, Vibe, finished
from tests.support.soundness import assert_sound, session_names

pytestmark = pytest.mark.fuse

MOMENTS = (0.08, 0.14, 0.2, 0.26, 0.32)
"""Seconds after the start, spread over what a command takes."""


def interrupted(vibe: Vibe, moment: float, number: signal.Signals, *args: str) -> Done:
    """How a command ends whose whole process group gets a signal after `moment`, as a terminal does for Ctrl-C."""
    process = vibe.start(*args, start_new_session=True)
    try:
        process.wait(moment)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, number)
    done = finished(process)
    assert "in main\n" not in done.err and "unexpected" not in done.err, done.err
    return done


def is_kept(vibe: Vibe, repo: GitRepo) -> bool:
    """Whether what session alpha wrote is in the session still, or on a ref."""
    if "alpha" in session_names(repo) and Path(vibe("spawn", "alpha"), "new").exists():
        return True
    refs = [*repo.refs("refs/vibes/"), *repo.refs("refs/vibe/archive/"), "refs/heads/main"]
    return any(repo.git("ls-tree", "--name-only", ref, "new") for ref in refs)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_spawn_makes_a_session_or_none(number: signal.Signals, vibe: Vibe, repo: GitRepo) -> None:
    before = repo.own_state()
    for moment in MOMENTS:
        done = interrupted(vibe, moment, number, "spawn", "alpha", "--branch")
        if "alpha" in session_names(repo):
            assert (repo.path.with_name("repo.vibe") / "alpha" / "README").exists() or done.code != 0
            vibe("close", "alpha", "--force")
            repo.git("branch", "-D", "vibe/alpha")
        assert mounts_below(repo.path.parent) == []
        assert_sound(vibe, repo)
        assert repo.own_state() == before
    assert Path(vibe("spawn", "alpha", "--branch"), "README").exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
@pytest.mark.parametrize("command", ["promote", "commit", "close --force", "purge --force"])
def test_work_is_never_lost(command: str, number: signal.Signals, vibe: Vibe, repo: GitRepo) -> None:
    first, *options = command.split()
    for moment in MOMENTS:
        alpha = Path(vibe("spawn", "alpha"))
        (alpha / "new").write_text("precious\n")
        interrupted(vibe, moment, number, first, *options, *([] if first == "purge" else ["alpha"]))
        assert is_kept(vibe, repo)
        again = vibe.run(first, *options, *([] if first == "purge" else ["alpha"]))
        assert is_kept(vibe, repo), again
        if "alpha" in session_names(repo):
            vibe("close", "alpha", "--force")
        start_again(repo)
        assert_sound(vibe, repo)


def start_again(repo: GitRepo) -> None:
    """Forget the work that was brought back."""
    first = repo.git("rev-list", "--max-parents=0", "main")
    repo.git("reset", "--quiet", "--hard", first)
    for ref in [*repo.refs("refs/vibes/"), *repo.refs("refs/vibe/archive/")]:
        repo.git("update-ref", "-d", ref)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_init_is_done_or_not(number: signal.Signals, vibe: Vibe, repo: GitRepo) -> None:
    before = repo.own_state()
    for moment in MOMENTS[:3]:
        interrupted(vibe, moment, number, "init")
        assert repo.own_state() == before
        vibe("init")
        assert_sound(vibe, repo)
        vibe("purge", "--force")
        assert not repo.vibe_dir.exists()


def test_a_killed_spawn_can_be_repeated(vibe: Vibe, repo: GitRepo) -> None:
    for moment in MOMENTS:
        interrupted(vibe, moment, signal.SIGKILL, "spawn", "alpha")
        path = Path(vibe("spawn", "alpha"))
        assert (path / "README").read_text() == "hello\n"
        vibe("close", "alpha")
        vibe.run("doctor", "--repair")
        assert_sound(vibe, repo)


def test_ctrl_c_has_the_status_of_a_shell(vibe: Vibe, repo: GitRepo) -> None:
    """A fifo in place of the file that is read makes the command wait for us."""
    vibe("init")
    version = repo.vibe_dir / "version"
    version.unlink()
    os.mkfifo(version)
    process = subprocess.Popen(
        ["git-vibe", "status", "--json"], cwd=repo.path, start_new_session=True, stdout=-1, stderr=-1
    )
    with open(version, "w"):
        os.killpg(process.pid, signal.SIGINT)
        done = finished(process)
    version.unlink()
    assert (done.code, done.error["code"], done.err) == (130, "INTERRUPTED", "")
