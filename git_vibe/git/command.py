"""Running git: the one place that starts it.

git exports GIT_DIR, GIT_INDEX_FILE and more to hooks and aliases; a call that chooses its own directory or git
directory must not inherit them. GIT_CONFIG_PARAMETERS (from `git -c`) always stays.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from typing import IO

from git_vibe.errors import GitError

_REPOSITORY_VARIABLES = (
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_COMMON_DIR",
    "GIT_PREFIX",
    "GIT_NAMESPACE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_INTERNAL_SUPER_PREFIX",
    "GIT_SHALLOW_FILE",
    "GIT_QUARANTINE_PATH",
)

Arg = str | bytes

WRITTEN_OUT = ("-c", "core.fsync=all", "-c", "core.fsyncMethod=writeout-only")
"""Options of a git that writes objects: their bytes are on the way to the disk before their names are."""
NO_HOOKS = ("-c", "core.hooksPath=/dev/null")
"""Options of a git that only touches refs of git-vibe: they are nobody else's business, and hooks come and go."""
DURABLE = ("-c", "core.fsync=all")
"""Options of a git that moves a ref: afterwards the ref, and what was written out before, outlives a power cut."""


def scrubbed_environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment without the variables that would bind git to another repository, plus `extra`."""
    environment = {key: value for key, value in os.environ.items() if key not in _REPOSITORY_VARIABLES}
    environment["GIT_VIBE_HOOK"] = "0"
    environment.update(extra or {})
    return environment


def run_git(
    args: Sequence[Arg],
    *,
    cwd: str | os.PathLike[str] | None,
    env: Mapping[str, str] | None = None,
    stdin: bytes | None = None,
    ok: Sequence[int] = (0,),
) -> bytes:
    """Run git in `cwd` and return its standard output as bytes.

    `cwd` None means the caller's own directory and environment (discovery). `env` adds variables. Raises GitError
    with git's own words when the exit status is not one of `ok`.
    """
    done = run_git_status(args, cwd=cwd, env=env, stdin=stdin)
    if done.returncode not in ok:
        words = done.stderr.decode(errors="replace").strip() or f"exit status {done.returncode}"
        raise GitError(f"git {_shown(args)} failed: {words}")
    return done.stdout


def run_git_status(
    args: Sequence[Arg],
    *,
    cwd: str | os.PathLike[str] | None,
    env: Mapping[str, str] | None = None,
    stdin: bytes | None = None,
) -> subprocess.CompletedProcess[bytes]:
    """Run git with captured output and return status, standard output and standard error, whatever they are."""
    with subprocess.Popen(
        ["git", *args],
        cwd=cwd,
        env=scrubbed_environment(env) if cwd is not None else {**os.environ, **(env or {})},
        stdin=subprocess.DEVNULL if stdin is None else subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        try:
            output, errors = process.communicate(stdin)
        except BaseException:
            process.terminate()  # and not kill: git takes its lock files away
            process.wait()
            raise
    return subprocess.CompletedProcess(process.args, process.returncode, output, errors)


def run_git_attached(
    args: Sequence[Arg],
    *,
    cwd: str | os.PathLike[str],
    env: Mapping[str, str] | None = None,
) -> int:
    """Run git on the user's own terminal (pager, editor, colours) and return its exit status, 128+N for a signal."""
    status = subprocess.run(["git", *args], cwd=cwd, env=scrubbed_environment(env), check=False).returncode
    return status if status >= 0 else 128 - status


def run_tool(args: Sequence[str]) -> None:
    """Run a program that git itself uses. Raises GitError with its words, or FileNotFoundError."""
    done = subprocess.run(args, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    if done.returncode != 0:
        words = (done.stderr + done.stdout).decode(errors="replace").strip()
        raise GitError(f"{args[0]} failed: {words or f'exit status {done.returncode}'}")


def stream_git(
    args: Sequence[Arg], *, cwd: str | os.PathLike[str], output: IO[bytes], stdin: bytes | None = None
) -> None:
    """Run git with its standard output going to the file `output`. Raises GitError."""
    done = subprocess.run(
        ["git", *args],
        cwd=cwd,
        env=scrubbed_environment(),
        input=stdin,
        stdout=output,
        stderr=subprocess.PIPE,
        check=False,
    )
    if done.returncode != 0:
        raise GitError(f"git {_shown(args)} failed: {done.stderr.decode(errors='replace').strip()}")


def _shown(args: Sequence[Arg]) -> str:
    words = [os.fsdecode(arg) for arg in args if not os.fsdecode(arg).startswith(("-c", "--no-"))]
    return words[0] if words else ""
