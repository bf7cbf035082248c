"""What a view shows of a clean base, and what copy-up keeps."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable

import pytest

from git_vibe.git.table import shown_mode
from git_vibe.overlay import attributes, edit
from git_vibe.overlay.nodes import GIT_FILE_INODE
from git_vibe.types import ROOT_INODE
from tests.fs.driver import BASE_TIME, GIT_FILE, Driver
from tests.support.gitrepo import GitRepo


def test_a_clean_view_is_the_commit(driver: Driver, repo: GitRepo) -> None:
    names = repo.git("ls-tree", "-r", "-t", "--name-only", "HEAD").splitlines()
    assert sorted(driver.walk()) == sorted(names)
    for row, (name, attrs) in enumerate(sorted(driver.numbers().items()), 1):
        assert row <= attrs <= driver.view.table.count
        assert driver.find(name).mtime_ns == BASE_TIME
        assert driver.find(name).mode == shown_mode(driver.view.table.mode[attrs - 1])
    assert driver.read("src/deep/er/data.bin") == bytes(range(256))
    assert driver.view.readlink(driver.ino("link")) == b"README"


def test_nothing_is_written_by_looking(driver: Driver) -> None:
    driver.see()
    assert list(driver.layer_path("").iterdir()) == []


def test_the_git_file(driver: Driver) -> None:
    assert driver.ino(".git") == GIT_FILE_INODE
    assert driver.read(".git") == GIT_FILE
    attempts: list[Callable[[], object]] = [
        lambda: driver.unlink(".git"),
        lambda: driver.rename(".git", "other"),
        lambda: driver.rename("README", ".git"),
        lambda: driver.link(".git", "other"),
        lambda: driver.write(".git", b""),
    ]
    for attempt in attempts:
        with pytest.raises(PermissionError):
            attempt()
    with pytest.raises(FileExistsError):
        driver.mkdir(".git")
    with pytest.raises(NotADirectoryError):
        driver.rmdir(".git")


def test_copy_up_keeps_number_bytes_mode_and_time(driver: Driver) -> None:
    before = driver.find("run.sh")
    driver.chmod("run.sh", 0o700)
    after = driver.find("run.sh")
    assert after._replace(ctime_ns=0, blocks=0) == before._replace(ctime_ns=0, blocks=0, mode=stat.S_IFREG | 0o700)
    assert driver.read("run.sh") == b"#!/bin/sh\necho ran\n"
    assert driver.find("src").mtime_ns == BASE_TIME
    driver.remount()
    assert driver.find("run.sh")._replace(atime_ns=0) == after._replace(atime_ns=0)


def test_copy_up_of_a_large_file_streams(driver: Driver, repo: GitRepo) -> None:
    repo.commit({"large": b"0123456789" * 1000})
    large = Driver(driver.session)
    assert large.read("large") == b"0123456789" * 1000
    large.patch("large", 5, b"X")
    assert large.read("large")[:10] == b"01234X6789"
    large.truncate("large", 3)
    assert large.read("large") == b"012"


def test_truncation_to_nothing_changes_the_time(driver: Driver) -> None:
    driver.truncate("README", 0)
    assert driver.find("README").mtime_ns > BASE_TIME


def test_truncation_through_a_handle_of_the_old_content(driver: Driver) -> None:
    driver.open(0, "README")
    assert driver.handle_read(0) == b"hello\n"
    driver.write("README", b"new")
    assert driver.handle_read(0) == b"new"
    driver.close(0)


def test_an_access_time_is_not_worth_a_copy(driver: Driver) -> None:
    attributes.set_times(driver.view, driver.ino("README"), atime_ns=1, mtime_ns=None)
    assert not driver.layer_path("README").exists()


def test_chmod_to_the_same_mode_copies_nothing(driver: Driver) -> None:
    driver.chmod("README", 0o644)
    assert not driver.layer_path("README").exists()


def test_unlinked_but_open(driver: Driver) -> None:
    for name in ("README", "made"):
        if name == "made":
            driver.write("made", b"hello\n")
        driver.open(0, name)
        ino = driver.ino(name)
        driver.unlink(name)
        assert driver.handle_read(0) == b"hello\n"
        assert driver.view.attrs(ino).nlink == 0
        driver.handle_write(0, 6, b"more")
        attributes.chmod(driver.view, ino, 0o600)
        assert driver.handle_read(0) == b"hello\nmore"
        assert stat.S_IMODE(driver.view.attrs(ino).mode) == 0o600
        driver.close(0)
        driver.view.inodes.forget(ino, 100)
        assert ino not in driver.view.inodes.nodes
    assert os.listdir(driver.view.delta.work) == []


def test_a_removed_directory_stays_gone_for_who_is_in_it(driver: Driver) -> None:
    for name in ("src/deep/er", "made"):
        if name == "made":
            driver.mkdir(name)
        else:
            driver.unlink(f"{name}/data.bin")
        ino = driver.ino(name)
        driver.rmdir(name)
        assert driver.view.names(driver.view.directory(ino)) == {}
        assert driver.view.attrs(ino).nlink == 0
        driver.mkdir(name)
        with pytest.raises(FileNotFoundError):
            edit.create(driver.view, ino, b"file", 0o644, driver.caller)
        assert driver.listdir(name) == []


def test_a_made_directory_hides_the_one_that_was_removed(driver: Driver) -> None:
    driver.unlink("src/deep/er/data.bin")
    driver.rmdir("src/deep/er")
    driver.mkdir("src/deep/er")
    assert driver.listdir("src/deep/er") == []
    driver.remount()
    assert driver.listdir("src/deep/er") == []


def test_a_file_where_a_directory_was(driver: Driver) -> None:
    driver.unlink("src/deep/er/data.bin")
    driver.rmdir("src/deep/er")
    driver.write("src/deep/er", b"file")
    driver.remount()
    assert driver.read("src/deep/er") == b"file"
    driver.unlink("src/deep/er")
    driver.remount()
    assert driver.listdir("src/deep") == []


def test_names_too_long(driver: Driver) -> None:
    for attempt in (driver.find, driver.mkdir, lambda name: driver.rename("README", name)):
        with pytest.raises(OSError, match="File name too long"):
            attempt("x" * 256)


def test_a_file_is_no_directory(driver: Driver) -> None:
    with pytest.raises(NotADirectoryError):
        driver.rmdir("README")
    with pytest.raises(NotADirectoryError):
        driver.view.directory(driver.ino("README"))
    with pytest.raises(OSError, match=r"[Ss]tale"):
        driver.view.attrs(10**6)


def test_hard_links_agree_and_survive(driver: Driver) -> None:
    driver.link("README", "src/other")
    driver.patch("src/other", 0, b"J")
    assert driver.read("README") == b"Jello\n"
    assert driver.find("README") == driver.find("src/other")
    assert driver.find("README").nlink == 2
    number = driver.ino("README")
    driver.remount()
    assert (driver.ino("src/other"), driver.ino("README")) == (number, number)
    driver.unlink("README")
    assert driver.find("src/other").nlink == 1


def test_one_name_of_a_hard_link_is_unlinked_before_the_other_is_seen(driver: Driver) -> None:
    driver.link("README", "src/other")
    driver.remount()
    driver.open(0, "README")
    driver.unlink("README")
    driver.patch("src/other", 0, b"J")
    assert driver.handle_read(0) == b"Jello\n"
    driver.close(0)


def test_the_root_has_no_parent(driver: Driver) -> None:
    assert driver.view.attrs(ROOT_INODE).ino == ROOT_INODE
    driver.chmod("", 0o700)
    driver.utime("", 12345)
    driver.remount()
    assert stat.S_IMODE(driver.view.attrs(ROOT_INODE).mode) == 0o700
    assert driver.view.attrs(ROOT_INODE).mtime_ns == 12345


def test_extended_attributes_hide_the_layers_own(driver: Driver) -> None:
    driver.setxattr("README", b"value")
    driver.setxattr("src", b"value")
    for name in ("README", "src"):
        assert attributes.listxattr(driver.view, driver.ino(name)) == [b"user.test"]
        with pytest.raises(PermissionError):
            attributes.setxattr(driver.view, driver.ino(name), b"user.vibe.ino", b"1")
        with pytest.raises(OSError, match="not supported"):
            attributes.setxattr(driver.view, driver.ino(name), b"system.posix_acl_access", b"")
        attributes.removexattr(driver.view, driver.ino(name), b"user.test")
        assert attributes.listxattr(driver.view, driver.ino(name)) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give a directory any group")
def test_a_setgid_directory_gives_its_group_on(driver: Driver) -> None:
    driver.mkdir("made")
    os.chown(driver.layer_path("made"), -1, 1234)
    driver.layer_path("made").chmod(0o2755)
    driver.mkdir("made/inner")
    driver.write("made/file", b"")
    driver.unlink("made/file")
    driver.write("made/file", b"")
    assert (driver.find("made/inner").gid, driver.find("made/file").gid) == (1234, 1234)
    assert driver.find("made/inner").mode & stat.S_ISGID
