"""`git vibe hook`: hooks that are there keep working and run first, and come back as they were."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.support.gitrepo import GitRepo
from tests.support.hooks import logged, recording_hook
from tests.support.runner import Vibe
from tests.support.trees import tree

EVENTS = ("post-checkout", "post-merge", "post-rewrite", "pre-commit", "pre-push", "reference-transaction")
ZEROS = "0" * 40


@pytest.fixture
def hooks(repo: GitRepo) -> Path:
    """`.git/hooks`, empty."""
    (repo.path / ".git" / "hooks").mkdir(exist_ok=True)
    return repo.path / ".git" / "hooks"


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where hooks of the user's write what they were told."""
    monkeypatch.setenv("HOOK_LOG", str(tmp_path / "log"))
    return tmp_path / "log"


@pytest.fixture
def session(vibe: Vibe, repo: GitRepo, hooks: Path) -> None:
    """A directory that the shims take for a session; nothing is mounted."""
    vibe("init")
    (repo.vibe_dir / "sessions" / "alpha").mkdir()


def git(repo: GitRepo, *args: str, cwd: Path | None = None, **env: str) -> subprocess.CompletedProcess[str]:
    """Run git, whatever it does."""
    return subprocess.run(
        ["git", *args], cwd=cwd or repo.path, env={**os.environ, **env}, capture_output=True, check=False, text=True
    )


def states(vibe: Vibe, cwd: Path | None = None) -> dict[str, str]:
    """State of each hook as `git vibe hook status` has it."""
    return {hook["event"]: hook["state"] for hook in vibe.data("hook", "status", cwd=cwd)["hooks"]}


def all_git_files(repo: GitRepo) -> dict[bytes, tuple[str, int, bytes]]:
    """Everything below `.git` but git-vibe's own state and objects."""
    return tree(repo.path / ".git", skip=(b"vibe", b"objects"))


# Installing and removing


@pytest.mark.parametrize("made", [True, False])
def test_installing_and_removing_leaves_no_trace(made: bool, vibe: Vibe, repo: GitRepo) -> None:  # noqa: FBT001
    if made:
        (repo.path / ".git" / "hooks").mkdir()
    before = all_git_files(repo)
    vibe("init")
    assert states(vibe) == dict.fromkeys(EVENTS, "installed")
    vibe("hook", "remove")
    assert all_git_files(repo) == before
    assert vibe.data("hook", "status")["installed"] is False
    assert vibe.data("hook", "remove") == {"removed": False, "left": []}


def test_init_without_hooks(vibe: Vibe, repo: GitRepo) -> None:
    before = all_git_files(repo)
    vibe("init", "--no-hooks")
    assert all_git_files(repo) == before
    vibe("hook", "install")
    assert states(vibe) == dict.fromkeys(EVENTS, "installed")


def test_installing_twice_changes_nothing(vibe: Vibe, repo: GitRepo, hooks: Path) -> None:
    recording_hook(hooks / "pre-commit")
    vibe("init")
    before = all_git_files(repo)
    vibe("hook", "install")
    vibe("init")
    assert all_git_files(repo) == before


def test_several_installations_at_once(vibe: Vibe, repo: GitRepo, hooks: Path, log: Path) -> None:
    recording_hook(hooks / "pre-commit")
    before = tree(hooks)
    vibe("init", "--no-hooks")
    assert [done.code for done in vibe.together(*[["hook", "install"]] * 4)] == [0] * 4
    assert states(vibe) == dict.fromkeys(EVENTS, "installed")
    repo.commit({"a": "1\n"})
    assert len(logged(log)) == 1
    vibe("hook", "remove")
    assert tree(hooks) == before


@pytest.mark.parametrize("kind", ["script", "binary", "link", "link to nothing", "not executable", "no first line"])
def test_removing_restores_every_kind_of_hook(kind: str, vibe: Vibe, hooks: Path, repo: GitRepo) -> None:
    hook = hooks / "pre-commit"
    if kind == "binary":
        shutil.copy(shutil.which("true") or "/bin/true", hook)
    elif kind.startswith("link"):
        hook.symlink_to("../../run.sh" if kind == "link" else "nowhere")
    else:
        hook.write_bytes(b"exit 0\n" if kind == "no first line" else b"#!/bin/sh\r\nexit 0\n")
        hook.chmod(0o640 if kind == "not executable" else 0o751)
    shutil.copy(hook, hooks / "reference-transaction", follow_symlinks=False)
    before = all_git_files(repo)
    vibe("init")
    assert states(vibe) == dict.fromkeys(EVENTS, "installed")
    if kind != "script":
        repo.commit({"a": "1\n"})
        repo.git("reset", "--quiet", "--hard", "HEAD~1")
    vibe("purge", "--force")
    after = all_git_files(repo)
    assert {path: after[path] for path in after if path.startswith(b"hooks")} == {
        path: before[path] for path in before if path.startswith(b"hooks")
    }


