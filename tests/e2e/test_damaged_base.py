"""A damaged cache of a base is noticed before it is shown, and what is built anew shows what the session showed."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.gitrepo import GitRepo
from tests.support.mounts import mounts_below
from tests.support.runner import Vibe
from tests.support.soundness import assert_sound
from tests.support.trees import tree
from tests.support.waiting import wait_until

pytestmark = pytest.mark.fuse


def cache_file(repo: GitRepo, pattern: str) -> Path:
    """The one file of the caches of bases that a pattern names."""
    (file,) = repo.vibe_dir.glob(f"cache/base/*/{pattern}")
    return file


def flip_names(table: Path) -> None:
    """Replace a table by one of the same length with other names; whoever has it open keeps the good one."""
    data = table.read_bytes()
    table.unlink()
    table.write_bytes(data.replace(b"README", b"reader"))


def session(vibe: Vibe) -> dict[str, object]:
    """The one session as `status` lists it."""
    (row,) = vibe.data("status")["sessions"]
    return dict(row)


@pytest.fixture
def converted(repo: GitRepo) -> GitRepo:
    """A repository whose checkout has other line endings than its commit."""
    repo.git("config", "core.autocrlf", "true")
    return repo


def test_a_worker_is_not_started_again_over_a_damaged_table(vibe: Vibe, repo: GitRepo, alpha: Path) -> None:
    before, pid = tree(alpha), session(vibe)["pid"]
    flip_names(cache_file(repo, "table"))
    assert isinstance(pid, int)
    os.kill(pid, signal.SIGKILL)
    log = repo.vibe_dir / "logs" / "daemon.log"
    wait_until(lambda: "the cache of its base is damaged" in log.read_text(), what="a word in the log")
    with pytest.raises(OSError, match=r"not connected|abort"):
        os.listdir(alpha)
    assert vibe("spawn", "alpha") == str(alpha)
    assert tree(alpha) == before
    assert_sound(vibe, repo)


def test_a_damaged_converted_file_is_written_anew_before_a_mount(vibe: Vibe, converted: GitRepo, alpha: Path) -> None:
    before = tree(alpha)
    vibe("daemon", "stop", "--all")
    os.truncate(next(converted.vibe_dir.glob("cache/base/*/converted/*")), 1)
    vibe("sh", "alpha", "-c", "true")
    assert tree(alpha) == before


@pytest.mark.parametrize("command", [["doctor", "--repair"], ["spawn", "alpha"]], ids=["doctor", "spawn"])
@pytest.mark.parametrize("damage", [lambda file: os.truncate(file, 1), Path.unlink], ids=["cut", "missing"])
def test_a_mounted_session_gets_a_damaged_converted_file_back(
    damage: Callable[[Path], None], command: list[str], vibe: Vibe, converted: GitRepo, alpha: Path
) -> None:
    for file in converted.vibe_dir.glob("cache/base/*/converted/*"):
        damage(file)
    with pytest.raises(OSError, match="Input/output error"):
        (alpha / "README").read_bytes()
    (problem,) = vibe.run("doctor", "--json").data["problems"]
    assert "is damaged" in problem["what"]
    vibe(*command)
    assert (alpha / "README").read_bytes() == b"hello\r\n"
    assert_sound(vibe, converted)


def test_other_settings_never_change_what_a_session_shows(vibe: Vibe, converted: GitRepo, alpha: Path) -> None:
    (alpha / "new").write_text("kept\n")
    vibe("daemon", "stop", "--all")
    converted.git("config", "core.autocrlf", "false")
    shutil.rmtree(converted.vibe_dir / "cache" / "base")
    assert "settings of conversion have changed" in vibe.fails("spawn", "alpha")
    assert mounts_below(converted.path.parent) == []
    assert (Path(vibe("spawn", "beta")) / "README").read_bytes() == b"hello\n"
    converted.git("config", "core.autocrlf", "true")
    vibe("spawn", "alpha")
    assert ((alpha / "README").read_bytes(), (alpha / "new").read_text()) == (b"hello\r\n", "kept\n")


def test_a_session_with_a_lost_base_cache_can_be_ended(vibe: Vibe, converted: GitRepo, alpha: Path) -> None:
    (alpha / "new").write_text("kept\n")
    vibe("daemon", "stop", "--all")
    converted.git("config", "core.autocrlf", "false")
    cache_file(converted, "table").write_bytes(b"garbage")
    vibe("close", "alpha", "--force")
    (archive,) = converted.refs("refs/vibe/archive/")
    assert converted.git("show", f"{archive}:new") == "kept"


def test_a_damaged_file_is_left_alone_when_settings_have_changed(vibe: Vibe, converted: GitRepo, alpha: Path) -> None:
    vibe("daemon", "stop", "--all")
    converted.git("config", "core.autocrlf", "false")
    for file in converted.vibe_dir.glob("cache/base/*/converted/*"):
        os.truncate(file, 1)
    vibe("spawn", "alpha")
    with pytest.raises(OSError, match="Input/output error"):
        (alpha / "README").read_bytes()
    assert (alpha / "src" / "deep" / "er" / "data.bin").read_bytes() == bytes(range(256))
