"""`git vibe doctor` finds what is wrong and mends what can be mended."""

from __future__ import annotations

import os
import shutil
import signal
from pathlib import Path

import pytest

from git_vibe.session.doctor import Problem, repair
from git_vibe.session.doctor_machine import check_device, check_fuse_configuration, check_fusermount
from git_vibe.store.atomic import create_dir_atomically
from tests.support.gitrepo import GitRepo
from tests.support.mounts import mounts_below
from tests.support.runner import Vibe


def problems(findings: object) -> list[Problem]:
    """The problems among the findings of a check."""
    return [finding for finding in findings if isinstance(finding, Problem)]  # type: ignore[attr-defined]


def test_a_missing_device(tmp_path: Path) -> None:
    (problem,) = problems(check_device(tmp_path / "fuse"))
    assert problem.what.endswith("cannot be opened: No such file or directory")
    assert "modprobe fuse" in problem.remedy


def test_a_missing_fusermount(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    (problem,) = problems(check_fusermount())
    assert problem.what == "fusermount3 is not on PATH"


def test_a_fusermount_without_its_bit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "fusermount3"
    program.touch(0o755)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    (problem,) = problems(check_fusermount(str(program)))
    assert problem.what.endswith("is not setuid root")


def test_the_limit_of_mounts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "fuse.conf").write_text("user_allow_other\nmount_max = 2\n")
    (tmp_path / "mounts").write_text(
        "1 2 0:3 / /a rw - fuse.x x rw\n4 5 0:6 / /b rw - fuse x rw\n7 8 0:9 / / rw - ext4 x rw\n"
    )
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    findings = list(check_fuse_configuration(tmp_path / "fuse.conf", tmp_path / "mounts"))
    assert findings[0] == "user_allow_other is set"
    assert problems(findings)[0].what == "2 FUSE mounts reach the limit mount_max=2"


def test_a_repair_that_fails_stays_a_problem() -> None:
    def fail() -> None:
        raise OSError("no")

    remaining, repaired = repair([Problem("a", "x", fail), Problem("b", "y", lambda: None), Problem("c", "z")])
    assert [problem.what for problem in remaining] == ["a (repair failed: no)", "c"]
    assert [problem.what for problem in repaired] == ["b"]


def test_outside_of_a_repository_the_machine_is_checked(vibe: Vibe, tmp_path: Path) -> None:
    assert "git version" in vibe.run("doctor", cwd=tmp_path).out


@pytest.mark.fuse
def test_everything_is_well(vibe: Vibe) -> None:
    vibe("spawn", "alpha")
    report = vibe.data("doctor")
    assert report["problems"] == []
    assert "session 'alpha' is sound" in report["facts"]


@pytest.mark.fuse
def test_what_can_be_mended_is(vibe: Vibe, repo: GitRepo) -> None:
    vibe("spawn", "alpha")
    (repo.vibe_dir / "version").unlink()
    left = repo.vibe_dir / "sessions" / ".new-beta-00ff"
    left.mkdir()
    os.utime(left, (1, 1))
    repo.git("update-ref", "-d", "refs/vibe/base/alpha")
    done = vibe.run("doctor", "--json")
    assert (done.code, done.error["code"], len(done.data["problems"])) == (1, "PROBLEMS_FOUND", 3)
    assert len(vibe.data("doctor", "--repair")["repaired"]) == 3
    assert vibe.data("doctor")["problems"] == []
    assert not left.exists()
    assert "refs/vibe/base/alpha" in repo.refs()


def test_what_is_still_being_built_is_not_half_made(vibe: Vibe, repo: GitRepo) -> None:
    vibe("init")
    with create_dir_atomically(repo.vibe_dir / "cache" / "base" / "slow") as staged:
        os.utime(staged, (1, 1))
        assert vibe.data("doctor")["problems"] == []
    left = repo.vibe_dir / "cache" / "base" / ".new-killed-00ff"
    left.mkdir()
    os.utime(left, (1, 1))
    assert [problem["what"] for problem in vibe.run("doctor", "--json").data["problems"]] == [
        f"{left} was left half-made"
    ]


@pytest.mark.fuse
def test_a_dead_mount_is_mounted_again(vibe: Vibe, repo: GitRepo) -> None:
    path = Path(vibe("spawn", "alpha"))
    (path / "new").write_text("kept\n")
    vibe("daemon", "stop")
    pid = vibe.data("status")["sessions"][0]["pid"]
    os.kill(pid, signal.SIGKILL)
    done = vibe.run("doctor", "--json")
    assert [problem["what"] for problem in done.data["problems"]] == [f"the mount of session 'alpha' is dead: {path}"]
    vibe("doctor", "--repair")
    assert (path / "new").read_text() == "kept\n"


@pytest.mark.fuse
def test_a_mount_without_a_session_is_taken_away(vibe: Vibe, repo: GitRepo, tmp_path: Path) -> None:
    path = vibe("spawn", "alpha")
    vibe("daemon", "stop")
    os.kill(vibe.data("status")["sessions"][0]["pid"], signal.SIGKILL)
    shutil.rmtree(repo.vibe_dir / "sessions" / "alpha")
    done = vibe.run("doctor", "--json")
    assert [problem["what"] for problem in done.data["problems"]] == [f"{path} is mounted but belongs to no session"]
    vibe("doctor", "--repair")
    assert mounts_below(tmp_path) == []


@pytest.mark.fuse
def test_damage_that_cannot_be_mended_is_explained(vibe: Vibe, repo: GitRepo) -> None:
    vibe("spawn", "alpha")
    (repo.vibe_dir / "sessions" / "alpha" / "meta.json").write_text("{")
    done = vibe.run("doctor", "--repair", "--json")
    (problem,) = done.data["problems"]
    assert problem["what"].startswith("session 'alpha' could not be checked: ")
