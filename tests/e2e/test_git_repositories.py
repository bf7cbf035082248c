"""Repositories of many kinds: a session in each shows and does what a native work tree of the same commit does."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.test_git_inside import run_script
from tests.support.compared import Compared, files_of
from tests.support.gitrepo import GitRepo
from tests.support.runner import Vibe
from tests.support.trees import tree

pytestmark = pytest.mark.fuse

EVERYTHING = """
    git status; echo more >>README; chmod +x README; chmod -x run.sh; ln -sfn empty link; rm -r src; echo n >new
    git status
    git diff; git add -A; git ls-files -s; git status -s; git commit -qm all; git log --format=%H -1
    tip=$(git rev-parse @)
    git checkout -q HEAD~1; git status -s; git reset -q --soft $tip; git restore --staged .; git restore .
    git clean -fd
    git status -s --ignored; git update-index --refresh; git fsck --no-dangling
"""
CONFIGURED = {
    "file modes not trusted": ["core.fileMode=false"],
    "case ignored": ["core.ignoreCase=true"],
    "links as files": ["core.symlinks=false"],
    "composed unicode": ["core.precomposeUnicode=true"],
    "split index": ["core.splitIndex=true", "splitIndex.maxPercentChange=0"],
    "index version 4": ["index.version=4"],
    "index without hash": ["index.skipHash=true"],
    "many files": ["feature.manyFiles=true"],
    "no untracked cache": ["core.untrackedCache=false"],
    "untracked cache": ["core.untrackedCache=true"],
    "a file system monitor that tells nothing": [r"core.fsmonitor=printf 'token\0/\0' #"],
    "no preloading": ["core.preloadIndex=false"],
    "stat data not trusted": ["core.trustctime=false", "core.checkStat=minimal"],
    "all untracked files": ["status.showUntrackedFiles=all", "status.submoduleSummary=true"],
    "streamed blobs": ["core.bigFileThreshold=16"],
    "worktree configuration": ["extensions.worktreeConfig=true"],
    "no reflogs": ["core.logAllRefUpdates=false"],
    "relative times": ["core.quotePath=false", "log.date=relative", "diff.renames=copies", "diff.mnemonicPrefix=true"],
}
SOMETIMES = [
    "case ignored", "composed unicode", "index without hash", "many files", "no untracked cache", "no preloading",
    "stat data not trusted", "all untracked files", "streamed blobs", "no reflogs", "relative times",
]  # fmt: skip


def check_pair(both: Compared) -> None:
    """Assert that a session and its native work tree are alike: fresh, touched, and after everyday commands."""
    assert tree(both.session.path) == tree(both.native.path)
    both.check()
    expected = run_script(EVERYTHING, both.native.path)
    assert run_script(EVERYTHING, both.session.path) == expected
    assert tree(both.session.path) == tree(both.native.path)


@pytest.mark.parametrize(
    "kind", [pytest.param(kind, marks=[pytest.mark.slow] if kind in SOMETIMES else []) for kind in CONFIGURED]
)
def test_configured(kind: str, repo: GitRepo, vibe: Vibe) -> None:
    for setting in CONFIGURED[kind]:
        repo.git("config", *setting.split("="))
    check_pair(Compared(repo, vibe, repo.path.with_name("native")))


def shallow(repo: GitRepo, target: Path) -> GitRepo:
    """A clone with one commit."""
    repo.commit({"second": "2\n"})
    repo.git("clone", "--quiet", "--depth=1", f"file://{repo.path}", str(target))
    return GitRepo(target)


def sharing(repo: GitRepo, target: Path) -> GitRepo:
    """A clone that has its objects elsewhere."""
    repo.git("clone", "--quiet", "--shared", ".", str(target))
    return GitRepo(target)


def packed(repo: GitRepo, target: Path) -> GitRepo:
    """A repository with packed objects and refs, a commit graph and an index over several packs."""
    repo.git("repack", "-q", "-a", "-d")
    repo.commit({"second": "2\n"})
    repo.git("repack", "-q", "-d")
    repo.git("pack-refs", "--all")
    repo.git("commit-graph", "write", "--reachable")
    repo.git("multi-pack-index", "write", "--bitmap")
    return repo


def apart(repo: GitRepo, target: Path) -> GitRepo:
    """A clone whose git directory lies elsewhere."""
    separate = target.with_name("separate.git")
    repo.git("clone", "--quiet", f"--separate-git-dir={separate}", ".", str(target))
    return GitRepo(target)


def elsewhere(repo: GitRepo, target: Path) -> GitRepo:
    """A clone whose core.worktree leads to another place, which has a `.git` file."""
    repo.git("clone", "--quiet", "--bare", ".", str(target.with_name("store")))
    store = GitRepo(target.with_name("store"))
    store.git("config", "core.bare", "false")
    store.git("config", "core.worktree", str(target))
    target.mkdir()
    (target / ".git").write_text(f"gitdir: {store.path}\n")
    GitRepo(target).git("reset", "--quiet", "--hard")
    return GitRepo(target)


def linked(repo: GitRepo, target: Path) -> GitRepo:
    """A linked work tree."""
    repo.git("worktree", "add", "--quiet", "-b", "linked", str(target))
    return GitRepo(target)


def linked_to_bare(repo: GitRepo, target: Path) -> GitRepo:
    """A linked work tree of a bare repository."""
    repo.commit({".gitattributes": "*.txt eol=crlf\n", "a.txt": "1\n"})
    repo.git("clone", "--quiet", "--bare", ".", str(target.with_name("store.git")))
    return linked(GitRepo(target.with_name("store.git")), target)


KINDS: dict[str, Callable[[GitRepo, Path], GitRepo]] = {
    each.__name__: each for each in (shallow, sharing, packed, apart, elsewhere, linked, linked_to_bare)
}


@pytest.mark.parametrize("kind", KINDS)
def test_kinds(kind: str, repo: GitRepo, tmp_path: Path) -> None:
    made = KINDS[kind](repo, tmp_path / "made")
    vibe = Vibe(made.path)
    before = tree(made.path)
    both = Compared(made, vibe, tmp_path / "native")
    check_pair(both)
    assert tree(made.path) == before
    vibe("close", "alpha", "--force")
    vibe("purge", "--force")


# Sparse work trees


@pytest.mark.parametrize("how", [["--cone"], ["--no-cone"], ["--cone", "--sparse-index"]])
def test_a_session_of_a_sparse_work_tree_is_whole(how: list[str], repo: GitRepo, vibe: Vibe) -> None:
    repo.commit({"other/file": "1\n"})
    whole = tree(repo.path)
    repo.git("sparse-checkout", "set", *how, "src/deep")
    before = repo.own_state()
    alpha = GitRepo(Path(vibe("spawn", "alpha")))
    assert tree(alpha.path) == whole
    assert alpha.git("status", "--porcelain") == ""
    alpha.commit({"other/file": "changed\n", "src/new": "n\n", "empty": None})
    assert alpha.git("ls-files", "-t").count("S ") == 0
    vibe("promote", "alpha")
    assert repo.own_state() == before
    vibe("commit", "alpha")
    assert repo.git("show", "HEAD:other/file") == "changed"
    assert not (repo.path / "other").exists()


# Partial clones


@pytest.fixture
def partial(repo: GitRepo, tmp_path: Path) -> GitRepo:
    """A clone without the blobs of earlier commits."""
    repo.git("config", "uploadpack.allowFilter", "true")
    repo.git("config", "uploadpack.allowAnySHA1InWant", "true")
    repo.commit({f"old/{number}": f"old {number}\n" for number in range(50)} | {"README": "second\n"})
    repo.commit({f"old/{number}": None for number in range(50)} | {"README": "third\n"})
    target = tmp_path / "partial"
    repo.git("clone", "--quiet", "--filter=blob:none", f"file://{repo.path}", str(target))
    return GitRepo(target)


def missing(repo: GitRepo) -> int:
    """How many objects a partial clone lacks."""
    return repo.git("rev-list", "--all", "--objects", "--missing=print").count("?")


def test_a_partial_clone_gets_what_a_session_shows_in_one_go(partial: GitRepo, tmp_path: Path) -> None:
    assert missing(partial) > 50
    trace = tmp_path / "trace"
    vibe = Vibe(partial.path)
    alpha = GitRepo(Path(vibe("spawn", "alpha", "--from", "HEAD~1", env={"GIT_TRACE": str(trace)})))
    assert trace.read_text().count("run_command: git") < 20
    shown = files_of(alpha.path)
    assert {name: content for name, (_, content) in shown.items() if name.startswith("old/")} == {
        f"old/{number}": f"old {number}\n".encode() for number in range(50)
    }
    assert alpha.git("status", "--porcelain") == ""
    alpha.commit({"new": "n\n"})
    assert vibe.data("promote", "alpha")["commit"]


def test_a_partial_clone_whose_remote_is_gone_says_so(partial: GitRepo, repo: GitRepo) -> None:
    vibe = Vibe(partial.path)
    vibe("spawn", "alpha")
    shutil.move(repo.path, repo.path.with_name("gone"))
    said = vibe.fails("spawn", "beta", "--from", "HEAD~1")
    assert "partial clone" in said
    assert "origin" in said
    assert [each["name"] for each in vibe.data("status")["sessions"]] == ["alpha"]


# Replaced objects


def test_replaced_blobs_are_shown_replaced(repo: GitRepo, vibe: Vibe) -> None:
    other = repo.git("hash-object", "-w", "--stdin", stdin=b"something else\n")
    repo.git("replace", repo.git("rev-parse", "HEAD:README"), other)
    both = Compared(repo, vibe, repo.path.with_name("native"))
    assert tree(both.session.path) == tree(both.native.path)
    assert (both.session.path / "README").read_text() == "something else\n"
    assert both.session.git("status", "--porcelain") == ""
    for worktree in (both.session, both.native):
        os.utime(worktree.path / "README")
    both.check_edits({"empty": "x\n"})


@pytest.mark.parametrize("what", ["HEAD:src", "HEAD"])
def test_replaced_trees_and_commits_are_shown_replaced(what: str, repo: GitRepo, vibe: Vibe) -> None:
    first = repo.git("rev-parse", what)
    repo.commit({"src/main.py": "other\n", "src/new": "n\n"})
    other = repo.git("rev-parse", what)
    repo.git("reset", "--quiet", "--hard", "HEAD~1")
    repo.git("replace", first, other)
    both = Compared(repo, vibe, repo.path.with_name("native"))
    assert tree(both.session.path) == tree(both.native.path)
    assert (both.session.path / "src" / "new").exists()
    both.check_edits({"src/main.py": "edited\n"})


def test_a_replacement_made_later_is_seen_by_later_sessions(repo: GitRepo, vibe: Vibe) -> None:
    alpha = Path(vibe("spawn", "alpha"))
    other = repo.git("hash-object", "-w", "--stdin", stdin=b"something else\n")
    repo.git("replace", repo.git("rev-parse", "HEAD:README"), other)
    beta = Path(vibe("spawn", "beta"))
    assert (beta / "README").read_text() == "something else\n"
    assert (alpha / "README").read_text() == "hello\n"


# Environment, and what is refused


def test_the_repository_may_come_from_the_environment(repo: GitRepo, vibe: Vibe, tmp_path: Path) -> None:
    environment = {"GIT_DIR": str(repo.path / ".git"), "GIT_WORK_TREE": str(repo.path)}
    alpha = Path(vibe("spawn", "alpha", cwd=repo.path / "src", env=environment))
    assert alpha == repo.path.with_name("repo.vibe") / "alpha"
    assert run_script("git status", alpha) == "Not currently on any branch.\nnothing to commit, working tree clean\n"
    assert "work tree" in vibe.fails("status", code=128, cwd=tmp_path, env=environment)


def test_a_sha256_repository_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "modern"
    path.mkdir()
    other = GitRepo(path)
    other.git("init", "--quiet", "--object-format=sha256")
    other.commit({"a": "1\n"})
    before = tree(path / ".git")
    for command in (["init"], ["spawn", "alpha"], ["status"]):
        said = Vibe(path).fails(*command, code=128)
        assert "sha256" in said
        assert "not supported" in said
    assert tree(path / ".git") == before


def test_an_unknown_repository_format_is_refused_in_git_s_words(repo: GitRepo, vibe: Vibe) -> None:
    repo.git("config", "core.repositoryFormatVersion", "1")
    repo.git("config", "extensions.futureThing", "true")
    said = vibe.fails("status", code=128)
    assert said.count("unknown repository extension found: futurething") == 1


def test_grafts_do_not_disturb(repo: GitRepo, vibe: Vibe) -> None:
    second = repo.commit({"second": "2\n"})
    (repo.path / ".git" / "info").mkdir(exist_ok=True)
    (repo.path / ".git" / "info" / "grafts").write_text(f"{second}\n")
    alpha = Path(vibe("spawn", "alpha"))
    log = "git log --format=%s 2>/dev/null"
    assert run_script(log, alpha) == run_script(f"cd {os.fspath(repo.path)}; {log}", alpha)
