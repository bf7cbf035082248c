"""Submodules: which repository below the common directory has what the commit of a superproject records.

What is known about the submodules of a base is listed in the file `submodules` beside its table, as JSON.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from git_vibe.git.command import run_git_status
from git_vibe.git.table import Table, build_table, with_submodules
from git_vibe.types import Oid

_LISTING = "submodules"
_SEPARATOR = re.compile(r"[/\\]")


class Submodule(NamedTuple):
    """A submodule at `path` of a superproject, at the commit that is recorded there.

    `store` is its repository relative to the common directory, `outer` the one of its superproject in the same way;
    `shown` tells that it has the commit.
    """

    path: bytes
    commit: Oid
    store: str | None
    shown: bool
    outer: str = "."


def show_submodules(
    common_dir: Path, commit: str, data: bytes, *, store: str = ".", prefix: bytes = b""
) -> tuple[bytes, list[Submodule]]:
    """The table of a commit with the content of its submodules, as far as it is there, and a list of all of them.

    `store` and `prefix` say which submodule the commit is of. Raises GitError when objects are missing.
    """
    table = Table(memoryview(data))
    links = table.gitlinks()
    names = _names(common_dir / store, commit) if links else {}
    found, contents = [], {}
    for path, row in links.items():
        module = _located(common_dir, store, Oid(table.oid(row).hex()), prefix + path, names.get(path))
        found.append(module)
        if module.shown and module.store is not None:
            content = build_table(common_dir / module.store, module.commit, table.mtime_ns)
            content, nested = show_submodules(
                common_dir, module.commit, content, store=module.store, prefix=module.path + b"/"
            )
            contents[row] = Table(memoryview(content))
            found += nested
    return (with_submodules(data, contents) if links else data), found


def _names(repository: Path, commit: str) -> dict[bytes, str]:
    """Names of submodules by path, as `.gitmodules` has them; without those that lead out of `modules`."""
    command = ["config", "-z", "--blob", f"{commit}:.gitmodules", "--get-regexp", r"^submodule\..*\.path$"]
    items = run_git_status(command, cwd=repository).stdout.split(b"\0")[:-1]
    pairs = (item.partition(b"\n")[::2] for item in items)
    names = {path: os.fsdecode(key)[len("submodule.") : -len(".path")] for key, path in pairs}
    return {path: name for path, name in names.items() if ".." not in _SEPARATOR.split(name)}


def _located(common_dir: Path, store: str, commit: Oid, path: bytes, name: str | None) -> Submodule:
    if name is None:
        return Submodule(path, commit, None, shown=False, outer=store)
    module = os.path.normpath(os.path.join(store, "modules", name))
    return Submodule(path, commit, module, shown=has_commit(common_dir / module, commit), outer=store)


def has_commit(repository: Path, commit: Oid) -> bool:
    """Whether a repository is there and has the commit and its tree."""
    if not (repository / "HEAD").exists():
        return False
    return run_git_status(["cat-file", "-e", f"{commit}^{{tree}}"], cwd=repository).returncode == 0


def has_arrived(common_dir: Path, directory: Path) -> bool:
    """Whether a submodule that was missing when the cache `directory` was built is there now."""
    missing = [each for each in listed(directory) if not each.shown and each.store is not None]
    return any(has_commit(common_dir / str(each.store), each.commit) for each in missing)


def list_submodules(directory: Path, found: list[Submodule]) -> None:
    """Write the listing of the cache `directory`, where there is anything to list."""
    if found:
        rows = [[os.fsdecode(each.path), *each[1:]] for each in found]
        (directory / _LISTING).write_text(json.dumps(rows))


def listed(directory: Path) -> list[Submodule]:
    """The submodules of the base whose cache is `directory`."""
    try:
        rows = json.loads((directory / _LISTING).read_bytes())
    except FileNotFoundError:
        return []
    return [Submodule(os.fsencode(path), Oid(commit), *rest) for path, commit, *rest in rows]


def shown_stores(common_dir: Path, directory: Path) -> Mapping[bytes, Path]:
    """Repositories of the submodules that a base shows, by path."""
    return {each.path: common_dir / each.store for each in listed(directory) if each.shown and each.store is not None}


def all_stores(repository: Path) -> Iterator[Path]:
    """The repositories of all submodules of a repository, also nested ones."""
    pending = [repository / "modules"]
    while pending:
        directory = pending.pop()
        is_store = (directory / "HEAD").exists()
        if is_store:
            yield directory
            pending.append(directory / "modules")
        elif directory.is_dir():
            pending += [each for each in directory.iterdir() if each.is_dir()]
