"""The one boundary where every error ends, in a process of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path

import pytest

from tests.support.gitrepo import GitRepo
from tests.support.runner import Vibe
from tests.support.waiting import wait_until


def test_without_a_command_help_is_printed(vibe: Vibe) -> None:
    assert vibe().startswith("usage: git vibe ")


def test_the_version(vibe: Vibe) -> None:
    assert vibe("--version") == "git-vibe 0.1.0"


def test_outside_of_a_repository_gits_own_words_and_status(vibe: Vibe, tmp_path: Path) -> None:
    words = vibe.fails("status", code=128, cwd=tmp_path)
    assert words.startswith("git vibe: not a git repository (or any of the parent directories): .git\nhint: ")


def test_a_bare_repository_is_refused(vibe: Vibe, repo: GitRepo, tmp_path: Path) -> None:
    repo.git("clone", "--quiet", "--bare", ".", str(tmp_path / "bare.git"))
    done = vibe.run("init", "--json", cwd=tmp_path / "bare.git")
    assert (done.code, done.error["code"]) == (128, "BARE_REPOSITORY")


def test_spawn_with_a_program_names_launch(vibe: Vibe) -> None:
    assert vibe.fails("spawn", "alpha", "claude", code=2) == (
        "git vibe: spawn takes one session name and starts no program\n"
        "hint: did you mean `git vibe launch claude --session alpha`?\n"
    )


@pytest.mark.parametrize("name", ["../x", "", "x" * 300, "grün", "-x-", "a/b", "a b"])
def test_bad_names_are_refused(vibe: Vibe, repo: GitRepo, name: str) -> None:
    done = vibe.run("--json", "spawn", *(["--"] if name.startswith("-") else []), name)
    assert (done.code, done.error["code"]) == (2, "INVALID_SESSION_NAME")
    assert not (repo.path / ".git" / "vibe").exists()


def test_usage_errors_are_json_too(vibe: Vibe) -> None:
    done = vibe.run("spawn", "--nonsense", "--json")
    assert done.code == 2
    assert json.loads(done.out) == {
        "ok": False,
        "data": None,
        "error": {
            "code": "USAGE",
            "message": "unrecognised arguments: --nonsense",
            "suggestion": "`git vibe spawn -h` shows how it is used",
            "retryable": False,
        },
    }


def test_an_unexpected_error_leaves_a_log(vibe: Vibe, repo: GitRepo) -> None:
    (repo.vibe_dir / "logs").mkdir(parents=True)
    (repo.vibe_dir / "version").mkdir()
    (repo.vibe_dir / "sessions").write_text("in the way\n")
    (repo.vibe_dir / "version").rmdir()
    (repo.vibe_dir / "version").write_text("1\n")
    words = vibe.fails("status")
    assert words.startswith("git vibe: unexpected error: NotADirectoryError: ")
    log = next((repo.vibe_dir / "logs").glob("crash-*.log"))
    assert words.endswith(f"\nhint: the details are in {log}\n")
    assert "Traceback" in log.read_text()


def test_a_closed_pipe_is_quiet(repo: GitRepo) -> None:
    script = "git vibe -h | true; echo ${PIPESTATUS[0]}"
    done = subprocess.run(
        ["bash", "-c", f"sleep 0; {script}"], cwd=repo.path, capture_output=True, text=True, check=True
    )
    assert done.stderr == ""


def test_ctrl_c_ends_with_130_and_a_json_object(vibe: Vibe, repo: GitRepo, tmp_path: Path) -> None:
    started = tmp_path / "started"
    slow_git = tmp_path / "slow"
    slow_git.mkdir()
    (slow_git / "git").write_text(f"#!/bin/sh\n: >{started}\nexec sleep 60\n")
    (slow_git / "git").chmod(0o755)
    environment = {**os.environ, "PATH": f"{slow_git}:{os.environ['PATH']}"}
    child = subprocess.Popen(
        ["git-vibe", "status", "--json"], cwd=repo.path, env=environment, stdout=subprocess.PIPE, start_new_session=True
    )
    wait_until(started.exists)
    os.killpg(child.pid, signal.SIGINT)
    out, _ = child.communicate(timeout=10)
    assert child.returncode == 130
    assert json.loads(out)["error"]["code"] == "INTERRUPTED"


def test_completion_prints_the_script(vibe: Vibe) -> None:
    script = Path(__file__).parents[3] / "completions" / "git-vibe.bash"
    assert vibe("completion", "bash") + "\n" == script.read_text()
