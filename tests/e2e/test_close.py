"""`git vibe close` and `purge` leave nothing behind, and nothing a session held is lost."""

from __future__ import annotations

import contextlib
import os
import subprocess
from pathlib import Path

import pytest

from tests.support.gitrepo import GitRepo
from tests.support.mounts import mounts_below, processes_below
from tests.support.runner import Vibe
from tests.support.soundness import assert_sound

pytestmark = pytest.mark.fuse


def workers(repo: GitRepo, vibe: Vibe) -> list[int]:
    """Processes of the repository but the daemon."""
    daemon = vibe.data("daemon", "status")["pid"]
    return [pid for pid in processes_below(repo.path.parent) if pid != daemon]


def sh(script: str, directory: Path) -> str:
    """What a shell prints in a directory."""
    return subprocess.run(["sh", "-ec", script], cwd=directory, capture_output=True, check=True).stdout.decode()


def test_e2e_010_close_cleans_up(vibe: Vibe, repo: GitRepo, alpha: Path) -> None:
    before = repo.own_state()
    beta = Path(vibe("spawn", "beta"))
    (alpha / "new").write_text("x\n")
    (beta / "other").write_text("y\n")
    vibe("promote", "alpha")
    vibe("close", "alpha")
    assert not alpha.exists()
    assert not (repo.vibe_dir / "sessions" / "alpha").exists()
    assert [*repo.refs("refs/vibe"), *repo.refs("refs/vibes")] == ["refs/vibe/base/beta", "refs/vibes/alpha"]
    assert str(alpha) not in repo.git("worktree", "list")
    assert (mounts_below(repo.path.parent), len(workers(repo, vibe))) == ([str(beta)], 1)
    assert (beta / "other").read_text() == "y\n"
    assert repo.own_state() == before
    vibe("close", "beta", "--force")
    assert not beta.parent.exists()
    assert_sound(vibe, repo)


@pytest.mark.parametrize(
    ("script", "shown"),
    [
        ("echo x >new", "A new"),
        ("rm -r src", "D src/main.py"),
        ("chmod +x README", "M README"),
        ("ln -sfn empty link", "M link"),
        ("echo x >x; git add x; git commit -qm 'made inside'", "made inside"),
    ],
)
def test_unpromoted_work_is_listed_and_kept(script: str, shown: str, vibe: Vibe, repo: GitRepo, alpha: Path) -> None:
    sh(script, alpha)
    done = vibe.run("close", "alpha", "--json")
    assert (done.code, done.error["code"]) == (1, "SAFETY_CHECK_FAILED")
    assert shown in done.error["message"]
    assert (alpha / ".git").exists()
    assert repo.refs("refs/vibe/archive/") == {}
    assert_sound(vibe, repo)


def test_commits_that_end_where_they_began_are_archived(vibe: Vibe, repo: GitRepo, alpha: Path) -> None:
    sh("echo x >x; git add x; git commit -qm 'made inside'; git rm -q x; git commit -qm undone", alpha)
    archive = vibe.data("close", "alpha")["archived"]
    assert "made inside" in repo.git("log", "--format=%s", archive)


def test_discard_asks_and_archives(vibe: Vibe, repo: GitRepo, alpha: Path) -> None:
    (alpha / "new").write_text("precious\n")
    assert "confirmation" in vibe.fails("close", "alpha", "--discard")
    assert (alpha / "new").exists()
    archive = vibe.data("close", "alpha", "--discard", "--force")["archived"]
    assert repo.git("show", f"{archive}:new") == "precious"
    assert repo.refs("refs/vibes/") == {}
    assert not alpha.exists()


def test_forced_close_archives_everything(vibe: Vibe, repo: GitRepo, alpha: Path) -> None:
    context = repo.vibe_dir / "context"
    (context / ".env").write_text("A=1\n")
    script = """
        echo committed >committed; git add committed; git commit -qm inside; echo lost >lost; git add lost
        git commit -qm 'reset away'; git reset -q --hard HEAD~1; echo staged >staged; git add staged; echo work >staged
        echo ignored >x.log; echo A=2 >.env; printf 'a\\0b' >'odd
name'; rm README; chmod 600 empty
    """
    sh(script, alpha)
    archive = vibe.data("close", "alpha", "--force")["archived"]
    for path, content in {"committed": "committed", "staged": "work", "x.log": "ignored", ".env": "A=2"}.items():
        assert repo.git("show", f"{archive}:{path}") == content
    assert repo.git_bytes("show", f"{archive}:odd\nname") == b"a\0b"
    assert "README" not in repo.git("ls-tree", "--name-only", archive).split()
    repo.git("reflog", "expire", "--expire=now", "--all")
    repo.git("gc", "--quiet", "--prune=now")
    history = repo.git("log", "--format=%s", archive).split("\n")
    assert {"inside", "reset away"} <= set(history)
    assert any(repo.git("show", f"{commit}:staged") == "staged" for commit in staged_commits(repo, archive))
    assert_sound(vibe, repo)


def staged_commits(repo: GitRepo, archive: str) -> list[str]:
    """Commits of an archive that hold an index."""
    return repo.git("log", "--format=%H", "--grep=^Index of vibe session", archive).split()


def test_closing_many_goes_on_after_a_refusal(vibe: Vibe, repo: GitRepo, alpha: Path) -> None:
    vibe("spawn", "beta")
    vibe("spawn", "gamma")
    (alpha / "new").write_text("x\n")
    assert vibe.run("close", "beta", "alpha", "gamma", "nobody").code == 1
    assert [row["name"] for row in vibe.data("status")["sessions"]] == ["alpha"]


def test_close_while_a_process_works_inside(vibe: Vibe, repo: GitRepo, alpha: Path) -> None:
    (alpha / "open").write_text("kept\n")
    file = os.open(alpha / "open", os.O_WRONLY | os.O_APPEND)
    with subprocess.Popen(["sleep", "60"], cwd=alpha / "src") as sleeper:
        archive = vibe.data("close", "alpha", "--force")["archived"]
        assert mounts_below(repo.path.parent) == []
        with pytest.raises(OSError, match=r"not connected|abort"):
            os.write(file, b"late\n")
        sleeper.kill()
    with contextlib.suppress(OSError):
        os.close(file)
    assert repo.git("show", f"{archive}:open") == "kept"
    assert_sound(vibe, repo)


def test_a_name_can_be_used_again(vibe: Vibe, repo: GitRepo, alpha: Path) -> None:
    (alpha / "new").write_text("first\n")
    vibe("promote", "alpha")
    first = repo.git("rev-parse", "refs/vibes/alpha")
    vibe("close", "alpha")
    again = Path(vibe("spawn", "alpha"))
    assert not (again / "new").exists()
    (again / "new").write_text("second\n")
    vibe("promote", "alpha")
    assert repo.git("show", "refs/vibes/alpha:new") == "second"
    assert repo.git("show", f"{first}:new") == "first"
    kept = repo.git("for-each-ref", "--format=%(refname)", f"--contains={first}")
    assert kept != "", "the first promote is on no ref any more"
    assert_sound(vibe, repo)
