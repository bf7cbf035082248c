"""Making the commit of a promote: in whose name, with which message and signature.

Without an editor and without hooks it is a plain `git commit-tree`. Otherwise `git commit` itself makes it, in a git
directory of its own that is thrown away, on the session's work tree and an index that holds what is promoted: so
hooks, templates, comment lines and clean-up are git's, and no HEAD, index or branch of anybody moves.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from git_vibe.errors import PromoteRefused, UsageError
from git_vibe.git.command import WRITTEN_OUT, run_git, run_git_attached, run_git_status
from git_vibe.session.commit_hooks import ensure_work_tree, put_hooks, runs_hooks
from git_vibe.session.identity import commit_environment
from git_vibe.session.scratch import Scratch
from git_vibe.session.signing import Signature, signature
from git_vibe.store.record import SessionRecord
from git_vibe.types import Oid

_QUIET = ("-c", "maintenance.auto=false", "-c", "gc.auto=0", "-c", "core.fsmonitor=false")


class Wishes(NamedTuple):
    """How a promote is wanted.

    `only` are pathspecs, `keep_commits` publishes the agent's own commits, `sign` None leaves it to `vibe.sign`,
    `verify` lets pre-commit and commit-msg hooks have their say.
    """

    message: str | None = None
    edit: bool = False
    only: tuple[str, ...] = ()
    keep_commits: bool = False
    include_ignored: bool = False
    sign: bool | None = None
    verify: bool = True


class Authored(NamedTuple):
    """A commit, what its hooks said, and the public key where a session's key signed it."""

    commit: Oid
    words: str = ""
    key: str | None = None


def author(scratch: Scratch, tree: Oid, parents: Sequence[Oid], wishes: Wishes) -> Authored:
    """Commit a tree. Raises PromoteRefused, UsageError or GitError; nothing but objects has been written then."""
    if wishes.message is not None and not wishes.message.strip():
        raise UsageError("the message is empty", "leave -m away for the usual message")
    signed = signature(scratch.ws, scratch.record.name, wanted=wishes.sign)
    environment = commit_environment(scratch.ws, scratch.record.agent)
    if wishes.edit or runs_hooks(scratch.ws, scratch.record, verify=wishes.verify):
        return _Commit(scratch, wishes, signed, environment).make(tree, parents)
    command = [*WRITTEN_OUT, *signed.config, "commit-tree", signed.option, tree]
    for parent in parents:
        command += ["-p", parent]
    done = run_git([*command, "-F", "-"], cwd=scratch.ws.repo.common_dir, env=environment, stdin=_text(scratch, wishes))
    return Authored(Oid(done.decode().strip()), key=signed.public)


def default_message(record: SessionRecord) -> str:
    """The subject of a promote that has no words of its own."""
    return f"VibeFS: Promote session '{record.name}'"


def trailers(record: SessionRecord) -> list[str]:
    """What the message of every promote ends with."""
    agent = [f"Vibe-Agent: {record.agent}"] if record.agent else []
    return [f"Vibe-Session: {record.name}", *agent, f"Vibe-Base: {record.base}"]


def _text(scratch: Scratch, wishes: Wishes) -> bytes:
    """The whole message; git places the trailers below trailers the message has."""
    ending = trailers(scratch.record)
    if wishes.message is None:
        return os.fsencode("\n".join([default_message(scratch.record), "", *ending, ""]))
    command = ["interpret-trailers", "--no-divider", *(f"--trailer={trailer}" for trailer in ending)]
    text = wishes.message.rstrip("\n") + "\n"
    return run_git(command, cwd=scratch.worktree, env=scratch.environment, stdin=os.fsencode(text))


