"""Submodules in a session: committed content where it is here, an empty directory and a warning where it is not."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path

import pytest

from git_vibe.git.repository import discover
from git_vibe.session.remembered import fingerprint
from git_vibe.session.workspace import Workspace
from git_vibe.types import SessionName
from tests.e2e.test_git_inside import run_script
from tests.support.compared import files_of
from tests.support.gitrepo import GitRepo
from tests.support.runner import Vibe
from tests.support.trees import tree

pytestmark = pytest.mark.fuse


@pytest.fixture
def outer(repo: GitRepo, tmp_path: Path) -> GitRepo:
    """The repository with a submodule at `libs/inner`, which has one at `deep`."""
    deepest = GitRepo.create(tmp_path / "deepest")
    deepest.commit({"bottom": "rock\n"})
    inner = GitRepo.create(tmp_path / "inner")
    inner.write({"lib.c": "int x;\n", "sub/dir/file": "f\n", "sub/link": "-> ../lib.c", "tool": "#!/bin/sh\n"})
    (inner.path / "tool").chmod(0o755)
    inner.git("submodule", "--quiet", "add", str(deepest.path), "deep")
    inner.commit({}, message="inner")
    repo.git("submodule", "--quiet", "add", "--name", "the/modules/name", str(inner.path), "libs/inner")
    repo.git("submodule", "--quiet", "update", "--init", "--recursive")
    repo.commit({}, message="with a submodule")
    return repo


@pytest.fixture
def initialised(outer: GitRepo, tmp_path: Path) -> Path:
    """A native work tree whose submodules are checked out."""
    path = tmp_path / "native"
    outer.git("worktree", "add", "--quiet", "--detach", str(path))
    GitRepo(path).git("submodule", "--quiet", "update", "--init", "--recursive")
    return path


SCRIPTS = {
    "fresh": """
        git status; git submodule status --recursive; git submodule foreach --recursive -q 'git status
        git log --oneline'
        git diff; git ls-files -s; git submodule summary; git -C libs/inner ls-files -s; git fsck --no-dangling
        git grep --recurse-submodules -n int; git ls-files --recurse-submodules
        git -C libs/inner rev-parse --show-toplevel
        git -C libs/inner rev-parse --show-superproject-working-tree; git submodule update --init --recursive
        git status -s
    """,
    "edited": """
        echo 'int y;' >>libs/inner/lib.c; echo n >libs/inner/new; git status; git diff; git submodule status
        git add libs/inner/lib.c; git -C libs/inner add -A; git status --porcelain=v2; git diff --submodule=diff
        git -C libs/inner stash; git status -s; git -C libs/inner stash pop -q; git -C libs/inner reset -q --hard
        git status
        git -C libs/inner clean -fdq; rm -r libs/inner/sub; git status -s; git -C libs/inner checkout -q -- .
        git status -s
    """,
    "committed": """
        echo 'int y;' >>libs/inner/lib.c; git -C libs/inner commit -qam 'in the submodule'; git status; git diff
        git submodule status; git add libs/inner; git commit -qm 'in both'; git status -s; git log -p -1 --submodule=log
        git checkout -q HEAD~1; git status -s; git submodule update -q; git status -s; cat libs/inner/lib.c
        git checkout -q -; git submodule update -q; cat libs/inner/lib.c; git status -s; git -C libs/inner log --oneline
    """,
    "moved and removed": """
        git mv libs/inner libs/other; git status; git -C libs/other status -s; cat libs/other/sub/dir/file
        git reset -q --hard
        git status -s; ls -A libs
    """,
    "files moved out": """
        mv libs/inner/sub/dir out; ls -AR out; git status -s; mv libs/inner/tool tool; git add -A; git status -s
        git ls-files -s
        git -C libs/inner status -s
    """,
}


@pytest.mark.parametrize(
    "what",
    ["fresh", "committed", *(pytest.param(what, marks=pytest.mark.slow) for what in list(SCRIPTS)[3:]), "edited"],
)
def test_as_in_a_native_work_tree(what: str, outer: GitRepo, initialised: Path, vibe: Vibe) -> None:
    alpha = Path(vibe("spawn", "alpha"))
    assert plain(alpha) == plain(initialised)
    expected = run_script(SCRIPTS[what], initialised)
    assert run_script(SCRIPTS[what], alpha) == expected
    assert plain(alpha) == plain(initialised)
    promoted = vibe.data("promote", "alpha")["commit"] or "HEAD"
    GitRepo(initialised).git("add", "--all")
    assert outer.git("rev-parse", f"{promoted}^{{tree}}") == GitRepo(initialised).git("write-tree")


def plain(top: Path) -> dict[bytes, tuple[str, int, bytes]]:
    """Everything below a directory but what `.git` files of submodules lead to."""
    return {path: what for path, what in tree(top).items() if not path.endswith(b"/.git")}


def test_a_fresh_session_is_clean_and_the_user_s_own_is_not_disturbed(outer: GitRepo, vibe: Vibe) -> None:
    before, store = outer.own_state(), outer.path / ".git" / "modules" / "the" / "modules" / "name"
    kept = {name: (store / name).read_bytes() for name in ("HEAD", "index", "config")}
    done = vibe.run("spawn", "alpha")
    assert "submodule" not in done.err
    assert vibe("diff", "alpha") == ""
    assert vibe.data("promote", "alpha")["commit"] is None
    vibe("close", "alpha")
    assert outer.refs("refs/vibe/") == {}
    assert not (store / "worktrees").exists()
    assert outer.own_state() == before
    assert {name: (store / name).read_bytes() for name in kept} == kept


def test_content_survives_a_new_worker_and_a_lost_cache(outer: GitRepo, vibe: Vibe) -> None:
    alpha = Path(vibe("spawn", "alpha"))
    (alpha / "libs" / "inner" / "sub").rename(alpha / "libs" / "inner" / "bus")
    (alpha / "libs" / "inner" / "lib.c").write_text("edited\n")
    (alpha / "libs").rename(alpha / "lib")
    shown = plain(alpha)
    vibe("daemon", "stop", "--all")
    shutil.rmtree(outer.vibe_dir / "cache")
    vibe("spawn", "alpha")
    assert plain(alpha) == shown
    assert (alpha / "lib" / "inner" / "bus" / "dir" / "file").read_text() == "f\n"
    assert (alpha / "lib" / "inner" / "deep" / "bottom").read_text() == "rock\n"


def test_directories_do_not_cross_the_border_in_one_go(outer: GitRepo, vibe: Vibe) -> None:
    alpha = Path(vibe("spawn", "alpha"))
    with pytest.raises(OSError, match=os.strerror(errno.EXDEV)):
        (alpha / "libs" / "inner" / "sub").rename(alpha / "sub")
    with pytest.raises(OSError, match=os.strerror(errno.EXDEV)):
        (alpha / "src").rename(alpha / "libs" / "inner" / "src")
    (alpha / "libs" / "inner" / "tool").rename(alpha / "tool")
    assert (alpha / "tool").read_text() == "#!/bin/sh\n"


def test_commits_in_a_submodule_outlive_the_session(outer: GitRepo, vibe: Vibe) -> None:
    alpha = Path(vibe("spawn", "alpha"))
    commit = GitRepo(alpha / "libs" / "inner").commit({"new": "n\n"}, message="precious")
    assert "libs/inner" in vibe.fails("close", "alpha")
    vibe("promote", "alpha")
    vibe("close", "alpha")
    store = GitRepo(outer.path / ".git" / "modules" / "the" / "modules" / "name")
    store.git("gc", "--quiet", "--prune=now")
    assert list(store.refs("refs/vibe/archive/alpha/").values()) == [commit]
    outer.git("merge", "--quiet", "refs/vibes/alpha")
    outer.git("submodule", "--quiet", "update")
    assert (outer.path / "libs" / "inner" / "new").read_text() == "n\n"


def test_commits_that_were_left_again_outlive_it_too(outer: GitRepo, vibe: Vibe) -> None:
    inner = GitRepo(Path(vibe("spawn", "alpha")) / "libs" / "inner")
    lost = inner.commit({"new": "n\n"}, message="precious")
    inner.git("reset", "--quiet", "--hard", "HEAD~1")
    vibe("close", "alpha")
    store = GitRepo(outer.path / ".git" / "modules" / "the" / "modules" / "name")
    assert list(store.refs("refs/vibe/archive/alpha/").values()) == [lost]


def test_a_commit_in_a_submodule_is_noticed_when_dirty_files_are_counted(
    outer: GitRepo, vibe: Vibe, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(outer.path)
    inner = GitRepo(Path(vibe("spawn", "alpha")) / "libs" / "inner")
    workspace = Workspace(discover(outer.path))
    record = workspace.record(SessionName("alpha"))
    before = fingerprint(workspace, record).digest
    assert fingerprint(workspace, record).digest == before
    inner.git("commit", "--quiet", "--allow-empty", "--message", "new")
    assert fingerprint(workspace, record).digest != before


def test_edits_in_a_submodule_are_archived(outer: GitRepo, vibe: Vibe) -> None:
    alpha = Path(vibe("spawn", "alpha"))
    inner = alpha / "libs" / "inner"
    (inner / "lib.c").write_text("edited\n")
    (inner / "sub").rename(inner / "bus")
    assert vibe.data("promote", "alpha")["commit"] is None
    vibe("close", "alpha", "--force")
    (ref,) = outer.refs("refs/vibe/archive/alpha/")
    assert outer.git("show", f"{ref}:libs/inner/lib.c") == "edited"


# What is not here


@pytest.fixture
def without(outer: GitRepo, tmp_path: Path) -> GitRepo:
    """A clone without the submodule."""
    outer.git("clone", "--quiet", ".", str(tmp_path / "without"))
    return GitRepo(tmp_path / "without")


def test_a_submodule_that_is_not_here_is_an_empty_directory_and_a_warning(without: GitRepo, tmp_path: Path) -> None:
    vibe = Vibe(without.path)
    without.git("worktree", "add", "--quiet", "--detach", str(tmp_path / "native"))
    done = vibe.run("spawn", "alpha")
    assert done.code == 0
    assert [line for line in done.err.splitlines() if "submodule 'libs/inner' is not here" in line]
    alpha = Path(done.out.strip())
    assert tree(alpha) == tree(tmp_path / "native")
    script = (
        "git status; git submodule status; echo x >libs/inner/x; git status -s; git add libs/inner/x; rm libs/inner/x"
    )
    assert run_script(script, alpha) == run_script(script, tmp_path / "native")
    assert "submodule 'libs/inner'" in vibe.run("init").err


def test_a_submodule_that_arrives_is_in_new_sessions(without: GitRepo) -> None:
    vibe = Vibe(without.path)
    alpha = Path(vibe("spawn", "alpha"))
    without.git("submodule", "--quiet", "update", "--init", "--recursive")
    beta = Path(vibe("spawn", "beta"))
    assert (beta / "libs" / "inner" / "deep" / "bottom").read_text() == "rock\n"
    assert os.listdir(alpha / "libs" / "inner") == []
    assert GitRepo(beta).git("status", "--porcelain") == ""


def test_the_agent_can_fetch_it_itself(without: GitRepo) -> None:
    vibe = Vibe(without.path)
    alpha = GitRepo(Path(vibe("spawn", "alpha")))
    alpha.git("submodule", "--quiet", "update", "--init", "--recursive")
    assert (alpha.path / "libs" / "inner" / "lib.c").read_text() == "int x;\n"
    assert alpha.git("status", "--porcelain") == ""
    assert vibe.data("promote", "alpha")["commit"] is None


def test_settings(without: GitRepo, outer: GitRepo, vibe: Vibe) -> None:
    without.git("config", "vibe.submodules", "error")
    said = Vibe(without.path).run("spawn", "alpha", "--json")
    assert (said.code, said.error["code"]) == (1, "SUBMODULE_UNAVAILABLE")
    outer.git("config", "vibe.submodules", "empty")
    assert os.listdir(Path(vibe("spawn", "alpha")) / "libs" / "inner") == []
    outer.git("config", "vibe.submodules", "nonsense")
    assert "nonsense" in vibe.fails("spawn", "beta", code=2)


def test_a_store_that_vanishes_is_an_error_of_its_files_alone(outer: GitRepo, vibe: Vibe) -> None:
    alpha = Path(vibe("spawn", "alpha"))
    vibe("daemon", "stop", "--all")
    (outer.path / ".git" / "modules").rename(outer.path / ".git" / "gone")
    vibe("spawn", "alpha")
    with pytest.raises(OSError, match=os.strerror(errno.EIO)):
        (alpha / "libs" / "inner" / "lib.c").read_bytes()
    assert (alpha / "README").read_text() == "hello\n"
    (outer.path / ".git" / "gone").rename(outer.path / ".git" / "modules")


def test_a_name_that_leads_out_of_the_store_is_not_followed(outer: GitRepo, vibe: Vibe) -> None:
    modules = (outer.path / ".gitmodules").read_text()
    outer.commit({".gitmodules": modules.replace("the/modules/name", "../modules/the/modules/name")})
    done = vibe.run("spawn", "alpha")
    assert "libs/inner" in done.err
    assert files_of(Path(done.out.strip()) / "libs") == {}


def test_purge_leaves_nothing_in_submodules(outer: GitRepo, vibe: Vibe) -> None:
    store = outer.path / ".git" / "modules" / "the" / "modules" / "name"
    before = tree(store)
    vibe("spawn", "alpha")
    assert tree(store) != before
    vibe("purge", "--force")
    assert tree(store) == before
