"""Who did what to sessions, and when: trailers, notes and the audit log (US-9.3)."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.support.gitrepo import GitRepo
from tests.support.runner import Vibe

pytestmark = pytest.mark.fuse

AGENT = '#!/bin/sh\necho written >by-agent\nexec git vibe promote "$GIT_VIBE_SESSION"\n'


def note(repo: GitRepo, commit: str, ref: str = "vibe") -> Any:
    return json.loads(repo.git("notes", f"--ref={ref}", "show", commit))


def kinds(vibe: Vibe, *args: str) -> list[str]:
    return [entry["type"] for entry in vibe.data("audit", *args)["entries"]]


@pytest.fixture
def agent(tmp_path: Path) -> str:
    """A program that changes a file and promotes it."""
    path = tmp_path / "bin" / "claude"
    path.parent.mkdir()
    path.write_text(AGENT)
    path.chmod(0o755)
    return str(path)


@pytest.fixture
def promoted(vibe: Vibe, alpha: Path) -> str:
    """A promote of alpha."""
    (alpha / "new").write_text("new\n")
    return str(vibe.data("promote", "alpha")["commit"])


def test_e2e_208_audit_trail_of_an_agents_changes(vibe: Vibe, repo: GitRepo, agent: str) -> None:
    base = repo.git("rev-parse", "HEAD")
    vibe("launch", agent, "--session", "alpha", "--", "--model", "opus", "do it")
    commit = repo.refs()["refs/vibes/alpha"]
    trailers = repo.git("log", "-1", "--format=%(trailers)", commit).split("\n")
    assert trailers == ["Vibe-Session: alpha", "Vibe-Agent: claude", f"Vibe-Base: {base}", ""]
    told = note(repo, commit)
    assert (told["session"], told["agent"], told["model"], told["files"]) == ("alpha", "claude", "opus", 1)
    assert told["command"] == [agent, "--model", "opus", "do it"]
    assert (told["ai_generated"], told["actor"]) == (True, "Vera Vibe <vera@example.org>")
    assert told["spawned"] <= told["promoted"] and told["duration_seconds"] >= 0
    entries = vibe.data("audit")["entries"]
    assert [entry["type"] for entry in entries] == ["spawn", "launch", "promote"]
    assert (entries[2]["inside"], entries[2]["details"]["commit"]) == ("alpha", commit)
    assert [entry["time"] for entry in entries] == sorted(entry["time"] for entry in entries)
    assert f"promote  alpha      Vera Vibe <vera@example.org> (in alpha)  commit {commit[:10]}, 1 file" in vibe("audit")


def test_everything_that_is_done_is_recorded(vibe: Vibe, repo: GitRepo, alpha: Path, promoted: str) -> None:
    repo.commit({"upstream": "x"})
    vibe("rebase", "alpha")
    vibe("commit", "alpha")
    (Path(vibe("spawn", "beta")) / "new").write_text("x")
    vibe("close", "beta", "--force")
    (entry,) = vibe.data("audit", "--type", "force")["entries"]
    (archive,) = repo.refs("refs/vibe/archive/beta")
    assert (entry["type"], entry["session"], entry["details"]["archived"]) == ("close", "beta", archive)
    assert kinds(vibe, "--session", "alpha") == ["spawn", "promote", "rebase", "commit", "close"]
    assert kinds(vibe, "--session", "beta") == ["spawn", "close"]
    lines = (repo.vibe_dir / "audit.log").read_text().splitlines()
    assert [json.loads(line)["type"] for line in lines] == kinds(vibe)


def test_steps_of_a_rebase(vibe: Vibe, repo: GitRepo, alpha: Path) -> None:
    for content, step in (("one", "--abort"), ("two", "--continue")):
        (alpha / "README").write_text("alpha\n")
        repo.commit({"README": f"{content}\n"})
        vibe.fails("rebase", "alpha")
        (alpha / "README").write_text("resolved\n")
        vibe("rebase", "alpha", step)
    entries = vibe.data("audit", "--type", "rebase")["entries"]
    assert [entry["details"]["step"] for entry in entries] == ["begin", "abort", "begin", "continue"]
    assert entries[0]["details"]["conflicts"] == ["README"]
    assert entries[3]["details"]["new"] == repo.git("rev-parse", "HEAD")


def test_a_merge_that_the_user_finished(vibe: Vibe, repo: GitRepo, alpha: Path) -> None:
    (alpha / "README").write_text("alpha\n")
    repo.commit({"README": "upstream\n"})
    vibe.fails("commit", "alpha")
    assert kinds(vibe) == ["spawn", "promote"]
    repo.commit({"README": "both\n"})
    vibe("status")
    assert kinds(vibe) == ["spawn", "promote", "commit", "close"]
    (entry,) = vibe.data("audit", "--type", "commit")["entries"]
    assert entry["details"]["finished"] is True


def test_a_refused_command_is_not_recorded(vibe: Vibe, alpha: Path) -> None:
    (alpha / "new").write_text("x")
    vibe.fails("close", "alpha")
    vibe.fails("audit", "--type", "nonsense", code=2)
    assert kinds(vibe) == ["spawn"]


def test_questions(vibe: Vibe, promoted: str) -> None:
    assert kinds(vibe, "--type", "promote", "--since", "1 hour ago", "--actor", "vera") == ["promote"]
    assert kinds(vibe, "--until", "1 hour ago") == []
    assert vibe("audit", "--actor", "nobody") == "Nothing is known"


def test_sessions_at_once_are_all_recorded(vibe: Vibe) -> None:
    names = [f"s{number}" for number in range(6)]
    assert [done.code for done in vibe.together(*(["spawn", name] for name in names))] == [0] * 6
    entries = vibe.data("audit", "--type", "spawn")["entries"]
    assert sorted(entry["session"] for entry in entries) == names


def test_the_log_can_be_lost(vibe: Vibe, repo: GitRepo, promoted: str) -> None:
    vibe("close", "alpha")
    (repo.vibe_dir / "audit.log").unlink()
    done = vibe.run("audit")
    assert f"commit {promoted[:10]}, 1 file, from its note" in done.out
    assert "audit.log does not exist: this is what the notes of promotes" in done.err
    assert (kinds(vibe), vibe.data("audit")["log"]) == (["spawn", "promote"], False)
    vibe("spawn", "beta")
    assert kinds(vibe) == ["spawn", "promote", "spawn"]


def test_purge_keeps_the_log_for_the_user(vibe: Vibe, repo: GitRepo, promoted: str, tmp_path: Path) -> None:
    vibe("purge", "--force", "--refs")
    assert not repo.vibe_dir.exists()
    kept = tmp_path / "home" / ".local" / "state" / "git-vibe" / "audit.log"
    assert [json.loads(line)["repository"] for line in kept.read_text().splitlines()] == [str(repo.path / ".git")] * 4
    assert kinds(vibe) == ["spawn", "promote", "close", "purge"]
    vibe("spawn", "beta")
    assert kinds(vibe) == ["spawn", "promote", "close", "purge", "spawn"]
    assert kinds(vibe, "--type", "force") == ["close", "purge"]


def test_the_agent_is_who_was_launched_last(vibe: Vibe, repo: GitRepo, alpha: Path, agent: str) -> None:
    vibe("launch", agent, "--session", "alpha")
    assert note(repo, "refs/vibes/alpha")["agent"] == "claude"
    vibe("launch", "touch", "again", "--session", "alpha")
    vibe("promote", "alpha")
    assert "Vibe-Agent: touch" in repo.git("log", "-1", "--format=%B", "refs/vibes/alpha")


def test_an_agent_named_by_the_user_stays(vibe: Vibe, repo: GitRepo) -> None:
    vibe("spawn", "alpha", "--agent", "codex", "--model", "o3")
    vibe("launch", "touch", "made", "--session", "alpha")
    vibe("promote", "alpha")
    told = note(repo, "refs/vibes/alpha")
    assert (told["agent"], told["model"], told["command"]) == ("codex", "o3", [])


def test_the_model_from_the_environment(vibe: Vibe, repo: GitRepo) -> None:
    (Path(vibe("spawn", "alpha", env={"GIT_VIBE_MODEL": "sonnet"})) / "new").touch()
    vibe("promote", "alpha")
    assert note(repo, "refs/vibes/alpha")["model"] == "sonnet"


# What git does with the notes


def test_notes_follow_rewritten_commits_where_git_is_told_so(vibe: Vibe, repo: GitRepo, promoted: str) -> None:
    """Rebase and amend copy notes of the refs that notes.rewriteRef names; promotes are still told once."""
    told = note(repo, promoted)
    vibe("commit", "alpha")
    repo.git("commit", "--quiet", "--amend", "--message", "in other words")
    assert repo.git("notes", "--ref=vibe", "list").split()[1::2] == [promoted]
    repo.git("reset", "--quiet", "--hard", promoted)
    repo.git("config", "notes.rewriteRef", "refs/notes/vibe")
    repo.git("commit", "--quiet", "--amend", "--message", "in other words")
    assert note(repo, "HEAD") == told
    repo.git("checkout", "--quiet", "-b", "other", "HEAD~")
    repo.commit({"upstream": "x"})
    repo.git("rebase", "--quiet", "other", "main")
    assert repo.git("rev-parse", "HEAD~") == repo.git("rev-parse", "other")
    assert note(repo, "HEAD") == told
    assert kinds(vibe, "--type", "promote") == ["promote"]
    (repo.vibe_dir / "audit.log").unlink()
    assert kinds(vibe, "--type", "promote") == ["promote"]


def test_squashed_commits_keep_all_their_notes(vibe: Vibe, repo: GitRepo, alpha: Path, promoted: str) -> None:
    (alpha / "second").write_text("x")
    vibe("promote", "alpha")
    vibe("commit", "alpha")
    repo.git("config", "notes.rewriteRef", "refs/notes/vibe")
    editor = "sed -i '2s/^pick/fixup/'"
    repo.git("-c", f"sequence.editor={editor}", "-c", "core.editor=true", "rebase", "--quiet", "-i", "HEAD~2")
    assert repo.git("notes", "--ref=vibe", "show", "HEAD").count('"session": "alpha"') == 2
    (repo.vibe_dir / "audit.log").unlink()
    assert kinds(vibe, "--type", "promote") == ["promote"] * 2


def clone(source: Path, path: Path) -> GitRepo:
    subprocess.run(["git", "clone", "--quiet", os.fspath(source), os.fspath(path)], check=True)
    return GitRepo(path)


def test_notes_and_promotes_are_pushed_fetched_and_merged(
    vibe: Vibe, repo: GitRepo, promoted: str, tmp_path: Path
) -> None:
    subprocess.run(["git", "clone", "--quiet", "--bare", str(repo.path), str(tmp_path / "server")], check=True)
    repo.git("remote", "add", "origin", str(tmp_path / "server"))
    repo.git("push", "--quiet", "origin", "refs/notes/vibe", "refs/vibes/*:refs/vibes/*")
    other = clone(tmp_path / "server", tmp_path / "other")
    theirs = Vibe(other.path)
    (Path(theirs("spawn", "gamma")) / "theirs").write_text("x")
    gamma = theirs.data("promote", "gamma")["commit"]
    other.git("fetch", "--quiet", "origin", "refs/notes/vibe:refs/notes/vibe-theirs", "refs/vibes/*:refs/vibes/*")
    other.git("notes", "--ref=vibe", "merge", "--quiet", "vibe-theirs")
    assert note(other, promoted)["session"] == "alpha"
    assert note(other, gamma)["session"] == "gamma"
    other.git("push", "--quiet", "origin", "refs/notes/vibe")
    found = [f"{entry['session']} {entry['type']} {entry['source']}" for entry in theirs.data("audit")["entries"]]
    assert sorted(found) == ["alpha promote notes", "alpha spawn notes", "gamma promote log", "gamma spawn log"]
    assert theirs("log", "alpha", "--format=%H") == promoted
    repo.git("fetch", "--quiet", "origin", "refs/notes/vibe:refs/notes/vibe")
    assert note(repo, gamma)["session"] == "gamma"
    theirs("daemon", "stop", "--all")
