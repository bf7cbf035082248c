"""The list of settings is complete."""

from __future__ import annotations

import re
from pathlib import Path

from git_vibe.session.settings import KNOWN
from tests.support.gitrepo import GitRepo
from tests.support.runner import Vibe

PACKAGE = Path(__file__).parents[2] / "git_vibe"


def test_every_key_that_is_read_is_listed() -> None:
    text = "\n".join(path.read_text() for path in PACKAGE.rglob("*.py") if path.name != "settings.py")
    read = set(re.findall(r"config\.[a-z]+\(\s*\"([^\"]*vibe[^\"]*)\"", text))
    assert {key.lower() for key in read} == {item.key.lower() for item in KNOWN}


def test_values_come_with_their_origin(repo: GitRepo, vibe: Vibe) -> None:
    repo.git("config", "vibe.maxSessions", "7")
    repo.git("config", "vibe.misspelt", "x")
    rows = {row["key"]: row for row in vibe.data("doctor", "--config")["config"]}
    assert rows["vibe.maxSessions"] == {
        "key": "vibe.maxSessions",
        "kind": "number",
        "value": "7",
        "origin": "file:.git/config",
    }
    assert rows["vibe.daemonLinger"]["origin"] == "default"
    assert rows["vibe.misspelt"]["kind"] == "unknown"
