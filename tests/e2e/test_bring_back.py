"""status, diff, promote and commit bring back exactly what a session changed, and disturb nothing else."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from tests.support.gitrepo import GitRepo
from tests.support.runner import Vibe
from tests.support.soundness import assert_sound
from tests.support.trees import tree

pytestmark = pytest.mark.fuse


def change_everything(top: Path) -> None:
    """One change of every kind."""
    (top / "README").write_text("edited\n")
    (top / "new").write_text("new\n")
    (top / "new.bin").write_bytes(b"\0\1")
    (top / "empty").unlink()
    (top / "run.sh").chmod(0o644)
    (top / "link").unlink()
    (top / "link").symlink_to("new")
    (top / "src" / "deep").rename(top / "src" / "moved")
    (top / "src" / "main.py").write_text("")
    (top / "x.log").write_text("ignored\n")
    (top / "build").mkdir()
    (top / "build" / "out").write_text("ignored\n")
    (top / "void").mkdir()


def git_tree(top: Path) -> str:
    """What `git add -A && git write-tree` gives in a work tree."""
    environment = {**os.environ, "GIT_INDEX_FILE": str(top.parent / f"index-of-{top.name}")}
    subprocess.run("git read-tree HEAD && git add -A", shell=True, cwd=top, env=environment, check=True)
    done = subprocess.run(["git", "write-tree"], cwd=top, env=environment, capture_output=True, check=True)
    return done.stdout.decode().strip()


def test_e2e_006_dirty_files_tracked(vibe: Vibe, repo: GitRepo, alpha: Path) -> None:
    assert vibe.data("status", "alpha")["files"] == []
    change_everything(alpha)
    done = vibe.data("status", "alpha")
    assert {(file["status"], file["path"]) for file in done["files"]} == {
        ("M", "README"), ("A", "new"), ("A", "new.bin"), ("D", "empty"), ("M", "run.sh"), ("M", "link"),
        ("D", "src/deep/er/data.bin"), ("A", "src/moved/er/data.bin"), ("M", "src/main.py"),
    }  # fmt: skip
    assert {file["path"] for file in done["files"] if file["binary"]} >= {"new.bin", "src/moved/er/data.bin"}
    renamed = vibe.data("status", "alpha", "--find-renames")["files"]
    assert [(file["old_path"], file["path"]) for file in renamed if file["status"] == "R"] == [
        ("src/deep/er/data.bin", "src/moved/er/data.bin")
    ]
    assert vibe.data("status")["sessions"][0]["dirty"] == 9


def test_porcelain_is_gits(vibe: Vibe, repo: GitRepo, alpha: Path) -> None:
    change_everything(alpha)
    done = subprocess.run(["git", "status", "--porcelain"], cwd=alpha, capture_output=True, check=True)
    assert f"{vibe('status', 'alpha', '--porcelain')}\n" == done.stdout.decode()


def test_writing_the_same_content_is_not_dirty(vibe: Vibe, repo: GitRepo, alpha: Path) -> None:
    (alpha / "README").write_text("other\n")
    (alpha / "README").write_text("hello\n")
    (alpha / "empty").unlink()
    (alpha / "empty").touch()
    (alpha / "src").rename(alpha / "tmp")
    (alpha / "tmp").rename(alpha / "src")
    assert vibe.data("status", "alpha")["files"] == []
    assert vibe("status", "alpha", "--porcelain") == ""
    assert vibe.data("promote", "alpha")["commit"] is None
    vibe("close", "alpha")


def test_e2e_007_promote_creates_a_commit(vibe: Vibe, repo: GitRepo, alpha: Path) -> None:
    before, base = repo.own_state(), repo.git("rev-parse", "HEAD")
    change_everything(alpha)
    done = vibe.data("promote", "alpha")
    commit = repo.git("rev-parse", "refs/vibes/alpha")
    assert (done["commit"], repo.git("rev-parse", f"{commit}^")) == (commit, base)
    assert repo.git("rev-parse", f"{commit}^{{tree}}") == git_tree(alpha)
    body = repo.git("log", "-1", "--format=%B", commit).split("\n")
    assert body[:2] == ["VibeFS: Promote session 'alpha'", ""]
    assert {"Vibe-Session: alpha", f"Vibe-Base: {base}"} <= set(body)
    assert json.loads(repo.git("notes", "--ref=vibe", "show", commit))["session"] == "alpha"
    assert "promote" in repo.git("reflog", "show", "refs/vibes/alpha")
    assert repo.own_state() == before
    assert_sound(vibe, repo)


def test_promotes_chain(vibe: Vibe, repo: GitRepo, alpha: Path) -> None:
    (alpha / "one").write_text("1\n")
    first = vibe.data("promote", "alpha")["commit"]
    assert vibe.data("promote", "alpha")["commit"] is None
    assert "Nothing to promote" in vibe("promote", "alpha")
    assert vibe.data("status", "alpha")["files"] == []
    (alpha / "two").write_text("2\n")
    second = vibe.data("promote", "alpha", "-m", "My own words")["commit"]
    assert repo.git("rev-parse", f"{second}^") == first
    assert repo.git("log", "-1", "--format=%s", second) == "My own words"
    assert repo.git("diff", "--name-only", first, second) == "two"


def test_promote_after_git_inside(vibe: Vibe, repo: GitRepo, alpha: Path) -> None:
    script = "echo a >a; git add a; git commit -qm a; echo b >b; git add b; echo c >c; git rm -q --cached README"
    subprocess.run(["sh", "-c", script], cwd=alpha, check=True)
    expected = subprocess.run("git add -A && git write-tree", shell=True, cwd=alpha, capture_output=True, check=True)
    vibe("promote", "alpha")
    assert repo.git("rev-parse", "refs/vibes/alpha^{tree}") == expected.stdout.decode().strip()


def test_e2e_008_diff_shows_the_changes(vibe: Vibe, repo: GitRepo, alpha: Path, native: Path) -> None:
    change_everything(alpha)
    patch = vibe("diff", "alpha", "--binary") + "\n"
    done = subprocess.run(["git", "apply"], cwd=native, input=patch.encode(), capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    kept = {path: entry for path, entry in tree(alpha).items() if entry[0] != "directory"}
    ignored = {b"x.log", b"build/out"}
    assert {path: kept[path] for path in kept.keys() - ignored} == {
        path: entry for path, entry in tree(native).items() if entry[0] != "directory"
    }
    assert "9 files changed" in vibe("diff", "alpha", "--stat", "--no-renames")
    assert vibe("diff", "alpha", "--name-only", "--", "src/main.py") == "src/main.py"
    assert "\x1b[" in vibe("diff", "alpha", "--color=always")
    assert "\x1b[" not in patch


def test_diff_pages_when_told(vibe: Vibe, alpha: Path) -> None:
    (alpha / "new").write_text("new\n")
    pager = {"GIT_PAGER": "sed 's/^/paged: /'"}
    command = "script --quiet --return --command 'git vibe diff alpha' /dev/null </dev/null"
    done = subprocess.run(
        command, shell=True, cwd=vibe.cwd, env={**os.environ, **pager}, capture_output=True, check=True
    )
    assert b"paged: " in done.stdout
    assert "paged" not in vibe("diff", "alpha", env=pager)


def test_e2e_009_commit_updates_head_and_work_tree(vibe: Vibe, repo: GitRepo, alpha: Path) -> None:
    change_everything(alpha)
    expected = git_tree(alpha)
    vibe("commit", "alpha")
    assert repo.git("rev-parse", "HEAD") == repo.git("rev-parse", "refs/vibes/alpha")
    assert repo.git("symbolic-ref", "HEAD") == "refs/heads/main"
    assert repo.git("rev-parse", "HEAD^{tree}") == expected == git_tree(repo.path)
    assert repo.git("status", "--porcelain") == ""
    assert vibe.data("status")["sessions"] == []
    assert_sound(vibe, repo)


def test_commit_merges_when_the_branch_moved(vibe: Vibe, repo: GitRepo, alpha: Path) -> None:
    (alpha / "new").write_text("new\n")
    head = repo.commit({"other": "other\n"})
    vibe("commit", "alpha", "--keep")
    assert repo.git("log", "-1", "--format=%s %P") == (
        f"Merge vibe session 'alpha' {head} {repo.git('rev-parse', 'refs/vibes/alpha')}"
    )
    assert (repo.path / "new").exists() and (repo.path / "other").exists()
    assert [row["name"] for row in vibe.data("status")["sessions"]] == ["alpha"]
    (alpha / "more").write_text("more\n")
    vibe("commit", "alpha")
    assert repo.git("show", "HEAD:more") == "more"
    assert_sound(vibe, repo)


def test_a_conflict_is_left_to_git(vibe: Vibe, repo: GitRepo, alpha: Path) -> None:
    (alpha / "README").write_text("theirs\n")
    repo.commit({"README": "ours\n"})
    done = vibe.run("commit", "alpha", "--json")
    assert (done.code, done.error["code"]) == (1, "MERGE_CONFLICT")
    assert "git merge --continue" in done.error["suggestion"] and "git merge --abort" in done.error["suggestion"]
    assert repo.git("status", "--porcelain") == "UU README"
    assert vibe.run("commit", "alpha", "--json").error["code"] == "MERGE_CONFLICT"
    assert (alpha / "README").read_text() == "theirs\n"
    repo.write({"README": "both\n"})
    repo.git("add", "README")
    repo.git("commit", "--no-edit", "--quiet")
    vibe("commit", "alpha")
    assert vibe.data("status")["sessions"] == []
    assert repo.git("show", "HEAD:README") == "both"


def test_a_conflict_can_be_given_up(vibe: Vibe, repo: GitRepo, alpha: Path) -> None:
    (alpha / "README").write_text("theirs\n")
    repo.commit({"README": "ours\n"})
    before = repo.refs("refs/heads/"), tree(repo.path)
    assert "README" in vibe.fails("commit", "alpha")
    repo.git("merge", "--abort")
    assert (repo.refs("refs/heads/"), tree(repo.path)) == before
    assert repo.git("status", "--porcelain") == ""
    assert (alpha / "README").read_text() == "theirs\n"
    assert_sound(vibe, repo)


@pytest.mark.parametrize("edited", ["README", "new"])
def test_local_edits_are_not_overwritten(edited: str, vibe: Vibe, repo: GitRepo, alpha: Path) -> None:
    (alpha / "README").write_text("theirs\n")
    (alpha / "new").write_text("theirs\n")
    repo.write({edited: "mine\n"})
    before = repo.own_state()
    done = vibe.run("commit", "alpha", "--json")
    assert (done.code, done.error["code"]) == (1, "DIRTY_WORKTREE")
    assert edited in done.error["message"]
    assert repo.own_state() == before
    assert (repo.path / edited).read_text() == "mine\n"
    (repo.path / edited).unlink()
    repo.git("checkout", "--", ".")
    vibe("commit", "alpha")
    assert (repo.path / edited).read_text() == "theirs\n"


def test_edits_elsewhere_do_not_hinder(vibe: Vibe, repo: GitRepo, alpha: Path) -> None:
    (alpha / "new").write_text("theirs\n")
    repo.write({"README": "mine\n"})
    vibe("commit", "alpha")
    assert (repo.path / "README").read_text() == "mine\n"
    assert repo.git("status", "--porcelain") == " M README"
