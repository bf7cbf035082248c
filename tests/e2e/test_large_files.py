"""Large files: read, written and copied without being held in memory and without keeping others waiting."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.support.gitrepo import GitRepo
from tests.support.runner import Vibe

pytestmark = pytest.mark.fuse

MIB = 1 << 20
GROWTH_MAX = 64 * MIB
LARGE = 150 * MIB


def write_large(path: Path, size: int) -> None:
    """A file that compresses well, with something to recognise in every MiB and at its end."""
    with open(path, "wb") as file:
        for number in range(size // MIB):
            file.write(b"%020d" % number + bytes(MIB - 20))


def digest(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha1").hexdigest()


@pytest.fixture
def large(repo: GitRepo) -> Path:
    """A large file that is committed; its path in the repository's own work tree."""
    write_large(repo.path / "large.bin", LARGE)
    repo.commit(message="large")
    return repo.path / "large.bin"


class Memory:
    """The most memory a worker has used since this began."""

    def __init__(self, repo: GitRepo, session: str) -> None:
        worker = json.loads((repo.vibe_dir / "sessions" / session / "worker.json").read_text())
        self._process = Path(f"/proc/{worker['pid']}")
        (self._process / "clear_refs").write_text("5")
        self._before = self._value("VmRSS")

    def growth(self) -> int:
        return self._value("VmHWM") - self._before

    def _value(self, field: str) -> int:
        lines = (self._process / "status").read_text().splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(field))


@pytest.fixture
def cache(repo: GitRepo) -> Path:
    return repo.vibe_dir / "cache" / "blobs"


@pytest.fixture
def alpha(large: Path, vibe: Vibe) -> Path:
    """The mount of a session that starts from the commit with the large file."""
    return Path(vibe("spawn", "alpha"))


def test_reading_takes_no_memory(repo: GitRepo, large: Path, alpha: Path) -> None:
    memory = Memory(repo, "alpha")
    assert digest(alpha / "large.bin") == digest(large)
    assert memory.growth() < GROWTH_MAX


def test_changing_one_byte_takes_no_memory(repo: GitRepo, large: Path, alpha: Path) -> None:
    memory = Memory(repo, "alpha")
    for path in (large, alpha / "large.bin"):
        with open(path, "r+b") as file:
            file.seek(70 * MIB)
            file.write(b"changed")
    assert digest(alpha / "large.bin") == digest(large)
    assert memory.growth() < GROWTH_MAX


@pytest.mark.slow
def test_a_blob_of_one_gibibyte(repo: GitRepo, vibe: Vibe) -> None:
    write_large(repo.path / "huge.bin", 1024 * MIB)
    repo.commit(message="huge")
    mount = Path(vibe("spawn", "alpha"))
    memory = Memory(repo, "alpha")
    assert digest(mount / "huge.bin") == digest(repo.path / "huge.bin")
    os.truncate(mount / "huge.bin", 1000 * MIB)
    assert memory.growth() < GROWTH_MAX


def test_every_way_to_change_a_large_file(large: Path, alpha: Path, repo: GitRepo) -> None:
    for number in range(6):
        (repo.path / f"large-{number}").hardlink_to(large)
    repo.commit(message="more")
    subprocess.run(["git", "checkout", "-q", repo.git("rev-parse", "HEAD")], cwd=alpha, check=True)
    (alpha / "large-0").chmod(0o755)
    os.truncate(alpha / "large-1", 100 * MIB)
    (alpha / "large-2").rename(alpha / "moved")
    (alpha / "hard").hardlink_to(alpha / "large-3")
    os.setxattr(alpha / "large-4", "user.note", b"x")
    os.utime(alpha / "large-5", (1, 1))
    whole = digest(large)
    assert {name: digest(alpha / name) == whole for name in ("large-0", "moved", "hard", "large-4", "large-5")} == {
        name: True for name in ("large-0", "moved", "hard", "large-4", "large-5")
    }
    assert (alpha / "large-1").stat().st_size == 100 * MIB
    assert work_of(repo) == []


