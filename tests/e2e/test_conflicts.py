"""Sessions meet: `git vibe status --conflicts`, the warnings of `status`, the log of events and the hooks of agents."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

import pytest

from tests.support.gitrepo import GitRepo
from tests.support.mounts import mounts_below
from tests.support.runner import Vibe
from tests.support.waiting import wait_until

pytestmark = pytest.mark.fuse

TEN = "".join(f"{number}\n" for number in range(1, 11))


@pytest.fixture
def repo(repo: GitRepo) -> GitRepo:
    """The repository, with a file of ten lines."""
    repo.commit({"ten": TEN})
    return repo


@pytest.fixture
def alpha(vibe: Vibe) -> Path:
    return Path(vibe("spawn", "alpha"))


@pytest.fixture
def beta(vibe: Vibe) -> Path:
    return Path(vibe("spawn", "beta"))


def change(directory: Path, line: int, text: str) -> None:
    """Replace one of the ten lines."""
    lines = (directory / "ten").read_text().splitlines()
    lines[line - 1] = text
    (directory / "ten").write_text("\n".join(lines) + "\n")


def table(vibe: Vibe, *options: str) -> list[list[str]]:
    """Rows of the table without its head."""
    return [line.split() for line in vibe("status", "--conflicts", *options).splitlines()[1:]]


def test_e2e_103_conflicts_between_sessions(vibe: Vibe, repo: GitRepo, alpha: Path, beta: Path) -> None:
    before = repo.own_state()
    change(alpha, 3, "alpha")
    change(beta, 3, "beta")
    (beta / "README").write_text("beta\n")
    done = vibe.run("status", "--conflicts")
    assert (done.code, done.out) == (
        0,
        "PATH    CHANGED BY    MERGE\nten     alpha, beta   conflict\n",
    )
    assert repo.own_state() == before


def test_paths_that_overlap_are_listed_with_their_lines(vibe: Vibe, alpha: Path, beta: Path) -> None:
    change(alpha, 3, "alpha")
    change(beta, 9, "beta")
    assert table(vibe, "--lines") == [["ten", "alpha,", "beta", "clean", "-"]]
    change(beta, 4, "beta")
    assert table(vibe, "--lines") == [["ten", "alpha,", "beta", "conflict", "3-4"]]


def test_upstream_is_a_side_when_it_moved(vibe: Vibe, repo: GitRepo, alpha: Path) -> None:
    change(alpha, 3, "alpha")
    (alpha / "empty").unlink()
    assert vibe.run("status", "--conflicts").out == ""
    repo.commit({"ten": TEN.replace("3\n", "up\n"), "empty": "up\n"})
    assert table(vibe) == [
        ["empty", "alpha", "(deleted),", "upstream", "conflict"],
        ["ten", "alpha,", "upstream", "conflict"],
    ]


def test_ways_out_are_suggested(vibe: Vibe, repo: GitRepo, alpha: Path, beta: Path) -> None:
    change(alpha, 3, "alpha")
    change(beta, 3, "beta")
    repo.commit({"ten": TEN.replace("3\n", "up\n")})
    hints = vibe.run("status", "--conflicts").err
    assert [line.partition(":")[2].partition("`")[2].partition("`")[0] for line in hints.splitlines()[:5]] == [
        "git vibe rebase alpha",
        "git vibe rebase beta",
        "git vibe promote alpha",
        "git vibe promote alpha --only ten",
        "git vibe launch <program> --session alpha",
    ]
    assert "git vibe rebase beta --onto alpha" in hints
    assert "scopes" in hints
    assert vibe.run("status", "--conflicts", "--quiet").err == ""


def test_one_session_and_json(vibe: Vibe, alpha: Path, beta: Path) -> None:
    for name in ("gamma", "delta"):
        (Path(vibe("spawn", name)) / "README").write_text(name)
    change(alpha, 3, "alpha")
    change(beta, 3, "beta")
    (found,) = vibe.data("status", "--conflicts", "--lines", "alpha")["overlaps"]
    assert [side["name"] for side in found.pop("sides")] == ["alpha", "beta"]
    assert found == {"path": "ten", "clean": False, "ranges": [[3, 3]]}
    assert len(vibe.data("status", "--conflicts")["overlaps"]) == 2


def test_nothing_in_common(vibe: Vibe, alpha: Path, beta: Path) -> None:
    change(alpha, 3, "alpha")
    (beta / "README").write_text("beta\n")
    done = vibe.run("status", "--conflicts")
    assert (done.code, done.out) == (0, "")
    assert done.err == "No file was changed by several sessions, or by a session and upstream\n"


def test_mistakes(vibe: Vibe, alpha: Path) -> None:
    assert "--lines needs --conflicts" in vibe.fails("status", "--lines", code=2)
    assert "Instance 'nobody' not found" in vibe.fails("status", "--conflicts", "nobody")


def test_status_warns_of_each_session_at_once(vibe: Vibe, repo: GitRepo, alpha: Path, beta: Path) -> None:
    change(alpha, 3, "alpha")
    assert "changed" not in vibe.run("status").err
    change(beta, 9, "beta")
    repo.commit({"README": "up\n"})
    (beta / "README").write_text("beta\n")
    warned = [line for line in vibe.run("status").err.splitlines() if "--conflicts" in line]
    assert warned == [
        "warning: 'alpha' changed files that beta changed, too: ten (`git vibe status --conflicts`)",
        "warning: 'beta' changed files that alpha and upstream changed, too: README, ten"
        " (`git vibe status --conflicts`)",
    ]
    rows = {row["name"]: (row["overlaps"], row["overlaps_with"]) for row in vibe.data("status")["sessions"]}
    assert rows == {"alpha": (["ten"], ["beta"]), "beta": (["README", "ten"], ["alpha", "upstream"])}


def test_status_tells_only_whom_a_session_met_itself(vibe: Vibe, repo: GitRepo, alpha: Path, beta: Path) -> None:
    change(alpha, 1, "alpha")
    vibe("promote", "alpha")
    repo.git("merge", "--quiet", "refs/vibes/alpha")
    change(alpha, 2, "alpha")
    change(beta, 9, "beta")
    rows = {row["name"]: row["overlaps_with"] for row in vibe.data("status")["sessions"]}
    assert rows == {"alpha": ["beta"], "beta": ["alpha", "upstream"]}


# The radar


def events(repo: GitRepo) -> list[dict[str, Any]]:
    log = repo.vibe_dir / "logs" / "events.jsonl"
    return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []


def between(repo: GitRepo) -> dict[str, list[str]]:
    """Who met where, as the log of events has it."""
    return {event["path"]: event["between"] for event in events(repo) if event["event"] == "overlap"}


def wait_for(repo: GitRepo, path: str, *names: str) -> None:
    wait_until(lambda: between(repo).get(path) == list(names), what=f"an event about {path}")


def test_overlap_is_in_the_log_of_events_soon(vibe: Vibe, repo: GitRepo, alpha: Path, beta: Path) -> None:
    change(alpha, 3, "alpha")
    change(beta, 3, "beta")
    wait_for(repo, "ten", "alpha", "beta")
    (event,) = events(repo)
    assert set(event) == {"time", "event", "path", "between"}


def test_every_kind_of_change_is_noticed(vibe: Vibe, repo: GitRepo) -> None:
    kinds = ["write", "append", "truncate", "unlink", "renamed", "replaced", "chmod", "linked", "tree/renamed"]
    repo.commit(dict.fromkeys(kinds, "base\n"))
    alpha, beta = (Path(vibe("spawn", name)) for name in ("alpha", "beta"))
    for kind in kinds:
        (alpha / kind).write_text("alpha\n")
    (beta / "other").write_text("x")
    wait_until(lambda: known_changes(repo, "write") and known_changes(repo, "other"), what="the first look")
    (beta / "write").write_text("beta\n")
    with (beta / "append").open("a") as opened:
        opened.write("beta\n")
    os.truncate(beta / "truncate", 0)
    (beta / "unlink").unlink()
    (beta / "renamed").rename(beta / "moved")
    (beta / "run.sh").rename(beta / "replaced")
    (beta / "chmod").chmod(0o755)
    (beta / "linked").unlink()
    os.link(beta / "README", beta / "linked")
    (beta / "tree").rename(beta / "forest")
    wait_until(lambda: set(kinds) <= set(between(repo)), what="an event for each kind of change")


def known_changes(repo: GitRepo, *paths: str) -> list[str]:
    """Sessions of which the radar knows one of the paths."""
    file = repo.vibe_dir / "radar.json"
    changed = json.loads(file.read_text())["changed"] if file.exists() else {}
    return [name for name, found in changed.items() if set(paths) & set(found)]


def test_writing_what_upstream_has_changed_is_noticed(vibe: Vibe, repo: GitRepo, alpha: Path) -> None:
    repo.commit({"README": "up\n"})
    (alpha / "other").write_text("x")
    wait_until(lambda: known_changes(repo, "other"), what="the first look")
    (alpha / "README").write_text("alpha\n")
    wait_for(repo, "README", "alpha", "upstream")
    repo.commit({"ten": "up\n"})
    (alpha / "ten").write_text("alpha\n")
    wait_for(repo, "ten", "alpha", "upstream")


def test_ignored_files_are_no_news(vibe: Vibe, repo: GitRepo, alpha: Path, beta: Path) -> None:
    for session in (alpha, beta):
        (session / "x.log").write_text(session.name)
        (session / "README").write_text(session.name)
    wait_for(repo, "README", "alpha", "beta")
    assert list(between(repo)) == ["README"]


def test_sessions_that_are_not_mounted_count(vibe: Vibe, repo: GitRepo, alpha: Path, beta: Path) -> None:
    (alpha / "README").write_text("alpha\n")
    vibe("daemon", "stop", "--all")
    assert mounts_below(alpha.parent) == []
    vibe("spawn", "beta")
    (beta / "README").write_text("beta\n")
    wait_for(repo, "README", "alpha", "beta")


def test_met_again_after_a_promote_is_told_again(vibe: Vibe, repo: GitRepo, alpha: Path, beta: Path) -> None:
    (alpha / "README").write_text("alpha\n")
    (beta / "README").write_text("beta\n")
    wait_for(repo, "README", "alpha", "beta")
    vibe("promote", "alpha")
    repo.git("merge", "--quiet", "refs/vibes/alpha")
    (alpha / "README").write_text("again\n")
    wait_for(repo, "README", "alpha", "beta", "upstream")


def test_session_of_the_same_name_is_another(vibe: Vibe, repo: GitRepo, alpha: Path, beta: Path) -> None:
    for count in (1, 2):
        (alpha / "README").write_text("alpha\n")
        (beta / "README").write_text("beta\n")
        wait_until(lambda count=count: len(events(repo)) == count, what="an event")  # type: ignore[misc]
        vibe("close", "--force", "beta")
        vibe("spawn", "beta")


def test_idle_sessions_cost_nothing(vibe: Vibe, repo: GitRepo, alpha: Path, beta: Path) -> None:
    (alpha / "README").write_text("alpha\n")
    (beta / "README").write_text("beta\n")
    wait_for(repo, "README", "alpha", "beta")
    pids = [vibe.data("status")["daemon"]["pid"], *(row["pid"] for row in vibe.data("status")["sessions"])]
    wait_until(lambda: len({switches(pid) for pid in pids for _ in range(2)}) <= len(pids), what="rest")
    before = [switches(pid) for pid in pids]
    time.sleep(1.0)
    assert [switches(pid) for pid in pids] == before


def switches(pid: int) -> tuple[int, str]:
    """How often a process was woken."""
    status = Path(f"/proc/{pid}/status").read_text()
    return pid, next(line for line in status.splitlines() if line.startswith("voluntary_ctxt_switches"))


# The hooks of agents


def told(vibe: Vibe, event: str, cwd: Path, **payload: Any) -> str:
    """What an agent in `cwd` is told: the additional context, or what its user sees."""
    given = {"hook_event_name": event, "session_id": "x", "cwd": str(cwd), **payload}
    done = vibe.run("hook", "agent", event, cwd=cwd, stdin=json.dumps(given).encode())
    assert (done.code, done.err) == (0, "")
    if not done.out:
        return ""
    answer = json.loads(done.out)
    if "systemMessage" in answer:
        return str(answer["systemMessage"])
    assert answer["hookSpecificOutput"]["hookEventName"] == event
    return str(answer["hookSpecificOutput"]["additionalContext"])


def test_agent_is_told_once_and_again_when_it_begins_anew(vibe: Vibe, repo: GitRepo, alpha: Path, beta: Path) -> None:
    (alpha / "README").write_text("alpha\n")
    assert told(vibe, "PostToolUse", alpha) == ""
    (beta / "README").write_text("beta\n")
    wait_for(repo, "README", "alpha", "beta")
    words = told(vibe, "PostToolUse", alpha)
    assert "beta" in words
    assert "README" in words
    assert "git vibe status --conflicts alpha" in words
    assert told(vibe, "PostToolUse", alpha) == ""
    assert told(vibe, "UserPromptSubmit", alpha) == ""
    assert told(vibe, "SessionStart", alpha) == words
    assert "alpha" in told(vibe, "Stop", beta)


def test_agent_is_told_before_it_writes(vibe: Vibe, repo: GitRepo, alpha: Path, beta: Path) -> None:
    (beta / "README").write_text("beta\n")
    wait_until(lambda: known_changes(repo, "README"), what="the first look")
    edit = {"tool_name": "Edit", "tool_input": {"file_path": str(alpha / "README")}}
    assert "beta" in told(vibe, "PreToolUse", alpha, **edit)
    assert told(vibe, "PreToolUse", alpha, **edit) == ""
    other = {"tool_name": "Edit", "tool_input": {"file_path": str(alpha / "ten")}}
    assert told(vibe, "PreToolUse", alpha, **other) == ""


def test_agent_is_told_that_upstream_moved(vibe: Vibe, repo: GitRepo, alpha: Path) -> None:
    (alpha / "README").write_text("alpha\n")
    repo.commit({"README": "up\n"})
    words = told(vibe, "UserPromptSubmit", alpha)
    assert "1 commit behind" in words
    assert "git vibe rebase alpha" in words
    assert told(vibe, "UserPromptSubmit", alpha) == ""


def test_plain_text_for_whoever_names_no_event(vibe: Vibe, repo: GitRepo, alpha: Path) -> None:
    repo.commit({"README": "up\n"})
    assert vibe.run("hook", "agent", "step", cwd=alpha).out.startswith("git-vibe: session 'alpha' is 1 commit behind")


def test_agent_is_never_held_up(vibe: Vibe, repo: GitRepo, alpha: Path, tmp_path: Path) -> None:
    odd = (b"", b"{", b"[]", b'{"cwd": "/nowhere", "tool_name": "Edit", "tool_input": 7}')
    for cwd, stdin in [(alpha, odd[0]), (repo.path, odd[1]), (tmp_path, odd[2]), (alpha, odd[3])]:
        done = vibe.run("hook", "agent", "PreToolUse", cwd=cwd, stdin=stdin)
        assert tuple(done) == (0, "", "")


def test_agent_elsewhere_is_known_by_its_environment(vibe: Vibe, repo: GitRepo, alpha: Path, tmp_path: Path) -> None:
    repo.commit({"README": "up\n"})
    done = vibe.run("hook", "agent", "step", cwd=tmp_path, env={"GIT_VIBE_MOUNT": str(alpha)})
    assert "session 'alpha' is 1 commit behind" in done.out