def test_purge_puts_hooks_back(vibe: Vibe, repo: GitRepo, hooks: Path) -> None:
    recording_hook(hooks / "pre-push")
    before = all_git_files(repo)
    vibe("init")
    vibe("purge", "--force")
    assert all_git_files(repo) == before


def test_a_hook_that_took_our_place_stays(vibe: Vibe, repo: GitRepo, hooks: Path, log: Path) -> None:
    (hooks / "pre-commit").write_text("#!/bin/sh\nexit 0\n")
    (hooks / "pre-commit").chmod(0o755)
    vibe("init")
    recording_hook(hooks / "pre-commit")
    newer = (hooks / "pre-commit").read_bytes()
    assert states(vibe)["pre-commit"] == "foreign"
    done = vibe.run("hook", "remove")
    assert (done.code, "hooks-before-git-vibe/pre-commit was kept and not put back" in done.err) == (0, True)
    assert (hooks / "pre-commit").read_bytes() == newer


def test_doctor_tells_about_hooks_that_are_not_ours_any_more(vibe: Vibe, hooks: Path, repo: GitRepo, log: Path) -> None:
    vibe("init")
    recording_hook(hooks / "pre-commit")
    (hooks / "post-merge").unlink()
    (hooks / "pre-push").write_text((hooks / "pre-push").read_text().replace("shim 1", "shim 0"))
    (hooks / "post-rewrite").write_text((hooks / "post-rewrite").read_text() + "echo mine\n")
    found = vibe.run("doctor")
    assert "pre-commit was replaced by another hook" in found.out + found.err
    assert "post-merge is missing" in found.out + found.err
    assert "pre-push is of another version" in found.out + found.err
    assert "post-rewrite was edited" in found.out + found.err
    vibe.run("doctor", "--repair")
    assert states(vibe) == dict.fromkeys(EVENTS, "installed")
    repo.commit({"a": "1\n"})
    assert logged(log) == ["['pre-commit'] []"]
    assert (hooks.with_name("hooks-before-git-vibe") / "post-rewrite.edited.1").read_text().endswith("echo mine\n")


@pytest.mark.fuse
def test_an_upgrade_installs_its_shims_with_the_next_session(vibe: Vibe, hooks: Path, repo: GitRepo, log: Path) -> None:
    recording_hook(hooks / "pre-commit")
    vibe("init")
    current = (hooks / "pre-commit").read_text()
    for event in ("pre-commit", "post-merge"):
        (hooks / event).write_text("#!/bin/sh\n# git-vibe hook shim 0: older\nexit 1\n")
    assert states(vibe)["post-merge"] == "outdated"
    vibe("spawn", "alpha")
    assert (hooks / "pre-commit").read_text() == (hooks / "post-merge").read_text() == current
    repo.commit({"a": "1\n"})
    assert logged(log) == ["['pre-commit'] []"]


# Hooks that are there


def test_arguments_and_input_reach_hooks_that_are_there(
    vibe: Vibe, repo: GitRepo, hooks: Path, log: Path, tmp_path: Path
) -> None:
    for event in EVENTS:
        recording_hook(hooks / event)
    steps = (
        ("commit", "--quiet", "--allow-empty", "--message", "one"),
        ("checkout", "--quiet", "-b", "side"),
        ("commit", "--quiet", "--amend", "--allow-empty", "--message", "two"),
        ("push", "--quiet", str(tmp_path / "remote.git"), "side"),
        ("checkout", "--quiet", "main"),
        ("merge", "--quiet", "--ff", "HEAD"),
    )
    repo.git("init", "--quiet", "--bare", str(tmp_path / "remote.git"))
    natively = [(git(repo, *step).returncode, logged(log)) for step in steps]
    repo.git("branch", "--quiet", "-D", "side")
    repo.git("reset", "--quiet", "--hard", "HEAD~1")
    shutil.rmtree(tmp_path / "remote.git")
    repo.git("init", "--quiet", "--bare", str(tmp_path / "remote.git"))
    vibe("init")
    (repo.vibe_dir / "sessions" / "alpha").mkdir()
    logged(log)
    assert [(git(repo, *step).returncode, logged(log)) for step in steps] == natively


