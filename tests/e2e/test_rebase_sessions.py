"""`git vibe rebase` and what a session has besides files: processes, an index, commits, promotes, other sessions."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.gitrepo import GitRepo
from tests.support.runner import Vibe
from tests.support.soundness import assert_sound
from tests.support.trees import tree

pytestmark = pytest.mark.fuse

LINES = "".join(f"line {number}\n" for number in range(1, 21))


@pytest.fixture
def session(repo: GitRepo, vibe: Vibe) -> GitRepo:
    """A session 'alpha' of a repository with some text."""
    repo.commit({"text": LINES, "lib/a.py": LINES, "lib/b.py": "b\n", ".gitattributes": "*.bin binary\n"})
    return GitRepo(Path(vibe("spawn", "alpha")))


def upstream(repo: GitRepo, **files: str | bytes | None) -> str:
    """Commit on main; `__` stands for a slash, `_DOT_` for a dot."""
    named = {name.replace("__", "/").replace("_DOT_", "."): content for name, content in files.items()}
    return repo.commit(named, message="upstream")


def edited(old: str, new: str) -> str:
    assert old in LINES
    return LINES.replace(old, new)


THEIRS, MINE = edited("line 1\n", "theirs\n"), edited("line 20\n", "mine\n")
CONFLICTING = edited("line 1\n", "mine\n")
RESOLVED = edited("line 1\n", "both\n")


def index_of(where: GitRepo) -> str:
    return where.git("ls-files", "--stage")


def assert_agrees(vibe: Vibe, session: GitRepo, base: str) -> None:
    """HEAD, index and files of a clean session are those of its base."""
    assert session.git("rev-parse", "HEAD") == base
    assert session.git("status", "--porcelain") == ""
    assert session.git("diff", base) == ""
    assert vibe("diff", "alpha") == ""


# Processes inside

INSIDE = """
import mmap, os, sys
os.chdir(sys.argv[1])
kept = open("text", "rb")
held = open("lib/a.py", "rb")
mapped = mmap.mmap(held.fileno(), 0, prot=mmap.PROT_READ)
gone = open("lib/b.py", "rb")
mine = open("mine", "w+")
os.stat("text"), os.listdir("lib")
print("ready", flush=True)
sys.stdin.readline()
mine.write("written after\\n"), mine.flush()
import json
print(json.dumps({
    "kept": kept.read().decode(), "mapped": mapped[:7].decode(), "gone": gone.read().decode(),
    "text": open("text").read(), "lib": sorted(os.listdir("lib")), "cwd": os.getcwd(), "new": open("new/file").read(),
    "git": os.popen("git status --porcelain").read(), "size": os.stat("lib/a.py").st_size,
}), flush=True)
"""


def test_processes_inside_go_on(repo: GitRepo, vibe: Vibe, session: GitRepo) -> None:
    command = [sys.executable, "-c", INSIDE, str(session.path)]
    with subprocess.Popen(command, stdin=-1, stdout=-1, text=True) as agent:
        assert agent.stdin is not None and agent.stdout is not None
        assert agent.stdout.readline() == "ready\n"
        base = upstream(repo, text=THEIRS, lib__a_DOT_py="short\n", lib__b_DOT_py=None, lib__c="c\n", new__file="new\n")
        vibe("rebase", "alpha", cwd=session.path)
        found = json.loads(agent.communicate("go\n")[0])
    assert found == {
        "kept": LINES, "mapped": "line 1\n", "gone": "b\n", "text": THEIRS, "lib": ["a.py", "c"],
        "cwd": str(session.path), "new": "new\n", "git": "?? mine\n", "size": 6,
    }  # fmt: skip
    assert (session.path / "mine").read_text() == "written after\n"
    assert session.git("rev-parse", "HEAD") == base


def test_a_clean_session_is_clean_afterwards(repo: GitRepo, vibe: Vibe, session: GitRepo) -> None:
    base = upstream(repo, text=THEIRS, new="x\n", README=None)
    done = vibe.data("rebase", "alpha")
    assert (done["new"], done["files"], done["conflicts"]) == (base, 3, [])
    assert_agrees(vibe, session, base)
    assert vibe.data("promote", "alpha")["commit"] is None
    assert repo.refs("refs/vibe/rebase/") == {}
    base = upstream(repo, text=LINES, new=None)
    vibe("rebase", "alpha")
    assert_agrees(vibe, session, base)
    assert "up to date" in vibe("rebase", "alpha")
    layers = [path.name for path in repo.vibe_dir.glob("sessions/alpha/layers/*")]
    assert layers == ["0001"]
    assert_sound(vibe, repo)


def test_the_user_s_own_repository_is_not_disturbed(repo: GitRepo, vibe: Vibe, session: GitRepo) -> None:
    upstream(repo, text=THEIRS)
    session.write({"text": MINE})
    repo.write({"README": "dirty\n", "untracked": "x"})
    repo.own_state()  # `git status` brings the index up to date
    before = repo.own_state()
    vibe("rebase", "alpha")
    assert repo.own_state() == before


# Where it goes


def test_onto_another_session(repo: GitRepo, vibe: Vibe, session: GitRepo) -> None:
    beta = GitRepo(Path(vibe("spawn", "beta")))
    beta.write({"text": THEIRS})
    assert "has promoted nothing" in vibe.fails("rebase", "alpha", "--onto", "beta", code=2)
    vibe("promote", "beta")
    session.write({"text": MINE})
    vibe("rebase", "alpha", "--onto", "beta")
    assert (session.path / "text").read_text() == THEIRS.replace("line 20\n", "mine\n")
    assert session.git("rev-parse", "HEAD") == repo.git("rev-parse", "refs/vibes/beta")


def test_backwards(repo: GitRepo, vibe: Vibe, session: GitRepo) -> None:
    session.write({"README": "mine\n"})
    vibe("rebase", "alpha", "--onto", "HEAD~1")
    assert not (session.path / "text").exists() and not (session.path / "lib").exists()
    assert (session.path / "README").read_text() == "mine\n"
    assert session.git("status", "--porcelain") == " M README"


def test_upstream_that_was_rewritten_and_thrown_away(repo: GitRepo, vibe: Vibe, session: GitRepo) -> None:
    session.write({"text": MINE})
    repo.git("reset", "--quiet", "--hard", "HEAD~1")
    base = upstream(repo, text=THEIRS, other="x\n")
    repo.git("reflog", "expire", "--expire=now", "--expire-unreachable=now", "--all")
    repo.git("gc", "--quiet", "--prune=now")
    vibe("rebase", "alpha")
    assert (session.path / "text").read_text() == THEIRS.replace("line 20\n", "mine\n")
    assert not (session.path / "lib").exists()
    repo.git("reflog", "expire", "--expire=now", "--expire-unreachable=now", "--all")
    repo.git("gc", "--quiet", "--prune=now")
    assert session.git("rev-parse", "HEAD") == base
    assert (session.path / "README").read_text() == "hello\n"
    assert_sound(vibe, repo)


def test_all(repo: GitRepo, vibe: Vibe, session: GitRepo) -> None:
    for name in ("beta", "gamma"):
        vibe("spawn", name)
    session.write({"text": CONFLICTING})
    upstream(repo, text=THEIRS)
    vibe("spawn", "young")
    done = vibe.run("rebase", "--all")
    assert done.code == 1
    assert "alpha: conflicts in text" in done.out and "Session 'young' is up to date" in done.out
    assert "Rebased session 'beta'" in done.out and "git vibe rebase --continue" in done.err
    again = vibe.run("rebase", "--all", "--json")
    assert again.code == 1
    assert [each.get("error") for each in again.data["sessions"]] == ["REBASE_IN_PROGRESS", None, None, None]


# What is in the way


@pytest.mark.parametrize("files", [{"new/file": "mine\n"}, {"new": "mine\n"}, {"new/file/inside": "mine\n"}])
def test_ignored_files_in_the_way_stay(files: dict[str, str], repo: GitRepo, vibe: Vibe, session: GitRepo) -> None:
    upstream(repo, new__file="theirs\n", text=THEIRS)
    (repo.path / ".git/info").mkdir(exist_ok=True)
    (repo.path / ".git/info/exclude").write_text("new\n")
    session.write(dict(files))
    before, index = tree(session.path), index_of(session)
    said = vibe.fails("rebase", "alpha")
    assert "in the way" in said and "new" in said
    assert (tree(session.path), index_of(session)) == (before, index)
    assert repo.refs("refs/vibe/rebase/") == {}
    assert_sound(vibe, repo)


def test_ignored_files_stay_where_they_are(repo: GitRepo, vibe: Vibe, session: GitRepo) -> None:
    session.write({"lib/x.log": "kept\n", "build/out": "kept\n"})
    repo.git("rm", "-r", "--quiet", "lib")
    repo.commit()
    vibe("rebase", "alpha")
    assert os.listdir(session.path / "lib") == ["x.log"]
    assert (session.path / "build/out").read_text() == "kept\n"
    assert session.git("status", "--porcelain") == ""


def test_what_git_was_told_not_to_look_at(repo: GitRepo, vibe: Vibe, session: GitRepo) -> None:
    session.git("update-index", "--skip-worktree", "text")
    session.git("update-index", "--assume-unchanged", "lib/a.py")
    (session.path / "text").unlink()
    base = upstream(repo, text=THEIRS, lib__c="c\n")
    vibe("rebase", "alpha")
    assert not (session.path / "text").exists()
    assert session.git("status", "--porcelain") == ""
    assert session.git("rev-parse", ":text") == repo.git("rev-parse", f"{base}:text")
    repo.write({"lib/a.py": "changed\n"})
    repo.commit()
    session.write({"lib/a.py": "mine, unseen\n"})
    assert "told not to look at" in vibe.fails("rebase", "alpha")
    assert (session.path / "lib/a.py").read_text() == "mine, unseen\n"


def test_files_of_the_context(repo: GitRepo, vibe: Vibe, session: GitRepo) -> None:
    context = repo.vibe_dir / "context"
    (context / "text").write_text("from the context\n")
    (context / "notes").write_text("notes\n")
    vibe("daemon", "stop", "--all")
    vibe("spawn", "alpha")
    base = upstream(repo, text=THEIRS, notes="upstream's\n", lib__c="c\n")
    vibe("rebase", "alpha")
    assert (session.path / "text").read_text() == "from the context\n"
    assert (session.path / "notes").read_text() == "notes\n"
    assert vibe("diff", "alpha") == ""
    assert session.git("ls-files", "-v", "text") == "h text"
    assert vibe.data("promote", "alpha")["commit"] is None
    assert session.git("rev-parse", "HEAD") == base


# The index


def test_what_is_staged_stays_staged(repo: GitRepo, vibe: Vibe, session: GitRepo) -> None:
    session.write({"text": MINE, "x.log": "forced\n"})
    session.git("add", "text")
    session.git("add", "--force", "x.log")
    upstream(repo, text=THEIRS)
    vibe("rebase", "alpha")
    assert session.git("status", "--porcelain") == "M  text\nA  x.log"
    promoted = vibe.data("promote", "alpha")["commit"]
    assert repo.git("show", f"{promoted}:x.log") == "forced"


def test_what_is_only_staged_and_does_not_fit_is_archived(repo: GitRepo, vibe: Vibe, session: GitRepo) -> None:
    session.write({"text": CONFLICTING})
    session.git("add", "text")
    session.write({"text": MINE})
    upstream(repo, text=THEIRS)
    done = vibe.run("rebase", "alpha")
    assert done.code == 0 and "not staged any more, see refs/vibe/archive/alpha/" in done.err
    (ref,) = repo.refs("refs/vibe/archive/alpha/")
    assert repo.git("show", f"{ref}:text") + "\n" == CONFLICTING
    assert session.git("status", "--porcelain") == " M text"


def test_git_that_is_at_work_is_not_disturbed(repo: GitRepo, vibe: Vibe, session: GitRepo) -> None:
    upstream(repo, text=THEIRS)
    lock = repo.path / ".git/worktrees/vibe-alpha/index.lock"
    lock.write_bytes(b"")
    before = tree(session.path)
    assert "git is at work" in vibe.fails("rebase", "alpha", code=75)
    assert tree(session.path) == before and lock.read_bytes() == b""
    lock.unlink()
    (lock.parent / "MERGE_HEAD").write_text(repo.git("rev-parse", "HEAD") + "\n")
    assert "in the middle of something" in vibe.fails("rebase", "alpha")


# Commits of the agent


def commit(session: GitRepo, message: str, **files: str | None) -> str:
    session.write(dict(files))
    session.git("add", "--all")
    session.git("commit", "--quiet", "--author=Agent Smith <smith@example.org>", "--message", message)
    return session.git("rev-parse", "HEAD")


def test_commits_of_the_agent_are_made_anew(repo: GitRepo, vibe: Vibe, session: GitRepo) -> None:
    commit(session, "one", text=MINE)
    commit(session, "two\n\nwith a body", new="x\n")
    session.write({"new": "y\n"})
    base = upstream(repo, text=THEIRS)
    vibe("rebase", "alpha")
    assert session.git("log", "--format=%s/%an", f"{base}..") == "two/Agent Smith\none/Agent Smith"
    assert session.git("log", "-1", "--format=%b") == "with a body\n"
    assert session.git("status", "--porcelain") == " M new"
    assert (session.path / "text").read_text() == THEIRS.replace("line 20\n", "mine\n")


def test_commits_that_do_not_apply_are_kept_and_said(repo: GitRepo, vibe: Vibe, session: GitRepo) -> None:
    lost = commit(session, "one", text=CONFLICTING)
    commit(session, "two", text=LINES, new="x\n")
    base = upstream(repo, text=THEIRS)
    done = vibe.run("rebase", "alpha")
    assert done.code == 0 and "do not apply one by one" in done.err
    (ref,) = repo.refs("refs/vibe/archive/alpha/")
    assert repo.git("merge-base", "--is-ancestor", lost, ref) == ""
    assert session.git("rev-parse", "HEAD") == base
    assert session.git("status", "--porcelain") == "?? new"
    assert (session.path / "text").read_text() == THEIRS


def test_a_branch_of_its_own_follows(repo: GitRepo, vibe: Vibe, session: GitRepo) -> None:
    beta = GitRepo(Path(vibe("spawn", "beta", "--branch")))
    commit(beta, "one", mine="x\n")
    base = upstream(repo, text=THEIRS)
    vibe("rebase", "beta")
    assert beta.git("symbolic-ref", "HEAD") == "refs/heads/vibe/beta"
    assert repo.git("log", "--format=%s", f"{base}..vibe/beta") == "one"
    assert beta.git("status", "--porcelain") == ""


@pytest.mark.parametrize("how", ["merge", "rebase"])
def test_an_agent_that_took_upstream_itself(how: str, repo: GitRepo, vibe: Vibe, session: GitRepo) -> None:
    commit(session, "one", text=CONFLICTING)
    base = upstream(repo, text=THEIRS)
    subprocess.run(["git", how, "main"], cwd=session.path, capture_output=True, check=False)
    session.write({"text": RESOLVED})
    session.git("add", "text")
    subprocess.run(["git", how, "--continue"], cwd=session.path, env={**os.environ, "GIT_EDITOR": "true"}, check=True)
    head = session.git("rev-parse", "HEAD")
    vibe("rebase", "alpha")
    assert session.git("rev-parse", "HEAD") == head
    assert (session.path / "text").read_text() == RESOLVED
    promoted = vibe.data("promote", "alpha")["commit"]
    assert repo.git("diff", "--name-only", base, promoted) == "text"


# Promotes


def note(repo: GitRepo, commit: str) -> dict[str, object]:
    found = json.loads(repo.git("notes", "--ref=vibe", "show", commit))
    assert isinstance(found, dict)
    return found


def test_promotes_are_made_anew(repo: GitRepo, vibe: Vibe, session: GitRepo) -> None:
    session.write({"text": MINE})
    vibe("promote", "alpha")
    session.write({"second": "x\n"})
    old = vibe.data("promote", "alpha")["commit"]
    session.write({"third": "x\n"})
    base = upstream(repo, text=THEIRS)
    vibe("rebase", "alpha")
    new = repo.git("rev-parse", "refs/vibes/alpha")
    assert repo.git("rev-list", "--count", f"{base}..{new}") == "2"
    assert repo.git("log", "-1", "--format=%B", new) == repo.git("log", "-1", "--format=%B", old).replace(
        repo.git("rev-parse", f"{base}~1"), base
    )
    assert note(repo, new) == {**note(repo, old), "base": base, "parent": repo.git("rev-parse", f"{new}~1")}
    assert vibe("diff", "alpha", "--name-only") == "third"
    last = vibe.data("promote", "alpha")["commit"]
    assert repo.git("rev-parse", f"{last}~1") == new
    assert repo.git("show", f"{last}:text") + "\n" == THEIRS.replace("line 20\n", "mine\n")
    assert vibe.run("commit", "alpha").code == 0
    assert (repo.path / "third").exists()


@pytest.mark.parametrize("how", ["--ff-only", "--no-ff", "--squash", "cherry-pick"])
def test_promotes_that_have_landed_are_no_conflict(how: str, repo: GitRepo, vibe: Vibe, session: GitRepo) -> None:
    """Lines that landed were changed again in the session, and upstream too: only what came after counts."""
    session.write({"text": CONFLICTING})
    vibe("promote", "alpha")
    if how == "cherry-pick":
        upstream(repo, other="x\n")
        repo.git("cherry-pick", "refs/vibes/alpha")
    else:
        repo.git("merge", "--quiet", how, "refs/vibes/alpha")
        repo.git("commit", "--quiet", "--allow-empty", "--message", "landed")
    base = repo.git("rev-parse", "main")
    session.write({"text": RESOLVED, "new": "x\n"})
    vibe("rebase", "alpha")
    assert (session.path / "text").read_text() == RESOLVED
    assert sorted(vibe("diff", "alpha", "--name-only").split()) == ["new", "text"]
    promoted = vibe.data("promote", "alpha")["commit"]
    assert repo.git("rev-parse", f"{promoted}~1") == base


def test_promotes_that_do_not_apply(repo: GitRepo, vibe: Vibe, session: GitRepo) -> None:
    session.write({"text": CONFLICTING})
    vibe("promote", "alpha")
    old = repo.git("rev-parse", "refs/vibes/alpha")
    session.write({"text": LINES, "new": "x\n"})
    base = upstream(repo, text=THEIRS)
    done = vibe.run("rebase", "alpha")
    assert done.code == 0 and "unpromoted now" in done.err
    promoted = vibe.data("promote", "alpha")["commit"]
    assert repo.git("rev-parse", f"{promoted}~1") == base
    assert repo.git("diff", "--name-only", base, promoted) == "new"
    assert old in repo.refs("refs/vibe/archive/alpha/").values()


# Conflicts


@pytest.fixture
def stopped(repo: GitRepo, vibe: Vibe, session: GitRepo) -> Iterator[GitRepo]:
    """A session whose rebase stopped at a text, a binary and a deleted file."""
    repo.commit({"x.bin": b"\0base", "deleted": "x\n"})
    vibe("rebase", "alpha")
    session.write({"text": CONFLICTING, "x.bin": b"\0mine", "deleted": "mine\n", "fine": "mine\n"})
    upstream(repo, text=THEIRS, **{"x.bin": b"\0theirs"}, deleted=None)
    said = vibe.fails("rebase", "alpha")
    assert all(name in said for name in ("text", "x.bin", "deleted"))
    yield session


def test_conflicts_show_as_git_has_them(repo: GitRepo, vibe: Vibe, stopped: GitRepo) -> None:
    assert stopped.git("status", "--porcelain") == "UD deleted\nUU text\nUU x.bin\n?? fine".replace("UD", "DU")
    assert (
        (stopped.path / "text").read_text().startswith("<<<<<<< main\ntheirs\n=======\nmine\n>>>>>>> session 'alpha'\n")
    )
    stopped.git("checkout", "--theirs", "x.bin")
    assert (stopped.path / "x.bin").read_bytes() == b"\0mine"


def test_everything_that_would_take_it_along_waits(repo: GitRepo, vibe: Vibe, stopped: GitRepo) -> None:
    for command in (["promote", "alpha"], ["commit", "alpha"], ["rebase", "alpha"]):
        said = vibe.fails(*command)
        assert "has not ended" in said and "git vibe rebase --continue alpha" in said
    assert "  text" in vibe.fails("rebase", "--continue", "alpha")
    assert vibe.data("status")["sessions"][0]["rebase"] == ["deleted", "text", "x.bin"]
    assert "a rebase of session 'alpha' has not ended:\n  deleted\n  text\n  x.bin" in vibe("status")


def test_continue_after_add(repo: GitRepo, vibe: Vibe, stopped: GitRepo) -> None:
    stopped.write({"text": RESOLVED, "x.bin": b"\0both"})
    assert "  x.bin" in vibe.fails("rebase", "--continue", "alpha")
    stopped.git("add", "x.bin")
    stopped.git("rm", "--quiet", "deleted")
    vibe("rebase", "--continue", "alpha")
    assert stopped.git("status", "--porcelain") == "M  text\nM  x.bin\n?? fine"
    promoted = vibe.data("promote", "alpha")["commit"]
    assert repo.git("show", f"{promoted}:text") + "\n" == RESOLVED
    assert repo.git("ls-tree", "--name-only", promoted, "deleted") == ""
    assert repo.refs("refs/vibe/rebase/") == {}
    assert "no rebase" in vibe.fails("rebase", "--continue", "alpha", code=2)
    assert_sound(vibe, repo)


def test_abort_restores_and_archives_what_was_done_since(repo: GitRepo, vibe: Vibe, stopped: GitRepo) -> None:
    stopped.write({"text": RESOLVED, "later": "x\n"})
    said = vibe("rebase", "--abort", "alpha")
    (ref,) = repo.refs("refs/vibe/archive/alpha/")
    assert ref in said
    assert repo.git("show", f"{ref}:later") == "x"
    assert (stopped.path / "text").read_text() == CONFLICTING
    assert (stopped.path / "x.bin").read_bytes() == b"\0mine"
    assert sorted(stopped.git("status", "--porcelain").splitlines()) == [
        " M deleted", " M text", " M x.bin", "?? fine",
    ]  # fmt: skip
    assert vibe.run("rebase", "alpha").code == 1


def test_close_during_a_rebase_loses_nothing(repo: GitRepo, vibe: Vibe, stopped: GitRepo) -> None:
    assert "has not ended" in vibe.fails("close", "alpha")
    vibe("close", "--force", "alpha")
    refs = repo.refs("refs/vibe/archive/alpha/")
    assert {repo.git("rev-parse", f"{ref}:x.bin") for ref in refs} >= {
        repo.git("hash-object", "--stdin", stdin=content) for content in (b"\0mine", b"\0theirs")
    }
    assert list(repo.refs("refs/vibe/")) == list(refs)


@pytest.mark.parametrize("how", ["kill", "restart", "stop"])
def test_a_rebase_outlives_worker_and_daemon(how: str, repo: GitRepo, vibe: Vibe, stopped: GitRepo) -> None:
    before = tree(stopped.path)
    row = vibe.data("status")["sessions"][0]
    if how == "kill":
        os.kill(row["pid"], 9)
    else:
        vibe("daemon", "stop", *(["--all"] if how == "stop" else []))
    vibe("spawn", "alpha")
    assert tree(stopped.path) == before
    vibe("rebase", "--abort", "alpha")
    assert (stopped.path / "text").read_text() == CONFLICTING


def test_commits_made_during_a_rebase_are_kept_by_abort(repo: GitRepo, vibe: Vibe, stopped: GitRepo) -> None:
    head = stopped.git("rev-parse", "HEAD~0")
    stopped.write({"text": RESOLVED})
    stopped.git("add", "--all")
    stopped.git("checkout", "--quiet", "-b", "elsewhere")
    stopped.git("commit", "--quiet", "--message", "resolved")
    made = stopped.git("rev-parse", "HEAD")
    vibe("rebase", "--abort", "alpha")
    assert stopped.git("rev-parse", "HEAD") != head
    assert repo.git("for-each-ref", f"--contains={made}", "--format=%(refname)") != ""
    assert "HEAD detached" in stopped.git("status")
    assert sorted(stopped.git("status", "--porcelain").splitlines())[:2] == [" M deleted", " M text"]


# While the agent writes

WRITER = """
import os, sys
number = 0
os.chdir(sys.argv[1])
while True:
    number += 1
    with open("counter", "w") as file:
        file.write(str(number))
    if sys.argv[2] == "same":
        with open("text", "a") as file:
            file.write(f"{number}\\n")
"""


@pytest.mark.parametrize("what", ["same", "other"])
def test_an_agent_that_keeps_writing(what: str, repo: GitRepo, vibe: Vibe, session: GitRepo) -> None:
    upstream(repo, text=THEIRS)
    with subprocess.Popen([sys.executable, "-c", WRITER, str(session.path), what]) as agent:
        try:
            done = vibe.run("rebase", "alpha")
        finally:
            agent.kill()
    lines = (session.path / "text").read_text().splitlines()
    if what == "other":
        assert done.code == 0 and lines == THEIRS.splitlines()
        return
    assert done.code in (0, 75)
    assert lines[0] == ("theirs" if done.code == 0 else "line 1")
    assert [int(line) for line in lines[20:]] == list(range(1, len(lines) - 19))
