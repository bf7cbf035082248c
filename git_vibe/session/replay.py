"""Making commits anew on another one, in memory, as `git rebase` would."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from git_vibe.git.command import WRITTEN_OUT, run_git
from git_vibe.git.refs import is_ancestor
from git_vibe.session.identity import commit_environment
from git_vibe.session.merging import merge_trees
from git_vibe.session.scratch import Scratch
from git_vibe.session.signing import signature
from git_vibe.types import Oid

_BASE = re.compile(rb"^Vibe-Base: [0-9a-f]{40}$", re.MULTILINE)
_SIGNATURE = (b"gpgsig", b"gpgsig-sha256")


_Made = dict[tuple[Oid, Oid], Oid]


class Replayed(NamedTuple):
    """The commit that stands for the last one now, and the commits that were made anew with what they became."""

    tip: Oid
    pairs: tuple[tuple[Oid, Oid], ...] = ()


def replayed(scratch: Scratch, base: Oid, tip: Oid, onto: Oid, made: _Made) -> Replayed | None:
    """Apply the commits from `base` to `tip` on top of `onto`; None where they do not apply one by one.

    What `onto` has already, as a commit or by its change, is left out; nothing is done where `tip` came from `onto`.
    Authors, messages and signing stay. `made` collects commits by what they stand for, so that none is made twice.
    """
    cwd = scratch.ws.repo.common_dir
    if is_ancestor(onto, tip, cwd=cwd) and not is_ancestor(onto, base, cwd=cwd):
        return Replayed(tip)
    commits = _commits_since(scratch, base, tip, onto)
    if commits is None:
        return None
    sink, here, pairs = scratch.sink, onto, []
    tree = sink.tree_of(onto)
    for commit in commits:
        merge = merge_trees(scratch, base=_tree_before(scratch, commit), ours=tree, theirs=sink.tree_of(commit))
        if merge.conflicts:
            return None
        if merge.tree != tree or _is_empty(scratch, commit):
            key = (commit, here)
            if key not in made:
                made[key] = _commit_again(scratch, commit, merge.tree, here, onto)
            here, tree = made[key], merge.tree
            pairs.append((commit, here))
    return Replayed(here, tuple(pairs))


def _commits_since(scratch: Scratch, base: Oid, tip: Oid, onto: Oid) -> list[Oid] | None:
    """The commits to be applied, the oldest first; None where `tip` did not come from `base`."""
    cwd = scratch.ws.repo.common_dir
    if is_ancestor(tip, base, cwd=cwd):
        return []
    if not is_ancestor(base, tip, cwd=cwd):
        return None
    command = ["rev-list", "--reverse", "--first-parent", tip, "--not", base, onto]
    commits = [Oid(line) for line in run_git(command, cwd=cwd).decode().split()]
    there = _equivalent(base, tip, onto, cwd=cwd) if commits else set()
    return [commit for commit in commits if commit not in there]


def _equivalent(base: Oid, tip: Oid, onto: Oid, *, cwd: Path) -> set[Oid]:
    """Commits up to `tip` whose very change is in `onto` under another name."""
    lines = run_git(["cherry", onto, tip, base], cwd=cwd).decode().splitlines()
    return {Oid(line[2:]) for line in lines if line.startswith("- ")}


def _tree_before(scratch: Scratch, commit: Oid) -> Oid:
    return scratch.sink.tree_of(Oid(_headers(_raw(scratch, commit))[b"parent"].decode()))


def _is_empty(scratch: Scratch, commit: Oid) -> bool:
    """Whether a commit was made with no change at all: it was meant."""
    return scratch.sink.tree_of(commit) == _tree_before(scratch, commit)


def _raw(scratch: Scratch, commit: Oid) -> bytes:
    return run_git(["cat-file", "commit", commit], cwd=scratch.ws.repo.common_dir)


def _headers(raw: bytes) -> dict[bytes, bytes]:
    """The first of each header of a commit."""
    found: dict[bytes, bytes] = {}
    for line in raw.partition(b"\n\n")[0].split(b"\n"):
        key, _, value = line.partition(b" ")
        found.setdefault(key, value)
    return found


def _commit_again(scratch: Scratch, commit: Oid, tree: Oid, parent: Oid, base: Oid) -> Oid:
    """A commit with the author, the encoding and the message of another one; signed where that one is."""
    raw = _raw(scratch, commit)
    if any(key in _headers(raw) for key in _SIGNATURE):
        return _signed_again(scratch, raw, tree, parent, base)
    return _write(scratch, _rewritten(scratch, raw, tree, parent, base))


def _rewritten(scratch: Scratch, raw: bytes, tree: Oid, parent: Oid, base: Oid) -> bytes:
    headers, message = _headers(raw), _message(raw, base)
    lines = [b"tree " + tree.encode(), b"parent " + parent.encode(), b"author " + headers[b"author"]]
    lines.append(b"committer " + _committer(scratch))
    if b"encoding" in headers:
        lines.append(b"encoding " + headers[b"encoding"])
    return b"\n".join(lines) + b"\n\n" + message


def _message(raw: bytes, base: Oid) -> bytes:
    return _BASE.sub(b"Vibe-Base: " + base.encode(), raw.partition(b"\n\n")[2])


def _committer(scratch: Scratch) -> bytes:
    environment = commit_environment(scratch.ws, scratch.record.agent)
    return run_git(["var", "GIT_COMMITTER_IDENT"], cwd=scratch.ws.repo.common_dir, env=environment).rstrip(b"\n")


def _write(scratch: Scratch, commit: bytes) -> Oid:
    command = [*WRITTEN_OUT, "hash-object", "-t", "commit", "-w", "--stdin"]
    return Oid(run_git(command, cwd=scratch.worktree, env=scratch.environment, stdin=commit).decode().strip())


def _signed_again(scratch: Scratch, raw: bytes, tree: Oid, parent: Oid, base: Oid) -> Oid:
    signed = signature(scratch.ws, scratch.record.name, wanted=True)
    name, mail, date = _author(_headers(raw)[b"author"])
    author = {"GIT_AUTHOR_NAME": name, "GIT_AUTHOR_EMAIL": mail, "GIT_AUTHOR_DATE": date}
    environment = {**scratch.environment, **commit_environment(scratch.ws, scratch.record.agent), **author}
    command: Sequence[str] = [*WRITTEN_OUT, *signed.config, "commit-tree", signed.option, tree, "-p", parent, "-F", "-"]
    done = run_git(command, cwd=scratch.worktree, env=environment, stdin=_message(raw, base))
    return Oid(done.decode().strip())


def _author(line: bytes) -> tuple[str, str, str]:
    name, _, rest = line.decode(errors="surrogateescape").partition(" <")
    mail, _, date = rest.partition("> ")
    return name, mail, f"@{date}"