@pytest.mark.parametrize("event", ["pre-commit", "reference-transaction"])
def test_the_exit_status_of_a_hook_counts(event: str, vibe: Vibe, repo: GitRepo, hooks: Path, log: Path) -> None:
    recording_hook(hooks / event)
    vibe("init")
    head = repo.git("rev-parse", "HEAD")
    assert git(repo, "commit", "--allow-empty", "-m", "x", HOOK_STATUS="7").returncode != 0
    assert repo.git("rev-parse", "HEAD") == head
    assert logged(log) != []


def test_the_exit_status_of_post_checkout_is_that_of_git(vibe: Vibe, repo: GitRepo, hooks: Path, log: Path) -> None:
    recording_hook(hooks / "post-checkout")
    vibe("init")
    assert git(repo, "checkout", "-q", "-b", "side", HOOK_STATUS="7").returncode == 1


def test_input_arrives_byte_for_byte_and_need_not_be_read(session: None, repo: GitRepo, hooks: Path) -> None:
    before = repo.path / ".git" / "hooks-before-git-vibe"
    before.mkdir(exist_ok=True)
    given = b"  a\\b\t\n\n" + b"x" * 300_000 + b"\n no end"
    for body, expected in (("cat", given), ("exit 0", b"")):
        (before / "pre-push").write_text(f"#!/bin/sh\n{body}\n")
        (before / "pre-push").chmod(0o755)
        done = subprocess.run([hooks / "pre-push", "o", "url"], cwd=repo.path, input=given, capture_output=True)
        assert (done.returncode, done.stdout, done.stderr) == (0, expected, b"")


def test_a_hook_finds_what_lies_beside_it(vibe: Vibe, repo: GitRepo, hooks: Path) -> None:
    (hooks / "common.sh").write_text('echo "$(basename "$0") in $(basename "$(dirname "$(dirname "$0")")")" >out\n')
    (hooks / "pre-commit").write_text('#!/bin/sh\n. "$(dirname "$0")/common.sh"\n')
    (hooks / "pre-commit").chmod(0o755)
    before = tree(hooks)
    vibe("init")
    repo.git("commit", "--quiet", "--allow-empty", "--message", "x")
    assert (repo.path / "out").read_text() == "pre-commit in .git\n"
    vibe("hook", "remove")
    assert tree(hooks) == before


def test_the_pre_commit_framework_may_come_before_and_after(vibe: Vibe, repo: GitRepo, hooks: Path) -> None:
    """Its script runs `<hook>.legacy` beside it first, and refuses to run below itself."""
    script = """\
#!/bin/sh
# File generated by pre-commit: https://pre-commit.com
[ -z "$PRE_COMMIT_RUNNING_LEGACY" ] || { echo "installed in migration mode"; exit 1; }
here=$(dirname "$0")
[ ! -x "$here/pre-commit.legacy" ] || PRE_COMMIT_RUNNING_LEGACY=1 "$here/pre-commit.legacy" "$@" || exit
echo ran >>out
"""

    def install_framework() -> None:
        if "generated by pre-commit" not in (hooks / "pre-commit").read_text():
            os.rename(hooks / "pre-commit", hooks / "pre-commit.legacy")
        (hooks / "pre-commit").write_text(script)
        (hooks / "pre-commit").chmod(0o755)

    (hooks / "pre-commit").write_text("#!/bin/sh\necho user >>out\n")
    (hooks / "pre-commit").chmod(0o755)
    install_framework()
    vibe("init")
    install_framework()
    expected = []
    for step in (None, ["hook", "install"], ["hook", "remove"]):
        _ = step and vibe(*step)
        (repo.path / "out").unlink(missing_ok=True)
        assert git(repo, "commit", "-q", "--allow-empty", "-m", "x").returncode == 0, step
        expected.append((repo.path / "out").read_text())
    assert [text.splitlines()[-1] for text in expected] == ["ran"] * 3
    assert (hooks / "pre-commit").read_text() == script


# core.hooksPath


