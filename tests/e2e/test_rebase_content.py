"""`git vibe rebase` and files that are more than their bytes: Git LFS, filters, merge drivers, submodules, watchers."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.e2e.test_checkout_conversion import pointer_to, store
from tests.support.gitrepo import GitRepo
from tests.support.inotify import Watch
from tests.support.runner import Vibe
from tests.support.soundness import assert_sound

pytestmark = pytest.mark.fuse

OLD, NEW, MINE = (word * 1000 for word in (b"old ", b"new ", b"mine "))


def rebased(vibe: Vibe) -> None:
    """Rebase, and rebase once more, which changes nothing."""
    vibe("rebase", "alpha")
    assert "up to date" in vibe("rebase", "alpha")


# Git LFS


@pytest.fixture
def lfs(repo: GitRepo, vibe: Vibe) -> GitRepo:
    """A session of a repository with a file of Git LFS; git-lfs itself is not installed."""
    repo.commit({".gitattributes": "*.big filter=lfs diff=lfs merge=lfs -text\n", "data.big": pointer_to(OLD)})
    store(repo.path / ".git/lfs/objects", OLD)
    return GitRepo(Path(vibe("spawn", "alpha")))


def test_content_of_lfs_is_shown_and_stays_a_pointer(repo: GitRepo, vibe: Vibe, lfs: GitRepo) -> None:
    store(repo.path / ".git/lfs/objects", NEW)
    base = repo.commit({"data.big": pointer_to(NEW), "more.big": pointer_to(OLD), "away.big": pointer_to(MINE)})
    rebased(vibe)
    assert (lfs.path / "data.big").read_bytes() == NEW
    assert (lfs.path / "more.big").read_bytes() == OLD
    assert (lfs.path / "away.big").read_bytes() == pointer_to(MINE)
    lfs.write({"mine": "x\n"})
    assert vibe("diff", "alpha", "--name-only") == "mine"
    promoted = vibe.data("promote", "alpha")["commit"]
    assert repo.git("diff", "--name-only", base, promoted) == "mine"
    assert_sound(vibe, repo)


def test_pointers_in_conflict(repo: GitRepo, vibe: Vibe, lfs: GitRepo) -> None:
    lfs.write({"data.big": MINE})
    repo.commit({"data.big": pointer_to(NEW)})
    assert "data.big" in vibe.fails("rebase", "alpha")
    vibe("rebase", "--abort", "alpha")
    assert (lfs.path / "data.big").read_bytes() == MINE


# Conversion


def test_files_look_as_a_checkout_writes_them(repo: GitRepo, vibe: Vibe) -> None:
    repo.git("config", "filter.up.smudge", "tr a-z A-Z")
    repo.git("config", "filter.up.clean", "tr A-Z a-z")
    repo.commit({".gitattributes": "*.up filter=up\n", "x.up": "one\n"})
    alpha = GitRepo(Path(vibe("spawn", "alpha")))
    assert (alpha.path / "x.up").read_text() == "ONE\n"
    repo.commit({".gitattributes": "*.up filter=up\n*.id ident\n*.w working-tree-encoding=UTF-16LE\n"})
    repo.commit({"x.up": "two\n", "y.up": "three\n", "z.id": "$Id$\n", "u.w": "u\n".encode("utf-16-le")})
    rebased(vibe)
    assert (alpha.path / "x.up").read_text() == "TWO\n"
    assert (alpha.path / "y.up").read_text() == "THREE\n"
    assert (alpha.path / "z.id").read_text().startswith("$Id: ")
    assert (alpha.path / "u.w").read_bytes() == "u\n".encode("utf-16-le")
    assert alpha.git("status", "--porcelain") == ""
    assert vibe("diff", "alpha") == ""


def test_without_conversion_files_are_their_blobs(repo: GitRepo, vibe: Vibe) -> None:
    repo.git("config", "vibe.filters", "false")
    alpha = GitRepo(Path(vibe("spawn", "alpha")))
    repo.commit({".gitattributes": "*.txt text eol=crlf\n", "x.txt": "one\n", "l": "-> README"})
    rebased(vibe)
    assert (alpha.path / "x.txt").read_bytes() == b"one\n"
    assert os.readlink(alpha.path / "l") == "README"


def test_a_required_filter_that_fails_changes_nothing(repo: GitRepo, vibe: Vibe) -> None:
    alpha = GitRepo(Path(vibe("spawn", "alpha")))
    repo.commit({".gitattributes": "*.x filter=bad\n", "a.x": "one\n", "README": "two\n"})
    repo.git("config", "filter.bad.smudge", "false")
    repo.git("config", "filter.bad.required", "true")
    assert "required filter 'bad' failed" in vibe.fails("rebase", "alpha")
    assert (alpha.path / "README").read_text() == "hello\n"
    assert repo.refs("refs/vibe/rebase/") == {}
    repo.git("config", "filter.bad.smudge", "cat")
    rebased(vibe)
    assert (alpha.path / "a.x").read_text() == "one\n"


def test_merge_drivers_decide(repo: GitRepo, vibe: Vibe) -> None:
    repo.git("config", "merge.longest.driver", "test $(wc -c <%A) -ge $(wc -c <%B) || cat %B >%A")
    repo.commit({".gitattributes": "*.long merge=longest\n*.keep -merge\n", "x.long": "a\n", "y.keep": "a\n"})
    alpha = GitRepo(Path(vibe("spawn", "alpha")))
    alpha.write({"x.long": "much longer\n", "y.keep": "mine\n"})
    repo.commit({"x.long": "longer\n", "y.keep": "theirs\n"})
    said = vibe.fails("rebase", "alpha")
    assert "y.keep" in said and "x.long" not in said
    assert (alpha.path / "x.long").read_text() == "much longer\n"
    assert (alpha.path / "y.keep").read_text() == "theirs\n"


# Submodules


@pytest.fixture
def outer(repo: GitRepo, tmp_path: Path) -> GitRepo:
    """The repository with a submodule at `inner`, which has gone on since."""
    inner = GitRepo.create(tmp_path / "inner")
    inner.commit({"file": "one\n", "gone": "x\n"})
    repo.git("submodule", "--quiet", "add", str(inner.path), "inner")
    repo.commit({}, message="with a submodule")
    inner.commit({"file": "two\n", "gone": None, "new": "x\n"})
    return repo


def bump(outer: GitRepo) -> str:
    """Let upstream have the next commit of the submodule."""
    GitRepo(outer.path / "inner").git("pull", "--quiet", "origin", "main")
    return outer.commit(message="bump")


def test_a_submodule_follows(outer: GitRepo, vibe: Vibe) -> None:
    alpha = GitRepo(Path(vibe("spawn", "alpha")))
    base = bump(outer)
    rebased(vibe)
    assert (alpha.path / "inner/file").read_text() == "two\n"
    assert sorted(os.listdir(alpha.path / "inner")) == [".git", "file", "new"]
    assert alpha.git("status", "--porcelain") == ""
    alpha.write({"mine": "x\n"})
    promoted = vibe.data("promote", "alpha")["commit"]
    assert outer.git("diff", "--name-only", base, promoted) == "mine"


def test_a_submodule_goes_back(outer: GitRepo, vibe: Vibe) -> None:
    alpha = GitRepo(Path(vibe("spawn", "alpha")))
    alpha.write({"README": "mine\n"})
    outer.write({"README": "theirs\n"})
    bump(outer)
    vibe.fails("rebase", "alpha")
    assert (alpha.path / "inner/file").read_text() == "two\n"
    vibe("rebase", "--abort", "alpha")
    assert (alpha.path / "inner/file").read_text() == "one\n"
    assert alpha.git("status", "--porcelain") == " M README"


def test_a_submodule_both_sides_moved_is_a_conflict(outer: GitRepo, vibe: Vibe) -> None:
    alpha = GitRepo(Path(vibe("spawn", "alpha")))
    mine = GitRepo(alpha.path / "inner").commit({"file": "mine\n"})
    bump(outer)
    assert "inner" in vibe.fails("rebase", "alpha")
    assert GitRepo(alpha.path / "inner").git("rev-parse", "HEAD") == mine
    vibe("rebase", "--abort", "alpha")
    assert alpha.git("status", "--porcelain") == " M inner"


def test_submodules_that_come_and_go(outer: GitRepo, vibe: Vibe, tmp_path: Path) -> None:
    alpha = GitRepo(Path(vibe("spawn", "alpha")))
    other = GitRepo.create(tmp_path / "other")
    other.commit({"file": "other\n"})
    outer.git("submodule", "--quiet", "add", str(other.path), "another")
    outer.git("rm", "--quiet", "inner")
    outer.commit()
    (alpha.path / "inner/work").write_text("precious\n")
    assert "holds work" in vibe.fails("rebase", "alpha")
    (alpha.path / "inner/work").unlink()
    rebased(vibe)
    assert not (alpha.path / "inner").exists()
    assert os.listdir(alpha.path / "another") == []
    assert alpha.git("status", "--porcelain") == ""
    assert vibe.data("promote", "alpha")["commit"] is None


# Watchers


def test_watchers_of_directories_stay(repo: GitRepo, vibe: Vibe) -> None:
    """The kernel tells nobody of what changes behind it; a watch goes on to tell of what is written later."""
    alpha = GitRepo(Path(vibe("spawn", "alpha")))
    repo.commit({"src/new": "x\n", "README": "two\n"})
    with Watch(alpha.path, alpha.path / "src") as watch:
        rebased(vibe)
        watch.events()
        (alpha.path / "src/mine").write_text("x\n")
        assert "src/mine: create" in watch.events(5)
