"""Many sessions at once: all usable, and together they need little more than one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.gitrepo import GitRepo
from tests.support.mounts import mounts_below
from tests.support.runner import Vibe

pytestmark = pytest.mark.fuse

KIB = 1024
SOME = 20
MANY = 100
PRIVATE_MAX = 12 * 1024 * KIB
"""What a session may cost at most; it is about half of that."""


@pytest.fixture
def many(repo: GitRepo, vibe: Vibe) -> Vibe:
    """`git vibe` where the number of sessions is not limited, in a repository with some files."""
    repo.git("config", "vibe.maxSessions", "1000")
    repo.commit({f"files/{number % 20}/{number}": f"{number}\n" * number for number in range(400)})
    vibe("init")
    return vibe


def names(count: int) -> list[str]:
    return [f"s{number}" for number in range(count)]


def spawn_at_once(vibe: Vibe, sessions: list[str]) -> list[Path]:
    """Spawn sessions in batches of ten processes; their mounts."""
    mounts = []
    for start in range(0, len(sessions), 10):
        for done in vibe.together(*(["spawn", name] for name in sessions[start : start + 10])):
            assert done.code == 0, done.err
            mounts.append(Path(done.out.strip()))
    return mounts


def use(mount: Path, name: str) -> None:
    """Read a little and write something of the session's own."""
    assert (mount / "README").read_text() == "hello\n"
    assert (mount / "files" / "7" / "7").read_text() == "7\n" * 7
    assert len(list((mount / "files").iterdir())) == 20
    (mount / "README").write_text(f"{name}\n")
    (mount / "new").write_text(name)


def assert_usable(vibe: Vibe, repo: GitRepo, count: int) -> None:
    mounts = dict(zip(names(count), spawn_at_once(vibe, names(count)), strict=True))
    assert len(mounts_below(repo.path.parent)) == count
    for name, mount in mounts.items():
        use(mount, name)
    assert {name: (mount / "README").read_text() for name, mount in mounts.items()} == {
        name: f"{name}\n" for name in mounts
    }
    rows = vibe.data("status")["sessions"]
    assert {row["name"] for row in rows} == set(mounts)
    assert {row["state"] for row in rows} == {"active"}


def test_twenty_sessions_are_all_usable(repo: GitRepo, many: Vibe) -> None:
    assert_usable(many, repo, SOME)


@pytest.mark.slow
def test_a_hundred_sessions_are_all_usable(repo: GitRepo, many: Vibe) -> None:
    assert_usable(many, repo, MANY)


def test_the_limit_is_a_setting(repo: GitRepo, vibe: Vibe) -> None:
    repo.git("config", "vibe.maxSessions", "2")
    spawn_at_once(vibe, names(2))
    assert "vibe.maxSessions is 2" in vibe.fails("spawn", "one-more")
    vibe("spawn", "one-more", "--force")


# Memory


def workers(repo: GitRepo) -> list[int]:
    files = (repo.vibe_dir / "sessions").glob("*/worker.json")
    return [json.loads(path.read_text())["pid"] for path in files]


def memory(pid: int) -> dict[str, int]:
    """Bytes of each kind that a process uses."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]
    return {line.split(":")[0]: int(line.split()[1]) * KIB for line in lines}


def together(repo: GitRepo) -> int:
    """Memory of all workers and the daemon; what they share counts once."""
    daemon = int((repo.vibe_dir / "daemon.pid").read_text().split()[0])
    return sum(memory(pid)["Pss"] for pid in [daemon, *workers(repo)])


def test_workers_share_most_of_their_memory(repo: GitRepo, many: Vibe) -> None:
    for name, mount in zip(names(3), spawn_at_once(many, names(3)), strict=True):
        use(mount, name)
    for pid in workers(repo):
        assert memory(pid)["Private_Dirty"] < PRIVATE_MAX


def test_twice_as_many_sessions_need_less_than_twice_the_memory(repo: GitRepo, many: Vibe) -> None:
    spawn_at_once(many, names(SOME)[: SOME // 2])
    half = together(repo)
    spawn_at_once(many, names(SOME)[SOME // 2 :])
    assert together(repo) < 2 * half


@pytest.mark.slow
def test_a_hundred_sessions_need_less_than_ten_times_the_memory_of_ten(repo: GitRepo, many: Vibe) -> None:
    spawn_at_once(many, names(MANY)[:10])
    ten = together(repo)
    spawn_at_once(many, names(MANY)[10:])
    assert together(repo) < 10 * ten


# New commits


def test_sessions_from_many_commits(repo: GitRepo, many: Vibe) -> None:
    mounts = []
    for number in range(6):
        repo.commit({f"files/{number}/added": f"{number}\n", "README": f"commit {number}\n"})
        mounts.append(Path(many("spawn", f"c{number}")))
    assert [(mount / "README").read_text() for mount in mounts] == [f"commit {number}\n" for number in range(6)]
    assert [len(list(mount.glob("files/*/added"))) for mount in mounts] == [1, 2, 3, 4, 5, 6]
    assert (mounts[0] / "files" / "7" / "387").read_text() == "387\n" * 387
