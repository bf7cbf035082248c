"""The cache of spilled blobs: bounded, least recently used first, filled once."""

from __future__ import annotations

import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from git_vibe.store.blobs import BlobCache

KIB = 1024
LIMIT = 300 * KIB


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "blobs"


@pytest.fixture
def cache(directory: Path) -> BlobCache:
    return BlobCache(directory, LIMIT)


def filled(cache: BlobCache, name: str, size: int = 100 * KIB) -> int:
    """A descriptor of a file that holds the first letter of its name."""
    return cache.fill(name, lambda fd: write(fd, name[0].encode() * size))


def write(fd: int, content: bytes) -> None:
    assert os.write(fd, content) == len(content)


def use(directory: Path, *names: str) -> None:
    """Make the files the most recently used ones, in this order."""
    for second, name in enumerate(names):
        os.utime(directory / name, (second, second))


def close(*descriptors: int) -> None:
    for fd in descriptors:
        os.close(fd)


def test_what_was_filled_is_found(cache: BlobCache) -> None:
    close(filled(cache, "a"))
    found = cache.find("a")
    assert found is not None
    assert os.pread(found, 5, 0) == b"aaaaa"
    close(found)


def test_what_is_there_is_not_written_again(cache: BlobCache) -> None:
    close(filled(cache, "a"))
    fd = cache.fill("a", lambda _: pytest.fail("written again"))
    assert os.fstat(fd).st_size == 100 * KIB
    close(fd)


def test_the_least_recently_used_goes_first(cache: BlobCache, directory: Path) -> None:
    close(*(filled(cache, name) for name in "abc"))
    use(directory, "b", "c", "a")
    close(filled(cache, "d"))
    assert sorted(os.listdir(directory)) == ["a", "c", "d"]


def test_finding_counts_as_use(cache: BlobCache, directory: Path) -> None:
    close(*(filled(cache, name) for name in "abc"))
    use(directory, "a", "b", "c")
    found = cache.find("a")
    assert found is not None
    close(found, filled(cache, "d"))
    assert sorted(os.listdir(directory)) == ["a", "c", "d"]


def test_an_evicted_file_stays_readable_for_those_who_opened_it(cache: BlobCache, directory: Path) -> None:
    fd = filled(cache, "a")
    use(directory, "a")
    close(*(filled(cache, name) for name in "bcd"))
    assert not (directory / "a").exists()
    assert os.pread(fd, 3, 100 * KIB - 3) == b"aaa"
    close(fd)


def test_one_that_is_larger_than_the_limit_pushes_nothing_out(cache: BlobCache, directory: Path) -> None:
    close(filled(cache, "a"), filled(cache, "large", 2 * LIMIT))
    assert sorted(os.listdir(directory)) == ["a", "large"]


def test_only_the_last_of_those_larger_than_the_limit_is_kept(cache: BlobCache, directory: Path) -> None:
    close(filled(cache, "large", 2 * LIMIT))
    use(directory, "large")
    close(filled(cache, "a"), filled(cache, "other", 2 * LIMIT))
    assert sorted(os.listdir(directory)) == ["a", "other"]


def test_without_room_the_one_in_use_is_kept(directory: Path) -> None:
    cache = BlobCache(directory, 0)
    close(*(filled(cache, name) for name in "ab"))
    assert os.listdir(directory) == ["b"]


def test_a_failed_fill_leaves_nothing(cache: BlobCache, directory: Path) -> None:
    def fail(fd: int) -> None:
        write(fd, b"half")
        raise OSError(28, "no space")

    with pytest.raises(OSError, match="no space"):
        cache.fill("a", fail)
    assert os.listdir(directory) == []


def test_the_part_of_a_killed_filler_is_taken_over(cache: BlobCache, directory: Path) -> None:
    directory.mkdir()
    (directory / ".part-a").write_bytes(b"garbage" * 100_000)
    close(filled(cache, "a", 10))
    assert (directory / "a").read_bytes() == b"a" * 10
    assert os.listdir(directory) == ["a"]


def test_a_part_that_is_being_filled_is_not_evicted(cache: BlobCache, directory: Path) -> None:
    started, go_on = threading.Event(), threading.Event()

    def slowly(fd: int) -> None:
        write(fd, b"s" * 200 * KIB)
        started.set()
        assert go_on.wait(10)

    with ThreadPoolExecutor() as pool:
        filling = pool.submit(cache.fill, "slow", slowly)
        assert started.wait(10)
        BlobCache(directory, 0).evict()
        go_on.set()
        fd = filling.result(10)
    assert os.fstat(fd).st_nlink == 1
    assert os.pread(fd, 4, 0) == b"ssss"
    close(fd)


def test_fillers_of_the_same_file_write_it_once(directory: Path) -> None:
    writers: list[int] = []

    def slowly(fd: int) -> None:
        writers.append(fd)
        time.sleep(0.05)
        write(fd, b"x" * KIB)

    def fill(_: int) -> bytes:
        fd = BlobCache(directory, LIMIT).fill("x", slowly)
        content = os.pread(fd, 2 * KIB, 0)
        close(fd)
        return content

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(fill, range(8))) == {b"x" * KIB}
    assert len(writers) == 1


def test_filling_and_evicting_at_once_never_shows_half_a_file(directory: Path) -> None:
    def fill(number: int) -> bool:
        name = "abcdefgh"[number % 8]
        fd = filled(BlobCache(directory, LIMIT), name)
        whole = os.pread(fd, LIMIT, 0) == name.encode() * 100 * KIB
        close(fd)
        return whole

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(fill, range(200)))
    assert len(os.listdir(directory)) <= 3
