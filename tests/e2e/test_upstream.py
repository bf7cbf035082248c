"""The user's own git goes on while sessions live: pull, switch, rebase, force, gc. No session notices, none suffers."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.support.gitrepo import GitRepo
from tests.support.runner import Vibe
from tests.support.soundness import assert_sound
from tests.support.trees import tree

pytestmark = pytest.mark.fuse


@pytest.fixture
def colleague(repo: GitRepo, tmp_path: Path) -> GitRepo:
    """A clone that pushes to the bare remote which `repo` pulls from."""
    repo.git("clone", "--quiet", "--bare", ".", str(tmp_path / "remote.git"))
    repo.git("remote", "add", "origin", str(tmp_path / "remote.git"))
    repo.git("fetch", "--quiet", "origin")
    repo.git("branch", "--quiet", "--set-upstream-to=origin/main")
    repo.git("clone", "--quiet", str(tmp_path / "remote.git"), str(tmp_path / "colleague"))
    return GitRepo(tmp_path / "colleague")


def rewrite(repo: GitRepo) -> None:
    """Change, add, delete, move and retype what sessions read."""
    repo.write({"README": "upstream\n", "added": "x\n", "empty": None, "link": None})
    repo.git("mv", "src", "source")
    repo.commit({"link": "a file now\n"}, message="upstream")


def gc(repo: GitRepo) -> None:
    """Throw away everything that nothing protects."""
    repo.git("reflog", "expire", "--expire=now", "--expire-unreachable=now", "--all")
    repo.git("gc", "--quiet", "--aggressive", "--prune=now")
    repo.git("prune", "--expire=now")
    repo.git("worktree", "prune", "--expire=now")


@pytest.mark.parametrize("how", [["--ff-only"], ["--rebase"], ["--no-rebase"]])
def test_e2e_110_pull_does_not_break_sessions(
    how: list[str], vibe: Vibe, repo: GitRepo, alpha: Path, colleague: GitRepo
) -> None:
    before, base = tree(alpha), repo.git("rev-parse", "HEAD")
    (alpha / "new").write_text("mine\n")
    rewrite(colleague)
    colleague.git("push", "--quiet")
    if how != ["--ff-only"]:
        repo.commit({"local": "x\n"})
    with open(alpha / "README", "rb") as reader, subprocess.Popen(["cat"], cwd=alpha / "src", stdin=-1) as agent:
        repo.git("pull", "--quiet", *how)
        gc(repo)
        assert reader.read() == b"hello\n"
        agent.communicate()
    assert (repo.path / "source" / "main.py").exists()
    assert tree(alpha) == before | {b"new": ("file", 0o644, b"mine\n")}
    assert vibe("sh", "alpha", "-c", "git status --porcelain; git rev-parse HEAD") == f"?? new\n{base}"
    vibe("commit", "alpha")
    assert (repo.git("show", "HEAD:new"), repo.git("show", "HEAD:README")) == ("mine", "upstream")
    assert_sound(vibe, repo)


def test_a_session_survives_gc(vibe: Vibe, repo: GitRepo, alpha: Path) -> None:
    script = """
        echo one >one; git add one; git commit -qm inside; echo stashed >>README; git stash -q
        echo staged >staged; git add staged; git switch -q -c side; echo side >side; git add side; git commit -qm side
        git switch -q --detach HEAD~1; echo dirty >dirty
    """
    subprocess.run(["sh", "-ec", script], cwd=alpha, check=True)
    head = (
        subprocess.run(["git", "rev-parse", "HEAD"], cwd=alpha, capture_output=True, check=True).stdout.decode().strip()
    )
    (alpha / "later").write_text("x\n")
    promoted = vibe.data("promote", "alpha")["commit"]
    before = tree(alpha)
    repo.git("checkout", "--quiet", "--orphan", "elsewhere")
    repo.commit(message="unrelated")
    repo.git("branch", "--quiet", "-D", "main")
    gc(repo)
    assert tree(alpha) == before
    assert (
        vibe("sh", "alpha", "-c", "git rev-parse HEAD; git show HEAD:one; git stash list | wc -l; git status -s") != ""
    )
    assert repo.git("cat-file", "-t", head) == repo.git("cat-file", "-t", promoted) == "commit"
    repo.git("fsck", "--no-dangling")
    vibe("daemon", "stop", "--all")
    gc(repo)
    assert vibe("spawn", "alpha") == str(alpha)
    assert tree(alpha) == before
    assert_sound(vibe, repo)


def test_the_base_survives_a_forced_update(vibe: Vibe, repo: GitRepo, colleague: GitRepo) -> None:
    doomed = repo.commit({"README": "doomed\n", "only-here": "x\n"})
    alpha = Path(vibe("spawn", "alpha"))
    repo.git("reset", "--quiet", "--hard", "origin/main")
    gc(repo)
    assert repo.git("cat-file", "-t", doomed) == "commit"
    assert (alpha / "README").read_text() == "doomed\n"
    assert (alpha / "only-here").read_text() == "x\n"
    vibe("close", "alpha")
    gc(repo)
    done = subprocess.run(["git", "cat-file", "-e", doomed], cwd=repo.path, capture_output=True, check=False)
    assert done.returncode != 0


def test_promotes_survive_gc_after_close(vibe: Vibe, repo: GitRepo, alpha: Path) -> None:
    (alpha / "one").write_text("1\n")
    vibe("promote", "alpha")
    (alpha / "two").write_text("2\n")
    vibe("promote", "alpha")
    (alpha / "three").write_text("3\n")
    archive = vibe.data("close", "alpha", "--force")["archived"]
    gc(repo)
    assert repo.git("show", "refs/vibes/alpha:one") == "1"
    assert repo.git("show", "refs/vibes/alpha:two") == "2"
    assert repo.git("show", f"{archive}:three") == "3"
    assert repo.git("notes", "--ref=vibe", "show", "refs/vibes/alpha") != ""


def test_repacking_under_a_reader(vibe: Vibe, repo: GitRepo, alpha: Path) -> None:
    """Objects move from loose files into packs and again into other packs while the worker has the old ones open."""
    names = sorted(name for name in os.listdir(alpha) if (alpha / name).is_file())
    for number in range(3):
        assert (alpha / names[number % len(names)]).read_bytes() is not None
        repo.commit({f"more-{number}": f"{number}\n"})
        gc(repo)
    for oid, path in (row.split()[2:] for row in repo.git("ls-tree", "-r", "refs/vibe/base/alpha").splitlines()):
        content = os.readlink(alpha / path).encode() if path == "link" else (alpha / path).read_bytes()
        assert repo.git_bytes("cat-file", "blob", oid) == content


def test_the_user_switches_branches(vibe: Vibe, repo: GitRepo, alpha: Path) -> None:
    repo.git("switch", "--quiet", "--create", "other")
    rewrite(repo)
    beta = Path(vibe("spawn", "beta"))
    repo.git("switch", "--quiet", "main")
    assert (alpha / "README").read_text() == "hello\n"
    assert (beta / "README").read_text() == "upstream\n"
    (alpha / "new").write_text("x\n")
    repo.git("switch", "--quiet", "--detach", "other")
    done = vibe.run("commit", "alpha")
    assert (done.code, "detached" in done.err) == (0, True)
    assert repo.git("show", "HEAD:new") == "x"
    assert_sound(vibe, repo)
