"""Questions to git about many paths at once: ignoring, attributes, hashes, the index."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from git_vibe.errors import GitError
from git_vibe.git.attributes import values_of
from git_vibe.git.hashing import hash_files, quoted
from git_vibe.git.ignore import ignored_paths
from git_vibe.git.tracked import differences, read_tracked
from git_vibe.types import Oid

NAMES = [b"plain", b"new\nline", b'"quoted', b"caf\xc3\xa9", b"latin\xe9", b"cr\r", b":colon", b"-dash", b"back\\slash"]


def git(*args: str, cwd: Path) -> str:
    return subprocess.run(["git", *args], cwd=cwd, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    git("init", "-q", cwd=tmp_path)
    for name in NAMES:
        with open(os.path.join(os.fsencode(tmp_path), name), "wb") as file:
            file.write(b"content of " + name)
    return tmp_path


def test_ignored_paths(repo: Path) -> None:
    (repo / ".gitignore").write_text("*e\n!plane\nsub/\n")
    (repo / "sub").mkdir()
    paths = [*NAMES, b"sub", b"sub/x", b"plane", b"absent/e"]
    assert ignored_paths(paths, worktree=repo, env={}) == {b"new\nline", b"sub", b"sub/x", b"absent/e"}
    assert ignored_paths([], worktree=repo, env={}) == set()


def test_hashes_of_odd_names(repo: Path) -> None:
    oids = hash_files(NAMES, worktree=repo, env={}, write=True)
    blobs = [subprocess.check_output(["git", "cat-file", "blob", oid], cwd=repo) for oid in oids]
    assert blobs == [b"content of " + name for name in NAMES]


def test_hash_of_a_missing_file(repo: Path) -> None:
    with pytest.raises(GitError):
        hash_files([b"absent"], worktree=repo, env={}, write=False)


def test_quoted() -> None:
    assert quoted(b"a b/c.txt") == b"a b/c.txt"
    assert quoted(b'a"\n') == b'"a\\042\\012"'


def test_attributes(repo: Path) -> None:
    (repo / ".gitattributes").write_text("plain text=auto\n*.bin -text\n")
    found = values_of(("text", "eol"), [b"plain", b"new\nline.bin"], worktree=repo, env={})
    assert found == {
        b"plain": {"text": "auto", "eol": "unspecified"},
        b"new\nline.bin": {"text": "unset", "eol": "unspecified"},
    }


def test_tracked(repo: Path) -> None:
    (repo / "d").mkdir()
    for name in ("d/x", "d-", "d0", "frozen"):
        (repo / name).write_text("x")
    git("add", "-A", cwd=repo)
    git("update-index", "--skip-worktree", "frozen", cwd=repo)
    found = read_tracked(cwd=repo, env={})
    entry = found.entry(b"latin\xe9")
    assert entry is not None and (entry.mode, entry.frozen) == (0o100644, False)
    assert found.entry(b"d") is None
    assert found.entry(b"zzz") is None
    assert found.has_below(b"d")
    assert not found.has_below(b"plain")
    assert not found.has_below(b"zzz")
    assert [each.path for each in found.frozen()] == [b"frozen"]


def test_differences(repo: Path) -> None:
    git("add", "-A", cwd=repo)
    git("commit", "-q", "-m", "x", cwd=repo)
    head = Oid(git("rev-parse", "HEAD", cwd=repo))
    assert differences(head, cwd=repo, env={}) == []
    git("rm", "-q", "--cached", "plain", cwd=repo)
    git("update-index", "--chmod=+x", ":colon", cwd=repo)
    (repo / "new").write_text("x")
    git("add", "new", cwd=repo)
    assert differences(head, cwd=repo, env={}) == [(b":colon", 0o100755), (b"plain", 0)]
