"""`git vibe spawn`: a mount that holds exactly the commit, its path on stdout, and only good names."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.support.gitrepo import GitRepo
from tests.support.mounts import mounts_below
from tests.support.runner import Vibe
from tests.support.soundness import assert_sound

pytestmark = pytest.mark.fuse

NAME = re.compile(r"[a-z]+-[a-z]+\Z")


@pytest.fixture
def every_mode(repo: GitRepo, tmp_path: Path) -> GitRepo:
    """The repository with odd names, link targets of any kind and a submodule."""
    library = GitRepo.create(tmp_path / "library")
    library.commit({"lib.c": "int x;\n"})
    repo.git("submodule", "--quiet", "add", str(library.path), "vendor/lib")
    names = ["späße", "with space", "tab\there", 'quote"d', "back\\slash", "new\nline", "-dash", "a" * 255]
    repo.write({f"odd/{name}": f"{name}\n" for name in names})
    repo.write({"dangling": "-> nowhere/at/all", "up": "-> ..", "src/self": "-> self", "crlf": b"a\r\nb\r\n"})
    Path(os.fsdecode(os.fsencode(repo.path) + b"/odd/latin-\xe9")).write_bytes(b"not utf-8\n")
    repo.write({"big.bin": bytes(range(256)) * 1024, "attributes/x.txt": b"a\r\nb\n", ".gitattributes": "*.c text\n"})
    repo.commit(message="every mode")
    return repo


def listed(repo: GitRepo, *, directories: bool = False) -> list[tuple[str, str, bytes]]:
    """(mode, object, path) of every entry of HEAD as `git ls-tree` gives them."""
    rows = repo.git_bytes("ls-tree", "-r", "-z", "--full-tree", *(["-t"] if directories else []), "HEAD").split(b"\0")
    entries = []
    for row in rows[:-1]:
        meta, path = row.split(b"\t", 1)
        mode, _, oid = meta.decode().split(" ")
        entries.append((mode, oid, path))
    return entries


def served(top: Path, path: bytes, mode: str) -> bytes:
    """The content that has to equal the blob, after checking that the type and the mode bits are right."""
    full = os.path.join(os.fsencode(top), path)
    status = os.lstat(full)
    expected = {"100644": 0o100644, "100755": 0o100755, "120000": 0o120777}[mode]
    assert status.st_mode == expected, path
    content = os.readlink(full) if mode == "120000" else Path(os.fsdecode(full)).read_bytes()
    assert status.st_size == len(content), path
    return content


def test_e2e_002_spawn_mounts(vibe: Vibe, repo: GitRepo) -> None:
    before = repo.own_state()
    done = vibe.run("spawn", "feature-auth")
    assert (done.code, done.out) == (0, f"{repo.path}.vibe/feature-auth\n")
    assert mounts_below(repo.path.parent) == [f"{repo.path}.vibe/feature-auth"]
    assert Path(done.out.strip(), "README").read_text() == "hello\n"
    assert repo.own_state() == before


def test_e2e_003_contents_match_head(every_mode: GitRepo, vibe: Vibe) -> None:
    top = Path(vibe("spawn", "alpha"))
    entries = listed(every_mode)
    assert {mode for mode, _, _ in entries} == {"100644", "100755", "120000", "160000"}
    for mode, oid, path in entries:
        if mode == "160000":
            assert sorted(os.listdir(os.path.join(os.fsencode(top), path))) == [b".git", b"lib.c"]
        else:
            assert served(top, path, mode) == every_mode.git_bytes("cat-file", "blob", oid), path


def test_directories_match_head(every_mode: GitRepo, vibe: Vibe) -> None:
    top = os.fsencode(vibe("spawn", "alpha"))
    found = set()
    for directory, directories, files in os.walk(top):
        found |= {os.path.relpath(os.path.join(directory, name), top) for name in [*directories, *files]}
    shown = {b".git", b"vendor/lib/.git", b"vendor/lib/lib.c"}
    assert found == {path for _, _, path in listed(every_mode, directories=True)} | shown


def test_untracked_files_are_not_visible(vibe: Vibe, repo: GitRepo) -> None:
    repo.write({"README": "edited\n", "untracked": "x\n", "x.log": "ignored\n"})
    top = Path(vibe("spawn", "alpha"))
    assert (top / "README").read_text() == "hello\n"
    assert not (top / "untracked").exists() and not (top / "x.log").exists()


def test_without_a_name_one_is_made(vibe: Vibe, repo: GitRepo) -> None:
    paths = {vibe("spawn") for _ in range(3)}
    assert len(paths) == 3
    assert all(NAME.match(Path(path).name) and Path(path, "README").exists() for path in paths)


def test_an_existing_session_is_joined(vibe: Vibe, alpha: Path) -> None:
    (alpha / "new").write_text("here\n")
    assert vibe("spawn", "alpha") == str(alpha)
    assert (alpha / "new").read_text() == "here\n"


def test_from_and_branch(vibe: Vibe, repo: GitRepo) -> None:
    first = repo.git("rev-parse", "HEAD")
    repo.commit({"README": "second\n"})
    old = Path(vibe("spawn", "old", "--from", first, "--branch"))
    assert (old / "README").read_text() == "hello\n"
    assert vibe("sh", "old", "-c", "git symbolic-ref HEAD; git rev-parse HEAD") == f"refs/heads/vibe/old\n{first}"
    assert "already exists" in vibe.fails("spawn", "old", "--from", "HEAD")
    assert "not a commit" in vibe.fails("spawn", "other", "--from", "no-such-revision", code=2)
    assert_sound(vibe, repo)


@pytest.mark.parametrize(
    "name",
    ["../x", "", "x" * 300, "x" * 65, "späße", "名前", "-leading", "trailing-", "a/b", ".", "a b", "a\nb", "a_b"],
)
def test_bad_names_are_refused(name: str, vibe: Vibe, repo: GitRepo) -> None:
    done = vibe.run("spawn", "--", name)
    assert (done.code, done.out) == (2, "")
    assert "Traceback" not in done.err
    assert "session name" in done.err
    assert not repo.vibe_dir.exists()
    assert mounts_below(repo.path.parent) == []


@pytest.mark.parametrize("command", ["status", "diff", "promote", "commit", "close", "sh"])
def test_bad_names_are_refused_everywhere(command: str, vibe: Vibe, alpha: Path) -> None:
    for name in ("../alpha", "", "x" * 300):
        assert "invalid session name" in vibe.fails(command, name, code=2)
    assert "'nobody' not found" in vibe.fails(command, "nobody")


def test_a_name_that_is_no_text_is_refused(vibe: Vibe, repo: GitRepo) -> None:
    done = subprocess.run(["git", "vibe", "spawn", b"\xff\xfe"], cwd=repo.path, capture_output=True, check=False)
    assert (done.returncode, b"Traceback" in done.stderr) == (2, False)


def test_the_longest_name(vibe: Vibe, repo: GitRepo) -> None:
    path = Path(vibe("spawn", "x" * 64))
    (path / "new").write_text("x\n")
    vibe("promote", "x" * 64)
    vibe("close", "x" * 64)
    assert_sound(vibe, repo)


@pytest.mark.parametrize("directory", ["with space", "ünï-côdé 名", "semi;colon 'quote\" $dollar", "deep/" + "d" * 200])
def test_odd_repository_paths(directory: str, repo: GitRepo, tmp_path: Path) -> None:
    repo.path.parent.joinpath(directory).parent.mkdir(exist_ok=True)
    moved = GitRepo(repo.path.rename(tmp_path / directory))
    vibe = Vibe(moved.path)
    path = Path(vibe("spawn", "alpha"))
    assert path == moved.path.with_name(f"{moved.path.name}.vibe") / "alpha"
    (path / "new").write_text("new\n")
    assert vibe("sh", "alpha", "-c", "pwd -P; git status --porcelain") == f"{path}\n?? new"
    assert "new" in vibe("diff", "alpha", "--name-only")
    vibe("promote", "alpha")
    assert moved.git("show", "refs/vibes/alpha:new") == "new"
    assert vibe.data("daemon", "status")["pid"]
    assert_sound(vibe, moved)
    vibe("commit", "alpha")
    vibe("purge", "--force")
    assert mounts_below(tmp_path) == []


def test_a_session_limit(vibe: Vibe, repo: GitRepo, alpha: Path) -> None:
    repo.git("config", "vibe.maxSessions", "1")
    assert "vibe.maxSessions is 1" in vibe.fails("spawn", "beta")
    assert Path(vibe("spawn", "beta", "--force")).is_dir()
    assert_sound(vibe, repo)


def test_a_mount_point_that_is_in_use_is_left_alone(vibe: Vibe, repo: GitRepo) -> None:
    taken = repo.path.with_name("repo.vibe") / "alpha"
    taken.mkdir(parents=True)
    (taken / "mine").write_text("precious\n")
    words = vibe.fails("spawn", "alpha")
    assert "is not empty (it holds mine)" in words
    assert (taken / "mine").read_text() == "precious\n"
    assert_sound(vibe, repo)
