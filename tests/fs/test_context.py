"""The context: files of the user's that appear in every session and are never promoted."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from git_vibe.store.layer import read_xattr
from git_vibe.store.layout import CONTEXT_XATTR
from tests.fs.driver import Driver


def is_context_copy(driver: Driver, path: str) -> bool:
    """Whether the layer file carries the mark of a private copy."""
    return read_xattr(os.fsencode(driver.layer_path(path)), CONTEXT_XATTR) is not None


@pytest.fixture
def context(driver: Driver) -> Path:
    """The directory whose files appear."""
    return driver.session.context


def test_a_file(driver: Driver, context: Path) -> None:
    assert not driver.exists("notes")
    (context / "notes").write_text("one")
    number = driver.ino("notes")
    assert (driver.read("notes"), driver.listdir().count("notes")) == (b"one", 1)
    (context / "notes").write_text("other")
    assert (driver.read("notes"), driver.ino("notes")) == (b"other", number)


def test_a_file_that_vanishes_and_returns(driver: Driver, context: Path) -> None:
    (context / "notes").write_text("one")
    ino = driver.ino("notes")
    (context / "notes").unlink()
    assert not driver.exists("notes")
    assert "notes" not in driver.listdir()
    with pytest.raises(FileNotFoundError):
        driver.view.attrs(ino)
    with pytest.raises(FileNotFoundError):
        driver.unlink("notes")
    (context / "notes").mkdir()
    (context / "notes" / "inner").write_text("in")
    assert driver.read("notes/inner") == b"in"


def test_a_directory_is_merged_with_the_base(driver: Driver, context: Path) -> None:
    (context / "src").mkdir()
    (context / "src" / "secret").write_text("s")
    assert driver.listdir("src") == ["deep", "main.py", "secret"]
    driver.write("src/own", b"own")
    driver.unlink("src/secret")
    assert driver.listdir("src") == ["deep", "main.py", "own"]
    driver.remount()
    assert driver.listdir("src") == ["deep", "main.py", "own"]


def test_a_directory_of_its_own(driver: Driver, context: Path) -> None:
    (context / "docs").mkdir()
    (context / "docs" / "guide").write_text("g")
    driver.write("docs/mine", b"m")
    assert driver.listdir("docs") == ["guide", "mine"]
    number = driver.ino("docs")
    driver.remount()
    assert (driver.listdir("docs"), driver.ino("docs")) == (["guide", "mine"], number)
    (context / "docs" / "guide").unlink()
    (context / "docs").rmdir()
    assert driver.listdir("docs") == ["mine"]
    with pytest.raises(OSError, match="cross-device"):
        (context / "docs").mkdir()
        driver.rename("docs", "other")


def test_links(driver: Driver, context: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "file").write_text("outside")
    (outside / "inner-link").symlink_to("file")
    (context / "file").symlink_to(outside / "file")
    (context / "folder").symlink_to(outside)
    (context / "dangling").symlink_to(outside / "missing")
    assert stat.S_ISREG(driver.find("file").mode)
    assert driver.read("file") == b"outside"
    assert driver.listdir("folder") == ["file", "inner-link"]
    assert driver.view.readlink(driver.ino("folder/inner-link")) == b"file"
    assert not driver.exists("dangling")
    driver.write("file", b"mine")
    driver.chmod("folder/file", 0o600)
    driver.utime("folder/inner-link", 7)
    assert (outside / "file").read_text() == "outside"
    assert driver.view.readlink(driver.ino("folder/inner-link")) == b"file"
    assert is_context_copy(driver, "file")
    assert is_context_copy(driver, "folder/file")


def test_it_overrides_a_tracked_file(driver: Driver, context: Path) -> None:
    clean = driver.ino("README")
    (context / "README").write_text("context")
    assert driver.read("README") == b"context"
    driver.patch("README", 0, b"C")
    assert (driver.read("README"), (context / "README").read_text()) == (b"Context", "context")
    assert is_context_copy(driver, "README")
    driver.remount()
    assert driver.read("README") == b"Context"
    (context / "README").unlink()
    assert driver.read("README") == b"Context"
    assert driver.ino("README") != clean


def test_a_copy_keeps_its_number(driver: Driver, context: Path) -> None:
    (context / "notes").write_text("text")
    number = driver.ino("notes")
    driver.write("notes", b"mine")
    assert driver.ino("notes") == number
    driver.remount()
    assert driver.ino("notes") == number


def test_deletion_is_the_sessions_own(driver: Driver, context: Path) -> None:
    (context / "notes").write_text("text")
    driver.unlink("notes")
    driver.remount()
    assert not driver.exists("notes")
    assert (context / "notes").exists()
    driver.write("notes", b"own")
    assert not is_context_copy(driver, "notes")
    (context / "notes").unlink()
    driver.unlink("notes")
    (context / "notes").write_text("text")
    assert driver.read("notes") == b"text"


def test_deleted_while_open_and_written(driver: Driver, context: Path) -> None:
    (context / "notes").write_text("text")
    driver.open(0, "notes")
    driver.unlink("notes")
    driver.handle_write(0, 0, b"TE")
    assert driver.handle_read(0) == b"TExt"
    assert (context / "notes").read_text() == "text"


def test_what_the_session_made_wins(driver: Driver, context: Path) -> None:
    driver.write("file", b"mine")
    driver.mkdir("folder")
    driver.seal()
    (context / "file").write_text("context")
    (context / "folder").write_text("context")
    (context / "src").write_text("context")
    assert driver.read("file") == b"mine"
    assert driver.listdir("folder") == []
    assert driver.read("src") == b"context"


def test_a_renamed_directory_takes_no_context_along(driver: Driver, context: Path) -> None:
    driver.rename("src", "moved")
    (context / "moved").mkdir()
    (context / "moved" / "notes").write_text("text")
    (context / "src").mkdir()
    assert driver.listdir("moved") == ["deep", "main.py"]
    assert not driver.exists("src")
    driver.remount()
    assert driver.listdir("moved") == ["deep", "main.py"]


def test_the_git_file_cannot_be_overridden(driver: Driver, context: Path) -> None:
    (context / ".git").write_text("gitdir: /elsewhere\n")
    assert driver.read(".git") != b"gitdir: /elsewhere\n"
    assert driver.listdir().count(".git") == 1