@pytest.fixture(params=["relative", "absolute", "global"])
def husky(request: pytest.FixtureRequest, repo: GitRepo, tmp_path: Path) -> Path:
    """Hooks as husky has them, configured in one of three ways; `h` is what all of them run."""
    place = tmp_path / "shared" / "_" if request.param == "global" else repo.path / ".husky" / "_"
    place.mkdir(parents=True)
    (place / "h").write_text('echo "$(basename "$0") $(basename "$(dirname "$(dirname "$0")")")" >>"$HOOK_LOG"\n')
    for event in ("pre-commit", "post-merge"):
        (place / event).write_text('#!/usr/bin/env sh\n. "$(dirname "$0")/h"\n')
        (place / event).chmod(0o755)
    path = ".husky/_" if request.param == "relative" else str(place)
    repo.git("config", *(["--global"] if request.param == "global" else []), "core.hooksPath", path)
    if request.param != "global":
        repo.git("add", "--force", ".husky")
        repo.git("commit", "--quiet", "--no-verify", "--message", "husky")
    return place


def test_hooks_elsewhere_are_left_alone_and_run_first_once_that_is_asked_for(
    husky: Path, vibe: Vibe, repo: GitRepo, log: Path
) -> None:
    owner = husky.parent.name
    before, own, there = all_git_files(repo), repo.own_state(), tree(husky)
    done = vibe.run("init")
    assert (done.code, "run `git vibe hook install`" in done.err) == (0, True)
    assert (all_git_files(repo), repo.own_state(), tree(husky)) == (before, own, there)
    vibe("hook", "install")
    assert repo.git("status", "--porcelain") == ""
    assert tree(husky) == there
    (husky / "commit-msg").write_text('#!/bin/sh\n. "$(dirname "$0")/h"\n')
    (husky / "commit-msg").chmod(0o755)
    logged(log)
    repo.git("commit", "--quiet", "--allow-empty", "--message", "x")
    assert logged(log) == [f"pre-commit {owner}", f"commit-msg {owner}"]
    assert states(vibe) == dict.fromkeys(EVENTS, "installed")
    vibe("hook", "install")
    vibe("hook", "remove")
    assert (repo.path / ".git" / "config").read_bytes().hex() == own["config"]
    assert not (repo.path / ".git" / "vibe-hooks").exists()


def test_husky_may_set_its_path_again(vibe: Vibe, repo: GitRepo, log: Path) -> None:
    recording_hook(repo.path / ".husky" / "_" / "pre-commit")
    repo.git("config", "core.hooksPath", ".husky/_")
    vibe("init")
    vibe("hook", "install")
    repo.git("config", "core.hooksPath", ".husky/_")
    assert vibe.data("hook", "status")["way"] == "redirect"
    repo.git("commit", "--quiet", "--allow-empty", "--message", "x")
    assert logged(log) == ["['pre-commit'] []"]
    assert "the hooks are installed (redirect)" in vibe.run("doctor").out
    repo.git("config", "core.hooksPath", ".other")
    assert "core.hooksPath became '.other'" in vibe.run("doctor").out


def test_where_the_repository_moved_the_users_own_path_is_in_force(vibe: Vibe, repo: GitRepo, log: Path) -> None:
    recording_hook(repo.path / ".husky" / "_" / "pre-commit")
    repo.git("config", "core.hooksPath", ".husky/_")
    config = (repo.path / ".git" / "config").read_bytes()
    vibe("init")
    vibe("hook", "install")
    moved = GitRepo(repo.path.rename(repo.path.with_name("moved")))
    assert moved.git("config", "core.hooksPath") == ".husky/_"
    moved.git("commit", "--quiet", "--allow-empty", "--message", "x")
    assert logged(log) == ["['pre-commit'] []"]
    assert "core.hooksPath does not lead to the hooks of git-vibe" in vibe.run("doctor", cwd=moved.path).out
    vibe("hook", "install", cwd=moved.path)
    assert moved.git("config", "core.hooksPath") == str(moved.path / ".git" / "vibe-hooks")
    vibe("hook", "remove", cwd=moved.path)
    assert (moved.path / ".git" / "config").read_bytes() == config


# Git goes on without git-vibe


BROKEN = {
    "missing": None,
    "crashing": "#!/bin/sh\necho Traceback >&2\nexit 1\n",
    "without interpreter": "#!/nonexistent/python\n",
    "killed": "#!/bin/sh\nkill -9 $$\n",
}


