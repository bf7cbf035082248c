"""Machines where a mount is impossible say why and what to do; on ordinary ones no privilege is needed."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.gitrepo import GitRepo
from tests.support.machines import NOBODY, SYSTEM_PYTHON, home_of_nobody, in_private_namespace, mounted_disk
from tests.support.mounts import processes_below
from tests.support.runner import Vibe
from tests.support.soundness import assert_sound

pytestmark = pytest.mark.fuse

SPAWN = ("git", "vibe", "spawn", "alpha")


def checked(vibe: Vibe, repo: GitRepo) -> None:
    """Nothing half-made is left, and the next attempt on a sound machine succeeds."""
    vibe.run("daemon", "stop", "--all")
    assert not (repo.vibe_dir / "sessions" / "alpha").exists()
    assert_sound(vibe, repo)
    assert Path(vibe("spawn", "alpha"), "README").exists()


def test_a_device_that_is_not_fuse(vibe: Vibe, repo: GitRepo) -> None:
    done = in_private_namespace("mount --bind /dev/null /dev/fuse", SPAWN, repo.path)
    assert (done.code, done.out) == (1, "")
    assert "/dev/fuse" in done.err or "cannot mount" in done.err
    assert "hint: " in done.err and "Traceback" not in done.err
    checked(vibe, repo)


def test_no_device_at_all(vibe: Vibe, repo: GitRepo, tmp_path: Path) -> None:
    devices = tmp_path / "dev"
    devices.mkdir()
    for name in ("null", "zero", "urandom", "tty"):
        device = os.stat(f"/dev/{name}").st_rdev
        os.mknod(devices / name, 0o666 | stat.S_IFCHR, device)
    done = in_private_namespace(f"mount --bind {devices} /dev", SPAWN, repo.path)
    assert (done.code, done.out) == (1, "")
    assert "/dev/fuse does not exist" in done.err and "modprobe fuse" in done.err
    checked(vibe, repo)


def test_no_fusermount_for_an_ordinary_user(repo: GitRepo) -> None:
    path = ":".join(str(directory) for directory in _path_without("fusermount3"))
    done = subprocess.run(
        [sys.executable, "-c", "import os; from git_vibe.mount import worker; os.geteuid = lambda: 1000\n"
         "try: worker._check_machine(debug=False)\nexcept worker.FuseUnavailable as e: print(e.message, e.suggestion)"],
        env={**os.environ, "PATH": path}, capture_output=True, check=True,
    )  # fmt: skip
    assert b"fusermount3 is not installed" in done.stdout and b"fuse3" in done.stdout


def _path_without(program: str) -> list[str]:
    return [directory for directory in os.environ["PATH"].split(":") if not Path(directory, program).exists()]


def test_root_needs_no_fusermount(vibe: Vibe, repo: GitRepo) -> None:
    setup = f"mount --bind /dev/null {shutil.which('fusermount3')}"
    script = ("sh", "-c", "git vibe spawn alpha && git vibe sh alpha -c 'cat README' && git vibe purge --force")
    done = in_private_namespace(setup, script, repo.path)
    assert done.code == 0, done.err
    assert "hello" in done.out


def test_a_file_system_without_xattrs(repo: GitRepo, tmp_path: Path) -> None:
    with mounted_disk(tmp_path / "disk", "ramfs") as disk:
        repo.git("clone", "--quiet", "--no-hardlinks", ".", str(disk / "repo"))
        vibe = Vibe(disk / "repo")
        for command in (["init"], ["spawn", "alpha"]):
            done = vibe.run(*command, "--json")
            assert (done.code, done.error["code"]) == (1, "STORE_UNSUITABLE")
            assert "extended attributes" in done.error["message"]
        assert not GitRepo(disk / "repo").vibe_dir.exists()


def test_a_read_only_repository(repo: GitRepo, tmp_path: Path) -> None:
    setup = f"mount --bind {tmp_path} {tmp_path} && mount -o remount,ro,bind {tmp_path}"
    done = in_private_namespace(f"{setup} && cd {repo.path}", SPAWN, repo.path)
    assert done.code == 1
    assert "Read-only file system" in done.err and "Traceback" not in done.err and "unexpected" not in done.err


def test_a_lost_directory_is_said(vibe: Vibe, alpha: Path, tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    done = subprocess.run(
        ["sh", "-c", "cd gone && rmdir ../gone && git vibe status"], cwd=tmp_path, capture_output=True, check=False
    )
    assert done.returncode == 128 and b"Traceback" not in done.stderr


def test_missing_metadata_is_told(vibe: Vibe, repo: GitRepo, alpha: Path) -> None:
    (alpha / "new").write_text("precious\n")
    (repo.vibe_dir / "sessions" / "alpha" / "meta.json").unlink()
    for command in (["status", "alpha"], ["promote", "alpha"], ["close", "alpha"], ["diff", "alpha"]):
        done = vibe.run(*command, "--json") if command[0] != "diff" else vibe.run(*command)
        assert done.code == 1 and "Traceback" not in done.err and "unexpected" not in done.err
    assert vibe.data("status")["sessions"][0]["state"] == "damaged"
    assert vibe.run("doctor").code == 1
    repo.commit({"README": "another base\n"})
    assert Path(vibe("spawn", "beta"), "README").read_text() == "another base\n"
    assert vibe.run("daemon", "start").code == 0
    done = vibe.data("purge", "--force")
    (rescued,) = done["rescued"]
    assert (Path(rescued) / "layers" / "0001" / "tree" / "new").read_text() == "precious\n"


ORDINARY = """
set -e
git init -q -b main app; cd app; git config user.name N; git config user.email n@example.org
mkdir src; echo hello >README; echo x >src/x; ln -s README link; git add .; git commit -qm first
path=$(git vibe spawn alpha)
test "$(stat -c %u "$path/README")" = "$(id -u)"
cd "$path"; test -z "$(git status --porcelain)"; echo edited >README; rm -r src; mkdir new; echo n >new/n; mv link moved
sh -c 'chmod 600 README; ! cat /root/nothing 2>/dev/null'
cd ../../app
git vibe status alpha; git vibe promote alpha; git vibe commit alpha; cat README; ls
git vibe doctor
git vibe spawn beta >/dev/null; git vibe purge --force
! grep "$PWD" /proc/self/mountinfo
"""


def test_an_ordinary_user_needs_no_root(vibe: Vibe) -> None:
    """uid 65534 with a /dev/fuse that everybody may open, as distributions have it, and setuid fusermount3."""
    if not SYSTEM_PYTHON.exists():
        pytest.skip(f"{SYSTEM_PYTHON} does not exist")
    with home_of_nobody() as top:
        setup = f"mknod -m 666 {top}/fuse c 10 229 && mount --bind {top}/fuse /dev/fuse && cd {top}/home"
        user = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "env", "-u", "XDG_CACHE_HOME"]
        environment = {
            "HOME": f"{top}/home", "XDG_CONFIG_HOME": f"{top}/home", "XDG_RUNTIME_DIR": f"{top}/home",
            "PYTHONPATH": f"{top}/packages", "PATH": f"{top}/bin:/usr/local/bin:/usr/bin:/bin",
        }  # fmt: skip
        done = in_private_namespace(setup, [*user, "sh", "-c", ORDINARY], top, environment)
        assert done.code == 0, done.out + done.err
        assert "edited" in done.out and "new" in done.out
        assert processes_below(top) == []
