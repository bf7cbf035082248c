"""Many sessions at once, many processes in one session, many commands on one session."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.support.gitrepo import GitRepo
from tests.support.mounts import mounts_below
from tests.support.runner import Vibe
from tests.support.soundness import assert_sound, session_names

pytestmark = pytest.mark.fuse

COUNT = 10
LOOP = f"""
for i in {{1..{COUNT}}}; do
    (git vibe spawn task-$i >path-$i 2>errors-$i; echo $? >status-$i) &
done
wait
"""


def spawn_in_a_loop(repo: GitRepo, directory: Path) -> list[Path]:
    """The paths that the loop of the user story prints; every command must succeed silently on stdout."""
    loop = LOOP.replace("git vibe", f"git -C {repo.path} vibe")
    subprocess.run(["bash", "-c", loop], cwd=directory, check=True, timeout=100)
    numbers = range(1, COUNT + 1)
    failed = [
        (directory / f"errors-{i}").read_text() for i in numbers if (directory / f"status-{i}").read_text() != "0\n"
    ]
    assert failed == []
    return [Path((directory / f"path-{i}").read_text().removesuffix("\n")) for i in numbers]


def test_e2e_101_ten_sessions_at_once(vibe: Vibe, repo: GitRepo, tmp_path: Path) -> None:
    before = repo.own_state()
    paths = spawn_in_a_loop(repo, tmp_path)
    assert [path.name for path in paths] == [f"task-{i}" for i in range(1, COUNT + 1)]
    for path in paths:
        (path / "README").write_text(f"{path.name}\n")
        (path / path.name).touch()
    for path in paths:
        assert (path / "README").read_text() == f"{path.name}\n"
        assert [name for name in os.listdir(path) if name.startswith("task-")] == [path.name]
    rows = vibe.data("status")["sessions"]
    assert {(row["state"], row["dirty"]) for row in rows} == {("active", 2)}
    assert len({row["pid"] for row in rows}) == COUNT
    assert repo.own_state() == before
    assert_sound(vibe, repo)


def test_promotes_and_closes_at_once(vibe: Vibe, repo: GitRepo) -> None:
    names = [f"task-{i}" for i in range(6)]
    for name in names:
        Path(vibe("spawn", name), name).write_text(f"{name}\n")
    promotes = vibe.together(*(["promote", name] for name in names))
    assert [(done.code, done.err) for done in promotes if done.code] == []
    for name in names:
        assert repo.git("show", f"refs/vibes/{name}:{name}") == name
        assert "Vibe-Session" in repo.git("log", "-1", f"refs/vibes/{name}")
        assert repo.git("notes", "--ref=vibe", "show", f"refs/vibes/{name}")
    closes = vibe.together(*(["close", name] for name in names))
    assert [(done.code, done.err) for done in closes if done.code] == []
    assert mounts_below(repo.path.parent) == []
    assert_sound(vibe, repo)


def test_the_same_name_at_once(vibe: Vibe, repo: GitRepo) -> None:
    ended = vibe.together(*[["spawn", "alpha"]] * 6)
    assert {(done.code, done.out) for done in ended} == {(0, f"{repo.path}.vibe/alpha\n")}
    assert session_names(repo) == {"alpha"}
    assert_sound(vibe, repo)


def test_two_promotes_of_one_session_at_once(vibe: Vibe, repo: GitRepo, alpha: Path) -> None:
    (alpha / "new").write_text("x\n")
    ended = vibe.together(*[["promote", "alpha"]] * 3)
    assert [(done.code, done.err) for done in ended if done.code] == []
    assert repo.git("rev-list", "--count", "main..refs/vibes/alpha") == "1"
    assert_sound(vibe, repo)


@pytest.mark.parametrize("first", ["promote", "commit", "close", "spawn", "diff"])
@pytest.mark.parametrize("second", ["close --force", "commit"])
def test_two_commands_on_one_session(first: str, second: str, vibe: Vibe, repo: GitRepo, alpha: Path) -> None:
    (alpha / "new").write_text("precious\n")
    for done in vibe.together(*([*command.split(), "alpha"] for command in (first, second))):
        assert done.code in (0, 1, 75), done
        assert "Traceback" not in done.err and "unexpected" not in done.err, done
    assert_sound(vibe, repo)
    kept = [*repo.refs("refs/vibe/archive/"), *repo.refs("refs/vibes/")]
    places = [f"{ref}:new" for ref in kept]
    assert (alpha / "new").exists() or any(repo.git("show", place) == "precious" for place in places)


def test_e2e_102_two_processes_share_a_session(vibe: Vibe, repo: GitRepo, tmp_path: Path) -> None:
    """A coder writes what a tester reads, each in a `git vibe launch` of its own, both at once."""
    coder = script(
        tmp_path / "coder", "mkdir -p lib; echo code >lib/code; until [ -e verdict ]; do :; done; cat verdict"
    )
    tester = script(
        tmp_path / "tester", "until [ -s lib/code ]; do :; done; echo tested $(cat lib/code) >v; mv v verdict"
    )
    vibe("spawn", "shared")
    ended = vibe.together(*(["launch", str(program), "--session", "shared"] for program in (coder, tester)))
    assert [(done.code, done.out) for done in ended] == [(0, "tested code\n"), (0, "")]
    files = {file["path"] for file in vibe.data("status", "shared")["files"]}
    assert files == {"lib/code", "verdict"}


def test_appends_of_two_processes_are_all_there(alpha: Path) -> None:
    loop = "i=0; while [ $i -lt 200 ]; do echo $0-$i >>shared; i=$((i+1)); done"
    running = [subprocess.Popen(["sh", "-c", loop, name], cwd=alpha) for name in ("a", "b")]
    assert [process.wait(60) for process in running] == [0, 0]
    lines = (alpha / "shared").read_text().splitlines()
    assert sorted(lines) == sorted(f"{name}-{i}" for name in "ab" for i in range(200))


def test_locks_hold_between_processes(alpha: Path) -> None:
    loop = "i=0; while [ $i -lt 50 ]; do flock lock sh -c 'n=$(cat count); echo $((n+1)) >count'; i=$((i+1)); done"
    (alpha / "count").write_text("0\n")
    (alpha / "lock").touch()
    running = [subprocess.Popen(["sh", "-c", loop], cwd=alpha) for _ in range(2)]
    assert [process.wait(60) for process in running] == [0, 0]
    assert (alpha / "count").read_text() == "100\n"


def test_promote_while_the_agent_writes(vibe: Vibe, repo: GitRepo, alpha: Path) -> None:
    loop = "i=0; while [ ! -e stop ]; do i=$((i+1)); echo $i >one; echo $i >two; done"
    with subprocess.Popen(["sh", "-c", loop], cwd=alpha) as agent:
        for _ in range(4):
            vibe("promote", "alpha")
        (alpha / "stop").touch()
        assert agent.wait(30) == 0
    for commit in repo.git("rev-list", "main..refs/vibes/alpha").split():
        assert repo.git("fsck", "--no-dangling", commit) == ""
    vibe("commit", "alpha")
    assert repo.git("show", "HEAD:one") == repo.git("show", "HEAD:two")
    assert_sound(vibe, repo)


def script(path: Path, body: str) -> Path:
    """An executable shell script."""
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return path
