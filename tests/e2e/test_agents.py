"""Programs run in a session: they see the whole repository, and what they do stays there."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.support.gitrepo import GitRepo
from tests.support.runner import Vibe
from tests.support.soundness import assert_sound
from tests.support.trees import tree

pytestmark = pytest.mark.fuse

AGENT = """#!/bin/sh
set -e
test "$(git rev-parse --show-toplevel)" = "$GIT_VIBE_MOUNT"
ls -A >seen
mkdir -p lib/deep
printf 'code' >lib/deep/code
sed -i s/hello/bye/ README
rm -r src
mv run.sh ran.sh
ln -s ran.sh latest
git add -A
git commit -qm 'agent was here'
cat >asked
"""


def test_e2e_004_a_command_is_isolated(vibe: Vibe, repo: GitRepo, alpha: Path) -> None:
    before, files, beta = repo.own_state(), tree(repo.path), Path(vibe("spawn", "beta"))
    script = "echo mine >README; rm -r src; echo x >new; touch ../outside-is-not-isolated; chmod +x empty"
    vibe("sh", "alpha", "-c", script)
    assert (alpha / "README").read_text() == "mine\n"
    assert not (alpha / "src").exists()
    assert tree(beta) == files
    assert tree(repo.path) == files
    assert repo.own_state() == before


def test_many_words_reach_the_command(vibe: Vibe, alpha: Path) -> None:
    words = ["a b", "", "--json", "-c", "quote'\"$HOME", "*", "ünï"]
    shown = vibe("sh", "alpha", "--", "python3", "-c", "import json, sys; print(json.dumps(sys.argv[1:]))", *words)
    assert json.loads(shown) == words


def test_standard_input_reaches_the_command(vibe: Vibe, alpha: Path) -> None:
    done = vibe.run("sh", "alpha", "-c", "cat >from-stdin; cat from-stdin", stdin=b"line\n" * 10000)
    assert (done.code, len(done.out)) == (0, 50000)
    assert (alpha / "from-stdin").stat().st_size == 50000


def test_e2e_005_an_agent_is_launched(vibe: Vibe, repo: GitRepo, tmp_path: Path) -> None:
    before, files = repo.own_state(), tree(repo.path)
    agent = tmp_path / "bin" / "claude"
    agent.parent.mkdir()
    agent.write_text(AGENT)
    agent.chmod(0o755)
    path = f"{agent.parent}{os.pathsep}{os.environ['PATH']}"
    done = vibe.run("launch", "claude", "--session", "feature-auth", env={"PATH": path}, stdin=b"yes\n")
    assert done.code == 0, done.err
    top = repo.path.with_name("repo.vibe") / "feature-auth"
    assert sorted((top / "seen").read_text().split()) == sorted([*os.listdir(repo.path), "seen"])
    assert (top / "asked").read_text() == "yes\n"
    assert vibe("sh", "feature-auth", "-c", "git log -1 --format=%s") == "agent was here"
    assert (tree(repo.path), repo.own_state()) == (files, before)
    commit = vibe.data("promote", "feature-auth")["commit"]
    assert repo.git("log", "-1", "--format=%(trailers:key=Vibe-Agent,valueonly)", commit).strip() == "claude"
    assert "claude" in repo.git("log", "-1", "--format=%an", commit)
    vibe("commit", "feature-auth")
    assert sorted(os.listdir(repo.path)) == sorted(
        [".git", ".gitignore", "README", "asked", "empty", "latest", "lib", "link", "ran.sh", "seen"]
    )
    assert_sound(vibe, repo)