def work_of(repo: GitRepo) -> list[str]:
    """Temporary files of the session's layers."""
    return [path.name for path in (repo.vibe_dir / "sessions" / "alpha" / "layers").glob("*/work/*")]


# Others go on


class Held:
    """Keeps a blob from being spilled: holds the lock its filler needs."""

    def __init__(self, cache: Path, oid: str) -> None:
        cache.mkdir(parents=True, exist_ok=True)
        self._part = open(cache / f".part-{oid}", "wb")  # noqa: SIM115  (kept open on purpose)
        fcntl.flock(self._part, fcntl.LOCK_EX)

    def let_go(self) -> None:
        self._part.close()


@pytest.fixture
def held(repo: GitRepo, alpha: Path, cache: Path) -> Iterator[Held]:
    lock = Held(cache, repo.git("rev-parse", "HEAD:large.bin"))
    yield lock
    lock.let_go()


READER = "import sys; sys.stdout.write(open(sys.argv[1], 'rb').read(20).decode())"


def reader(path: Path) -> subprocess.Popen[bytes]:
    """A process that prints how the file begins."""
    return subprocess.Popen([sys.executable, "-c", READER, path], stdout=subprocess.PIPE)


def test_small_files_are_served_while_a_large_one_is_spilled(held: Held, alpha: Path) -> None:
    readers = [reader(alpha / "large.bin") for _ in range(3)]
    assert (alpha / "README").read_text() == "hello\n"
    (alpha / "new").write_text("written meanwhile\n")
    assert sorted(os.listdir(alpha / "src")) == ["deep", "main.py"]
    assert [process.poll() for process in readers] == [None] * 3
    held.let_go()
    assert [process.communicate(timeout=60)[0] for process in readers] == [b"0" * 20] * 3


def test_readers_of_all_sessions_share_one_file(
    repo: GitRepo, large: Path, alpha: Path, vibe: Vibe, cache: Path
) -> None:
    beta = Path(vibe("spawn", "beta"))
    with ThreadPoolExecutor() as pool:
        digests = set(pool.map(digest, [alpha / "large.bin", beta / "large.bin"] * 3))
    assert digests == {digest(large)}
    assert os.listdir(cache) == [repo.git("rev-parse", "HEAD:large.bin")]


def test_a_reader_keeps_what_the_cache_lets_go(large: Path, alpha: Path, cache: Path) -> None:
    with open(alpha / "large.bin", "rb") as file:
        file.read(20)
        for path in cache.iterdir():
            path.unlink()
        assert hashlib.file_digest(file, "sha1").hexdigest() == hashlib.sha1(large.read_bytes()[20:]).hexdigest()
    assert digest(alpha / "large.bin") == digest(large)


def test_the_cache_is_bounded(repo: GitRepo, vibe: Vibe, cache: Path) -> None:
    repo.git("config", "vibe.blobCacheSize", "20m")
    repo.git("config", "vibe.streamThreshold", "1m")
    for number in range(5):
        (repo.path / f"medium-{number}").write_bytes(b"%d" % number * (8 * MIB))
    repo.commit(message="medium")
    mount = Path(vibe("spawn", "alpha"))
    for number in range(5):
        assert (mount / f"medium-{number}").read_bytes() == b"%d" % number * (8 * MIB)
    expected = {repo.git("rev-parse", f"HEAD:medium-{number}") for number in (3, 4)}
    assert set(os.listdir(cache)) == expected


# Copies


def test_a_context_file_stays_sparse(repo: GitRepo, vibe: Vibe) -> None:
    vibe("init")
    context = repo.vibe_dir / "context" / "image"
    with open(context, "wb") as file:
        file.truncate(1024 * MIB)
    mount = Path(vibe("spawn", "alpha"))
    with open(mount / "image", "r+b") as file:
        file.seek(512 * MIB)
        file.write(b"changed")
    status = (mount / "image").stat()
    assert (status.st_size, status.st_blocks * 512 < MIB) == (1024 * MIB, True)
    assert context.stat().st_blocks == 0
    assert work_of(repo) == []
