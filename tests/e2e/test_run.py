"""Programs in a session."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import pytest

from git_vibe.errors import AgentNotFound
from git_vibe.session.run import find_program, shell_command
from tests.support.gitrepo import GitRepo
from tests.support.mounts import mounts_below
from tests.support.runner import Vibe
from tests.support.waiting import wait_until


def test_programs_are_found_on_path_and_at_paths(tmp_path: Path) -> None:
    program = tmp_path / "bin" / "agent"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    assert find_program("agent", {"PATH": str(program.parent)}, tmp_path) == str(program)
    assert find_program("bin/agent", {"PATH": ""}, tmp_path) == str(program)
    with pytest.raises(AgentNotFound):
        find_program("agent", {"PATH": "/nonexistent"}, tmp_path)


def test_the_shell_is_the_users() -> None:
    assert shell_command({"SHELL": "/bin/zsh"}, None) == ("/bin/zsh",)
    assert shell_command({}, "ls") == ("/bin/sh", "-c", "ls")


def test_a_missing_agent_makes_no_session(vibe: Vibe, repo: GitRepo) -> None:
    done = vibe.run("launch", "no-such-agent", "--json")
    assert (done.code, done.error["code"]) == (127, "AGENT_NOT_FOUND")
    assert not repo.vibe_dir.exists()


@pytest.mark.fuse
def test_environment_directory_and_status(vibe: Vibe, repo: GitRepo) -> None:
    path = vibe("spawn", "alpha")
    (repo.vibe_dir / "context" / ".env").write_text("A=context\nB=context\n")
    (repo.vibe_dir / "sessions" / "alpha" / "env").write_text("B=session\n")
    shown = vibe("sh", "alpha", "-c", "pwd; echo $A $B $GIT_VIBE_SESSION $GIT_VIBE_MOUNT ${GIT_DIR-unset}")
    assert shown == f"{path}\ncontext session alpha {path} unset"
    assert vibe.run("sh", "alpha", "--", "sh", "-c", "exit 7").code == 7
    assert vibe.run("sh", "alpha", "--", "sh", "-c", "kill -TERM $$").code == 128 + signal.SIGTERM
    assert vibe.run("sh", "alpha", "--", "no-such-program").code == 127


@pytest.mark.fuse
def test_context_files_do_not_show_in_git(vibe: Vibe, repo: GitRepo) -> None:
    (repo.path / "home-ignored").touch()
    vibe("spawn", "alpha")
    context = repo.vibe_dir / "context"
    (context / ".env").write_text("A=1\n")
    (context / "odd [name]").write_text("x")
    (context / "src").mkdir()
    (context / "src" / "local.py").write_text("x")
    excludes = Path(os.environ["HOME"]) / ".config" / "git" / "ignore"
    excludes.parent.mkdir(parents=True)
    excludes.write_text("*.mine")
    shown = vibe("sh", "alpha", "-c", "touch own.mine src/agents.py; ls -A; git status --porcelain")
    assert ".env" in shown and "odd [name]" in shown
    assert [line for line in shown.splitlines() if line.startswith("??")] == ["?? src/agents.py"]


@pytest.mark.fuse
def test_launch_names_the_session_after_the_program(vibe: Vibe, repo: GitRepo, tmp_path: Path) -> None:
    agent = tmp_path / "fake-agent"
    agent.write_text('#!/bin/sh\nprintf "%s|" "$GIT_VIBE_SESSION" "$@"\necho made >made-by-agent\nexit 5\n')
    agent.chmod(0o755)
    done = vibe.run("launch", str(agent), "fix it", "--", "--model", "x")
    session, *words = done.out.rstrip("|").split("|")
    assert (done.code, words) == (5, ["fix it", "--model", "x"])
    assert session.endswith("-fake-agent")
    assert "A  text  made-by-agent" in vibe("status", session)
    assert not (repo.path / "made-by-agent").exists()


@pytest.mark.fuse
def test_launch_joins_the_session_it_is_told(vibe: Vibe) -> None:
    path = vibe("spawn", "alpha")
    assert vibe("launch", "pwd", "--session", "alpha") == path
    data = vibe.data("launch", "pwd", "--session", "alpha")
    assert data == {"session": "alpha", "path": path, "status": 0}


def test_options_of_the_program_go_after_two_dashes(vibe: Vibe) -> None:
    words = vibe.fails("launch", "true", "--model", "x", code=2)
    assert words.splitlines()[1] == "hint: put the program's own options after --: `git vibe launch true -- --model`"


@pytest.mark.fuse
def test_ctrl_c_is_the_childs(vibe: Vibe, tmp_path: Path) -> None:
    vibe("spawn", "alpha")
    ready = tmp_path / "ready"
    script = f"trap 'echo cleaned up; exit 9' INT; : >{ready}; while :; do sleep 0.05; done"
    command = ["git-vibe", "sh", "alpha", "--", "sh", "-c", script]
    child = subprocess.Popen(command, cwd=vibe.cwd, stdout=subprocess.PIPE, start_new_session=True)
    wait_until(ready.exists)
    os.killpg(child.pid, signal.SIGINT)
    out, _ = child.communicate(timeout=20)
    assert (child.returncode, out) == (9, b"cleaned up\n")
    assert mounts_below(tmp_path)
