"""Partial clones: what a commit needs and the clone left out is fetched at once, not object by object on reading."""

from __future__ import annotations

from pathlib import Path

from git_vibe.errors import GitError, ObjectMissing
from git_vibe.git.command import run_git
from git_vibe.git.repository import Config

_FETCH = (
    "-c", "fetch.negotiationAlgorithm=noop", "fetch", "--quiet", "--no-tags", "--no-write-fetch-head",
    "--no-auto-maintenance", "--recurse-submodules=no", "--filter=blob:none", "--stdin",
)  # fmt: skip


def fetch_missing(config: Config, commit: str, *, cwd: Path) -> None:
    """Make every object of a commit's tree be there; nothing to do in a whole clone. Raises ObjectMissing."""
    remotes = _promisors(config)
    missing = _missing(commit, cwd=cwd) if remotes else set()
    while missing:  # a tree that comes in may name others that are missing
        failures = [words for remote in remotes if (words := _fetch(remote, missing, cwd=cwd))]
        left = _missing(commit, cwd=cwd)
        if left & missing:
            raise _unavailable(commit, len(left), remotes, failures)
        missing = left


def _promisors(config: Config) -> list[str]:
    """Remotes that promised what is missing."""
    keys = (key.removeprefix("remote.").rpartition(".") for key in config.below("remote."))
    return [
        name
        for name, _, variable in keys
        if variable == "promisor" and config.boolean(f"remote.{name}.promisor", default=False)
    ]


def _missing(commit: str, *, cwd: Path) -> set[bytes]:
    command = ["rev-list", "--no-walk", "--objects", "--no-object-names", "--missing=print", commit]
    listing = run_git(command, cwd=cwd)
    return {line[1:] for line in listing.split(b"\n") if line.startswith(b"?")}


def _fetch(remote: str, objects: set[bytes], *, cwd: Path) -> str:
    """Fetch objects; git's words when it could not."""
    command = [*_FETCH, remote]
    try:
        run_git(command, cwd=cwd, stdin=b"".join(name + b"\n" for name in sorted(objects)))
    except GitError as error:
        return error.message
    return ""


def _unavailable(commit: str, count: int, remotes: list[str], failures: list[str]) -> ObjectMissing:
    what = "1 object is" if count == 1 else f"{count} objects are"
    return ObjectMissing(
        f"{what} missing for {commit[:12]} in this partial clone, and {', '.join(remotes)} did not give them:\n"
        + "\n".join(failures),
        "try again when the remote can be reached",
    )