@pytest.mark.parametrize("how", BROKEN)
def test_git_works_where_git_vibe_is_broken(
    how: str, session: None, repo: GitRepo, vibe: Vibe, hooks: Path, log: Path, tmp_path: Path
) -> None:
    vibe("hook", "remove")
    recording_hook(hooks / "pre-commit")
    vibe("hook", "install")
    programs = tmp_path / "programs"
    programs.mkdir()
    for program in ("git", "sh", "cat", "env"):
        (programs / program).symlink_to(shutil.which(program) or program)
    if BROKEN[how] is not None:
        (programs / "git-vibe").write_text(str(BROKEN[how]))
        (programs / "git-vibe").chmod(0o755)
    done = git(repo, "commit", "-q", "--allow-empty", "-m", "x", PATH=str(programs))
    assert (done.returncode, done.stderr) == (0, "")
    assert logged(log) == ["['pre-commit'] []"]


def test_hooks_go_on_where_the_state_was_deleted(vibe: Vibe, repo: GitRepo, hooks: Path, log: Path) -> None:
    recording_hook(hooks / "pre-commit")
    vibe("init")
    shutil.rmtree(repo.vibe_dir)
    done = git(repo, "commit", "-q", "--allow-empty", "-m", "x")
    assert (done.returncode, done.stderr) == (0, "")
    assert logged(log) == ["['pre-commit'] []"]
    vibe("hook", "remove")
    assert sorted(os.listdir(hooks)) == ["pre-commit"]


def test_nothing_of_ours_runs_without_a_session(
    vibe: Vibe, repo: GitRepo, tmp_path: Path, program_directory: Path
) -> None:
    vibe("init")
    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / "git-vibe").write_text(f"#!/bin/sh\necho ran >>{tmp_path / 'ran'}\n")
    (programs / "git-vibe").chmod(0o755)
    path = f"{programs}{os.pathsep}{os.environ['PATH']}"
    hooks = repo.path / ".git" / "hooks"
    assert not (hooks / "reference-transaction").exists()
    assert git(repo, "commit", "-q", "--allow-empty", "-m", "x", PATH=path).returncode == 0
    assert not (tmp_path / "ran").exists()
    (repo.vibe_dir / "sessions" / "alpha").mkdir()
    assert git(repo, "commit", "-q", "--allow-empty", "-m", "x", PATH=path, GIT_VIBE_HOOK="0").returncode == 0
    assert not (tmp_path / "ran").exists()
    assert git(repo, "commit", "-q", "--allow-empty", "-m", "x", PATH=path).returncode == 0
    assert (tmp_path / "ran").read_text() == "ran\n"


def env_of(pairs: Mapping[str, str]) -> dict[str, str]:
    """The environment with additions."""
    return {**os.environ, **pairs}


@pytest.mark.parametrize(
    ("lines", "started"),
    [
        (f"{ZEROS} {ZEROS} HEAD\n{ZEROS} {ZEROS} refs/vibes/alpha\n", False),
        (f"{ZEROS} {ZEROS} refs/tags/v1\n{ZEROS} {ZEROS} refs/stash\n", False),
        (f"{ZEROS} {ZEROS} HEAD\n{ZEROS} {ZEROS} refs/heads/main\n", True),
        (f"{ZEROS} {ZEROS} refs/remotes/origin/main\n", True),
    ],
)
@pytest.mark.parametrize("phase", ["prepared", "committed", "aborted"])
def test_only_branches_that_moved_start_python(
    lines: str,
    started: bool,  # noqa: FBT001
    phase: str,
    session: None,
    repo: GitRepo,
    tmp_path: Path,
) -> None:
    (tmp_path / "git-vibe").write_text('#!/bin/sh\necho "$@"; cat\n')
    (tmp_path / "git-vibe").chmod(0o755)
    hook = repo.path / ".git" / "hooks" / "reference-transaction"
    hook.unlink()
    shutil.copy(hook.with_name("pre-commit"), hook)
    done = subprocess.run(
        [hook, phase],
        cwd=repo.path, input=lines.encode(), capture_output=True, check=True,
        env=env_of({"PATH": f"{tmp_path}:{os.environ['PATH']}"}),
    )  # fmt: skip
    assert bool(done.stderr) == (started and phase == "committed")
    assert b"HEAD" not in done.stderr