class _Commit:
    """One run of `git commit` in a git directory of its own."""

    def __init__(self, scratch: Scratch, wishes: Wishes, signed: Signature, identity: Mapping[str, str]) -> None:
        self.scratch = scratch
        self.wishes = wishes
        self.signed = signed
        self.git_dir = scratch.root / "git"
        self.environment = {
            **identity,
            "GIT_DIR": os.fspath(self.git_dir),
            "GIT_WORK_TREE": scratch.record.mount,
            "GIT_INDEX_FILE": os.fspath(scratch.root / "staged"),
        }

    def make(self, tree: Oid, parents: Sequence[Oid]) -> Authored:
        """Commit. Raises PromoteRefused."""
        self._prepare(tree, parents)
        words = self._run()
        return Authored(Oid((self.git_dir / "HEAD").read_text().strip()), words, self.signed.public)

    def _prepare(self, tree: Oid, parents: Sequence[Oid]) -> None:
        """The stat data of the session's index is kept, so that git need not read what did not change."""
        ws = self.scratch.ws
        ensure_work_tree(ws, self.scratch.record)
        self.git_dir.mkdir()
        (self.git_dir / "HEAD").write_text(f"{parents[0]}\n")
        (self.git_dir / "commondir").write_text(f"{ws.repo.common_dir}\n")
        if len(parents) > 1:
            (self.git_dir / "MERGE_HEAD").write_text("".join(f"{parent}\n" for parent in parents[1:]))
        shutil.copyfile(self.scratch.index, self.environment["GIT_INDEX_FILE"])
        run_git(["read-tree", "--reset", tree], cwd=self.scratch.record.mount, env=self.environment)

    def _run(self) -> str:
        """Commit and return what hooks said; an editor gets the terminal."""
        if self.wishes.edit:
            if run_git_attached(self._command(), cwd=self.scratch.record.mount, env=self.environment) != 0:
                raise self._refused("")
            return ""
        done = run_git_status(self._command(), cwd=self.scratch.record.mount, env=self.environment)
        words = (done.stdout + done.stderr).decode(errors="replace").strip()
        if done.returncode != 0:
            raise self._refused(words)
        return words

    def _command(self) -> list[str]:
        scratch, wishes = self.scratch, self.wishes
        hooks = put_hooks(scratch.ws, scratch.record, scratch.root / "hooks", verify=wishes.verify)
        options = [
            "--edit" if wishes.edit else "--no-edit",
            *([] if wishes.verify else ["--no-verify"]),
            *(f"--trailer={trailer}" for trailer in trailers(scratch.record)),
            f"--message={wishes.message or default_message(scratch.record)}",
        ]
        config = [*_QUIET, *WRITTEN_OUT, *self.signed.config, "-c", f"core.hooksPath={hooks}"]
        return [*config, "commit", "--quiet", self.signed.option, *options]

    def _refused(self, words: str) -> PromoteRefused:
        """Why there is no commit, told by how far git came: it writes the message after the pre-commit hook."""
        name = self.scratch.record.name
        message = self.git_dir / "COMMIT_EDITMSG"
        again = f"run `git vibe promote {name}` again"
        if not message.exists():
            what = f"the pre-commit hook of the repository refused to promote session '{name}'"
            return PromoteRefused(_with(what, words), f"nothing was changed; mend it and {again}, or add --no-verify")
        if self.wishes.edit and not self._has_text(message):
            return PromoteRefused(f"the message is empty: session '{name}' was not promoted", f"{again} when you like")
        kept = self.scratch.paths.root / "COMMIT_EDITMSG"
        shutil.copyfile(message, kept)
        what = f"git made no commit of session '{name}': a hook refused its message, or signing it failed"
        hint = f"nothing was changed; mend it and {again}, or add --no-verify; the message is in {kept}"
        return PromoteRefused(_with(what, words), hint)

    def _has_text(self, message: Path) -> bool:
        stripped = run_git(
            ["stripspace", "--strip-comments"], cwd=self.scratch.ws.repo.worktree, stdin=message.read_bytes()
        )
        return any(line not in map(str.encode, trailers(self.scratch.record)) for line in stripped.splitlines() if line)


def _with(what: str, words: str) -> str:
    return f"{what}:\n{words}" if words else what
