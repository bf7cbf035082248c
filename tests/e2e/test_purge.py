"""`git vibe purge` removes everything and loses nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.gitrepo import GitRepo
from tests.support.mounts import mounts_below, processes_below
from tests.support.runner import Vibe


def test_without_a_terminal_nothing_happens(vibe: Vibe, repo: GitRepo) -> None:
    vibe("init")
    assert "nothing was done" in vibe.fails("purge")
    assert repo.vibe_dir.exists()


@pytest.mark.fuse
def test_e2e_011_purge_leaves_archives_and_promotes_only(vibe: Vibe, repo: GitRepo, tmp_path: Path) -> None:
    before = repo.own_state()
    for name in ("alpha", "beta"):
        path = Path(vibe("spawn", name))
        (path / "new").write_text(f"{name}\n")
    vibe("promote", "beta")
    assert len(processes_below(tmp_path)) == 3
    done = vibe.data("purge", "--force")
    assert (done["sessions"], len(done["archives"]), done["rescued"]) == (2, 1, [])
    assert repo.git("show", f"{done['archives'][0]}:new") == "alpha"
    assert repo.refs("refs/vibes/").keys() == {"refs/vibes/beta"}
    assert repo.refs("refs/vibe/base/") == {}
    assert not repo.vibe_dir.exists()
    assert not (tmp_path / "repo.vibe").exists()
    assert not (repo.path / ".git" / "worktrees").exists()
    assert mounts_below(tmp_path) == []
    assert processes_below(tmp_path) == []
    assert repo.own_state() == before


@pytest.mark.fuse
def test_refs_are_deleted_when_told_but_never_archives(vibe: Vibe, repo: GitRepo) -> None:
    path = Path(vibe("spawn", "alpha"))
    (path / "new").write_text("promoted\n")
    vibe("promote", "alpha")
    (path / "new").write_text("not promoted\n")
    done = vibe.data("purge", "--force", "--refs")
    assert done["deleted_refs"] == ["refs/notes/vibe", "refs/vibes/alpha"]
    assert list(repo.refs("refs/vibe")) == done["archives"]


@pytest.mark.fuse
def test_a_session_that_cannot_be_archived_is_moved_aside(vibe: Vibe, repo: GitRepo, tmp_path: Path) -> None:
    path = Path(vibe("spawn", "alpha"))
    (path / "new").write_text("precious\n")
    (repo.vibe_dir / "sessions" / "alpha" / "meta.json").write_text("{")
    (rescued,) = vibe.data("purge", "--force")["rescued"]
    assert (Path(rescued) / "layers" / "0001" / "tree" / "new").read_text() == "precious\n"
    assert not repo.vibe_dir.exists()
    assert mounts_below(tmp_path) == []


@pytest.mark.fuse
def test_it_refuses_from_inside_a_session(vibe: Vibe, repo: GitRepo) -> None:
    path = Path(vibe("spawn", "alpha"))
    assert "you are inside session 'alpha'" in vibe.fails("purge", "--force", cwd=path)
    assert repo.vibe_dir.exists()
