"""A session shows what a checkout would: compared with a native work tree of the same commit."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
from pathlib import Path

import pytest

from tests.support.compared import Compared, compared, files_of
from tests.support.gitrepo import Content, GitRepo
from tests.support.runner import Vibe

pytestmark = pytest.mark.fuse

TEXT = b"one\ntwo\nthree\n"
BINARY = b"\0\x01\n\x02\r\n" * 20
PRECIOUS = b"precious content\n" * 1000


def cache_names(repo: GitRepo) -> list[str]:
    """What the caches of bases hold."""
    return sorted(path.name for path in (repo.vibe_dir / "cache" / "base").glob("*/*"))


# Line endings


def test_autocrlf(repo: GitRepo, vibe: Vibe) -> None:
    both = compared(repo, vibe, {"a.txt": TEXT, "b.bin": BINARY, "mixed": b"a\r\nb\n"})
    repo.git("config", "core.autocrlf", "true")
    vibe("close", "alpha")
    repo.git("worktree", "remove", "--force", str(both.native.path))
    both = Compared(repo, vibe, both.native.path)
    shown = both.check()
    assert shown["a.txt"] == TEXT.replace(b"\n", b"\r\n")
    assert shown["b.bin"] == BINARY
    assert shown["mixed"] == b"a\r\nb\n"
    both.check_edits({"a.txt": b"one\r\n2\r\n", "new": b"x\r\ny\r\n", "b.bin": BINARY + b"\0\r\n"})


def test_autocrlf_input_changes_nothing_on_reading(repo: GitRepo, vibe: Vibe) -> None:
    repo.git("config", "core.autocrlf", "input")
    both = compared(repo, vibe, {"a.txt": TEXT})
    assert both.check()["a.txt"] == TEXT
    assert "converted" not in cache_names(repo)
    both.check_edits({"a.txt": b"one\r\n2\r\n"})


def test_attributes_choose_line_endings_below_them(repo: GitRepo, vibe: Vibe) -> None:
    files: dict[str, Content] = {
        ".gitattributes": "*.bat text eol=crlf\nauto text=auto eol=crlf\n",
        "run.bat": TEXT,
        "auto": TEXT,
        "plain": TEXT,
        "deep/.gitattributes": "*.bat -text\n*.dos text eol=crlf\n",
        "deep/run.bat": TEXT,
        "deep/er/x.dos": TEXT,
        "x.dos": TEXT,
    }
    both = compared(repo, vibe, files)
    shown = both.check()
    changed = {path for path, content in shown.items() if content == TEXT.replace(b"\n", b"\r\n")}
    assert changed == {"run.bat", "auto", "deep/er/x.dos"}
    both.check_edits({"run.bat": b"a\r\nb\r\n", "deep/run.bat": b"a\r\n", "deep/er/new.dos": b"a\r\n", "plain": None})


def test_core_eol_decides_for_text(repo: GitRepo, vibe: Vibe) -> None:
    repo.git("config", "core.eol", "crlf")
    both = compared(repo, vibe, {".gitattributes": "* text=auto\n", "a": TEXT, "b": BINARY})
    assert both.check()["a"] == TEXT.replace(b"\n", b"\r\n")


def test_attributes_outside_of_the_commit_count(repo: GitRepo, vibe: Vibe) -> None:
    (repo.path / ".git" / "info").mkdir(exist_ok=True)
    (repo.path / ".git" / "info" / "attributes").write_text("*.txt text eol=crlf\n")
    both = compared(repo, vibe, {"a.txt": TEXT})
    assert both.check()["a.txt"] == TEXT.replace(b"\n", b"\r\n")


# ident, encodings, filters


def test_ident_and_encoding(repo: GitRepo, vibe: Vibe) -> None:
    files: dict[str, Content] = {
        ".gitattributes": (
            "*.c ident\n*.rc text working-tree-encoding=UTF-16LE eol=crlf\n*.u16 working-tree-encoding=UTF-16\n"
        ),
        "main.c": b"/* $Id$ */\n",
        "res.rc": "gr\u00fc\u00dfe\n".encode("utf-16-le"),
        "text.u16": "gr\u00fc\u00dfe\n".encode("utf-16"),
    }
    both = compared(repo, vibe, files)
    shown = both.check()
    assert b"$Id: " in shown["main.c"]
    assert shown["res.rc"] == "gr\u00fc\u00dfe\r\n".encode("utf-16-le")
    both.check_edits({"main.c": b"/* $Id: 1 $ */\nint x;\n", "text.u16": "neu\n".encode("utf-16")})


def test_a_filter_driver(repo: GitRepo, vibe: Vibe) -> None:
    repo.git("config", "filter.secret.smudge", "sed s/@NAME@/vera/")
    repo.git("config", "filter.secret.clean", "sed s/vera/@NAME@/")
    both = compared(repo, vibe, {".gitattributes": "*.conf filter=secret\n", "sub/a.conf": b"user=@NAME@\n"})
    assert repo.git("show", "HEAD:sub/a.conf") == "user=@NAME@"
    assert both.check()["sub/a.conf"] == b"user=vera\n"
    both.check_edits({"sub/a.conf": b"user=vera\nmore=1\n", "b.conf": b"vera\n"})


def test_an_executable_keeps_its_mode(repo: GitRepo, vibe: Vibe) -> None:
    repo.write({"tool.bat": TEXT, ".gitattributes": "*.bat text eol=crlf\n"})
    (repo.path / "tool.bat").chmod(0o755)
    both = compared(repo, vibe, {})
    assert both.check()["tool.bat"] == TEXT.replace(b"\n", b"\r\n")
    assert os.access(both.session.path / "tool.bat", os.X_OK)


def test_a_required_filter_that_fails_is_named(repo: GitRepo, vibe: Vibe) -> None:
    repo.commit({".gitattributes": "*.conf filter=broken\n", "a.conf": "x\n"})
    repo.git("config", "filter.broken.smudge", "false")
    repo.git("config", "filter.broken.required", "true")
    for command in (["spawn", "alpha"], ["init"]):
        said = vibe.fails(*command)
        assert "'broken'" in said
        assert "'a.conf'" in said
    assert vibe.data("status")["sessions"] == []
    repo.git("config", "vibe.filters", "false")
    assert (Path(vibe("spawn", "alpha")) / "a.conf").read_bytes() == b"x\n"


def test_a_filter_that_fails_and_is_not_required_gives_the_blob(repo: GitRepo, vibe: Vibe) -> None:
    repo.commit({".gitattributes": "*.conf filter=broken\n", "a.conf": "x\n"})
    repo.git("config", "filter.broken.smudge", "false")
    assert (Path(vibe("spawn", "alpha")) / "a.conf").read_bytes() == b"x\n"


# Life of a converted file


def test_conversion_survives_edits_moves_and_a_new_worker(repo: GitRepo, vibe: Vibe) -> None:
    both = compared(repo, vibe, {".gitattributes": "*.txt text eol=crlf\n", "d/a.txt": TEXT, "b.txt": TEXT})
    for worktree in (both.session.path, both.native.path):
        (worktree / "d").rename(worktree / "e")
        with open(worktree / "b.txt", "ab") as file:
            file.write(b"four\r\n")
    vibe("daemon", "stop", "--all")
    vibe("spawn", "alpha")
    assert files_of(both.session.path) == files_of(both.native.path)
    both.check_edits({})


def test_an_unlinked_open_file_keeps_its_bytes(repo: GitRepo, vibe: Vibe) -> None:
    both = compared(repo, vibe, {".gitattributes": "*.txt text eol=crlf\n", "a.txt": TEXT})
    with open(both.session.path / "a.txt", "rb") as file:
        (both.session.path / "a.txt").unlink()
        assert file.read() == TEXT.replace(b"\n", b"\r\n")


def test_what_was_only_staged_otherwise_is_judged_by_what_is_shown(repo: GitRepo, vibe: Vibe) -> None:
    repo.git("config", "filter.secret.smudge", "tr a-y b-z")
    repo.git("config", "filter.secret.clean", "tr b-z a-y")
    both = compared(repo, vibe, {".gitattributes": "*.conf filter=secret\n", "a.conf": b"content\n"})
    for worktree in (both.session, both.native):
        oid = worktree.git("hash-object", "-w", "--stdin", stdin=b"staged\n")
        worktree.git("update-index", "--cacheinfo", f"100644,{oid},a.conf")
    both.check_edits({"other": "x\n"})


def test_settings_make_other_sessions_not_other_files(repo: GitRepo, vibe: Vibe) -> None:
    repo.commit({".gitattributes": "*.txt text eol=crlf\n", "a.txt": TEXT})
    alpha = Path(vibe("spawn", "alpha"))
    repo.git("config", "vibe.filters", "false")
    beta = Path(vibe("spawn", "beta"))
    vibe("daemon", "stop", "--all")
    vibe("spawn", "alpha")
    vibe("spawn", "beta")
    assert (alpha / "a.txt").read_bytes() == TEXT.replace(b"\n", b"\r\n")
    assert (beta / "a.txt").read_bytes() == TEXT
    assert GitRepo(alpha).git("status", "--porcelain") == ""


# Git LFS


def pointer_to(content: bytes) -> bytes:
    """The pointer file of a content."""
    digest = hashlib.sha256(content).hexdigest()
    return b"version https://git-lfs.github.com/spec/v1\noid sha256:%s\nsize %d\n" % (digest.encode(), len(content))


def store(objects: Path, content: bytes) -> None:
    """Put content where git-lfs keeps it."""
    digest = hashlib.sha256(content).hexdigest()
    path = objects / digest[:2] / digest[2:4] / digest
    path.parent.mkdir(parents=True)
    path.write_bytes(content)


@pytest.fixture
def lfs(repo: GitRepo) -> GitRepo:
    """A repository with one pointer, whose content is not there."""
    repo.commit({".gitattributes": "*.bin filter=lfs diff=lfs merge=lfs -text\n", "data.bin": pointer_to(PRECIOUS)})
    return repo


def test_content_of_lfs_is_shown(lfs: GitRepo, vibe: Vibe) -> None:
    store(lfs.path / ".git" / "lfs" / "objects", PRECIOUS)
    alpha = Path(vibe("spawn", "alpha"))
    assert (alpha / "data.bin").read_bytes() == PRECIOUS
    assert GitRepo(alpha).git("status", "--porcelain") == ""
    links = list((lfs.vibe_dir / "cache" / "base").glob("*/converted/*"))
    assert [path.is_symlink() for path in links] == [True]
    assert vibe.data("promote", "alpha")["commit"] is None


def test_unchanged_content_stays_a_pointer_and_changed_content_is_warned_of(lfs: GitRepo, vibe: Vibe) -> None:
    store(lfs.path / ".git" / "lfs" / "objects", PRECIOUS)
    alpha = Path(vibe("spawn", "alpha"))
    (alpha / "data.bin").write_bytes(PRECIOUS)
    (alpha / "new").write_text("x\n")
    promoted = vibe.data("promote", "alpha")["commit"]
    assert lfs.git_bytes("show", f"{promoted}:data.bin") == pointer_to(PRECIOUS)
    (alpha / "data.bin").write_bytes(b"changed\n")
    done = vibe.run("promote", "alpha")
    assert "data.bin" in done.err
    assert lfs.git_bytes("show", "refs/vibes/alpha:data.bin") == b"changed\n"


def test_what_is_taken_from_lfs_becomes_content(lfs: GitRepo, vibe: Vibe) -> None:
    store(lfs.path / ".git" / "lfs" / "objects", PRECIOUS)
    alpha = Path(vibe("spawn", "alpha"))
    (alpha / ".gitattributes").write_text("")
    (alpha / "data.bin").write_bytes(PRECIOUS)
    done = vibe.run("promote", "alpha")
    assert "warning" not in done.err
    assert lfs.git_bytes("show", "refs/vibes/alpha:data.bin") == PRECIOUS


def test_changed_content_goes_through_the_clean_filter(lfs: GitRepo, vibe: Vibe) -> None:
    store(lfs.path / ".git" / "lfs" / "objects", PRECIOUS)
    lfs.git("config", "filter.lfs.clean", "wc -c")
    alpha = Path(vibe("spawn", "alpha"))
    (alpha / "data.bin").write_bytes(b"changed\n")
    done = vibe.run("promote", "alpha")
    assert "warning" not in done.err
    assert lfs.git("show", "refs/vibes/alpha:data.bin").strip() == "8"


def test_missing_content_is_a_pointer_and_a_warning_until_it_arrives(lfs: GitRepo, vibe: Vibe) -> None:
    done = vibe.run("spawn", "alpha")
    assert done.code == 0
    assert [line for line in done.err.splitlines() if "1 file of Git LFS" in line]
    alpha = Path(done.out.strip())
    assert (alpha / "data.bin").read_bytes() == pointer_to(PRECIOUS)
    assert GitRepo(alpha).git("status", "--porcelain") == ""
    store(lfs.path / ".git" / "lfs" / "objects", PRECIOUS)
    done = vibe.run("spawn", "beta")
    assert "LFS" not in done.err
    assert (Path(done.out.strip()) / "data.bin").read_bytes() == PRECIOUS
    assert (alpha / "data.bin").read_bytes() == pointer_to(PRECIOUS)


def test_content_that_vanishes_is_an_error_of_that_file_alone(lfs: GitRepo, vibe: Vibe) -> None:
    objects = lfs.path / ".git" / "lfs" / "objects"
    store(objects, PRECIOUS)
    alpha = Path(vibe("spawn", "alpha"))
    shutil.rmtree(objects)
    with pytest.raises(OSError, match=os.strerror(errno.EIO)):
        (alpha / "data.bin").read_bytes()
    assert (alpha / "README").read_bytes() == b"hello\n"
    assert "is missing" in (lfs.vibe_dir / "logs" / "alpha.log").read_text()


def test_lfs_storage_is_honoured(lfs: GitRepo, vibe: Vibe, tmp_path: Path) -> None:
    store(tmp_path / "big" / "objects", PRECIOUS)
    lfs.git("config", "lfs.storage", str(tmp_path / "big"))
    assert (Path(vibe("spawn", "alpha")) / "data.bin").read_bytes() == PRECIOUS


def test_missing_content_is_asked_of_git_lfs(
    lfs: GitRepo, vibe: Vibe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "content").write_bytes(PRECIOUS)
    program = tmp_path / "bin" / "git-lfs"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\ntest "$1" = smudge && exec cat {tmp_path / "content"}\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    done = vibe.run("spawn", "alpha")
    assert "LFS" not in done.err
    assert (Path(done.out.strip()) / "data.bin").read_bytes() == PRECIOUS


def test_pointers_stay_when_they_are_wanted(lfs: GitRepo, vibe: Vibe) -> None:
    store(lfs.path / ".git" / "lfs" / "objects", PRECIOUS)
    lfs.git("config", "vibe.lfs", "false")
    done = vibe.run("spawn", "alpha")
    assert "LFS" not in done.err
    assert (Path(done.out.strip()) / "data.bin").read_bytes() == pointer_to(PRECIOUS)


def test_a_configured_filter_of_lfs_is_not_run(lfs: GitRepo, vibe: Vibe) -> None:
    """Native git would fail here: git-lfs is required and not installed."""
    lfs.git("config", "filter.lfs.required", "true")
    lfs.git("config", "filter.lfs.smudge", "/nowhere/git-lfs smudge -- %f")
    store(lfs.path / ".git" / "lfs" / "objects", PRECIOUS)
    assert (Path(vibe("spawn", "alpha")) / "data.bin").read_bytes() == PRECIOUS


# What it costs


def test_an_ordinary_repository_pays_nothing(repo: GitRepo, vibe: Vibe, tmp_path: Path) -> None:
    ran = _git_commands(vibe, tmp_path, "alpha")
    assert not ran & {"read-tree", "check-attr", "checkout-index"}
    assert cache_names(repo) == [f"index-{os.geteuid()}-{os.getegid()}", "table"]


def test_attributes_are_looked_at_once_a_commit(repo: GitRepo, vibe: Vibe, tmp_path: Path) -> None:
    repo.commit({".gitattributes": "*.bat text eol=crlf\n", "a.bat": TEXT})
    assert {"read-tree", "check-attr", "checkout-index"} <= _git_commands(vibe, tmp_path, "alpha")
    assert not _git_commands(vibe, tmp_path, "beta") & {"read-tree", "check-attr", "checkout-index"}


def _git_commands(vibe: Vibe, tmp_path: Path, session: str) -> set[str]:
    """The first words of the git commands that spawning a session runs."""
    trace = tmp_path / f"trace-{session}"
    vibe("spawn", session, env={"GIT_TRACE": str(trace)})
    marker = "built-in: git "
    commands = [line.partition(marker)[2].split() for line in trace.read_text().splitlines() if marker in line]
    return {word for words in commands for word in words[:6]}
