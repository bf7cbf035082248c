"""Showing files as a checkout would: line endings, `ident`, encodings, filter drivers, Git LFS, replaced objects.

Files whose checkout differs from their blob are written when the base of a commit is built, once for all its sessions,
into `converted/<row>` beside the base table; what Git LFS has is a link to its own copy. A repository in which nothing
can be converted is recognised without starting git.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
from collections.abc import Container, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from git_vibe.git import submodule
from git_vibe.git.command import run_git
from git_vibe.git.conversion import Rules, is_lfs
from git_vibe.git.modes import MODE_EXECUTABLE, MODE_FILE
from git_vibe.git.refs import replacements
from git_vibe.git.table import Table
from git_vibe.session.lfs import has_arrived, resolve
from git_vibe.session.submodules import shows_submodules
from git_vibe.session.workspace import Workspace
from git_vibe.store.record import SessionRecord
from git_vibe.types import Oid

if TYPE_CHECKING:
    from git_vibe.git.checkout import Checkout

_ATTRIBUTES = b".gitattributes"
_SYSTEM_ATTRIBUTES = Path("/etc/gitattributes")
_REGULAR = (MODE_FILE, MODE_EXECUTABLE)
_LINKS = "-links"
_REPLACED = "-replaced-"


# Which cache


def base_key(ws: Workspace, commit: Oid) -> str:
    """Name of the cache of a commit under the conversion settings that are in force.

    Content of Git LFS, or a submodule, that has come in since a cache was built makes another one.
    """
    rules = Rules(ws.repo.config)
    plain = key = commit + _suffix(rules, _outside_attributes(ws)) + _variant(ws)
    generation = 0
    while _is_outdated(ws, ws.layout.base_cache(key)):
        generation += 1
        key = f"{plain}.{generation}"
    return key


def _is_outdated(ws: Workspace, directory: Path) -> bool:
    return has_arrived(ws, directory) or submodule.has_arrived(ws.layout.common_dir, directory)


def _suffix(rules: Rules, attributes: bytes) -> str:
    """What tells caches of one commit apart; nothing where there are no settings."""
    if not rules.enabled:
        return "-raw"
    if not rules.settings and not attributes:
        return ""
    import hashlib

    digest = hashlib.sha256(repr(sorted(rules.settings.items())).encode() + b"\0" + attributes)
    return f"-{digest.hexdigest()[:12]}"


def _variant(ws: Workspace) -> str:
    """What tells caches apart whose rows are others than the commit's."""
    variant = "" if ws.repo.config.boolean("core.symlinks", default=True) else _LINKS
    variant += "" if shows_submodules(ws) else "-empty"
    replaced = sorted(replacements(ws.layout.common_dir).items())
    if not replaced:
        return variant
    import hashlib

    return f"{variant}{_REPLACED}{hashlib.sha256(repr(replaced).encode()).hexdigest()[:12]}"


def shows_the_same(ws: Workspace, commit: Oid, key: str) -> bool:
    """Whether a cache of the name `key` would be built again with the same files, but for what has come in since."""
    return base_key(ws, commit).partition(".")[0] == key.partition(".")[0]


def is_plain(key: str) -> bool:
    """Whether the rows of a cache are those of the commit, so that others can be made from them."""
    return _LINKS not in key and _REPLACED not in key


def _outside_attributes(ws: Workspace) -> bytes:
    """Content of all files with attributes that are not in the commit."""
    found = []
    for path in _attribute_files(ws):
        with contextlib.suppress(OSError):
            found.append(path.read_bytes())
    return b"\0".join(found)


def _attribute_files(ws: Workspace) -> list[Path]:
    configured = ws.repo.config.text("core.attributesfile")
    home = Path(os.environ.get("XDG_CONFIG_HOME") or os.path.expanduser("~/.config"))
    own = Path(configured).expanduser() if configured else home / "git" / "attributes"
    system = [] if os.environ.get("GIT_ATTR_NOSYSTEM") else [_SYSTEM_ATTRIBUTES]
    return [*system, own, ws.layout.common_dir / "info" / "attributes"]


def converted_file(ws: Workspace, record: SessionRecord, path: bytes) -> Path | None:
    """The file with what a session shows for a clean path, or None where that is the blob."""
    directory = ws.layout.base_cache(record.base_key)
    if not (directory / "converted").exists():
        return None
    table, row = Table.open(directory / "table"), 0
    for name in path.split(b"/"):
        found = table.find(row, name)
        if found is None:
            return None
        row = found
    return directory / "converted" / str(row) if table.converted[row] else None


def conversions_are_whole(directory: Path) -> bool:
    """Whether the converted files of a cache are all there with their sizes; what Git LFS keeps is not looked at."""
    table, found = Table.open(directory / "table"), {}
    with contextlib.suppress(FileNotFoundError), os.scandir(directory / "converted") as entries:
        found = {int(entry.name): entry.stat(follow_symlinks=False) for entry in entries}
    return len(found) == bytes(table.converted).count(1) and all(
        stat.S_ISLNK(status.st_mode) or status.st_size == table.size[row] for row, status in found.items()
    )


# Building


def convert(ws: Workspace, commit: Oid, table: Table, directory: Path) -> dict[int, int]:
    """Write what differs below `directory` and return the size of each such row. Raises FilterFailed or GitError."""
    rules, replaced = Rules(ws.repo.config), replacements(ws.layout.common_dir)
    if not replaced and not _may_convert(ws, rules, table):
        return {}
    from git_vibe.git.checkout import Checkout

    root = directory / "checkout"
    checkout = Checkout(ws.layout.common_dir, commit, root)
    try:
        return _convert(ws, rules, replaced, table, checkout, directory)
    finally:
        shutil.rmtree(root, ignore_errors=True)


def _may_convert(ws: Workspace, rules: Rules, table: Table) -> bool:
    if not rules.enabled:
        return False
    return rules.converts_all or rules.may_matter(_outside_attributes(ws) + _inside_attributes(ws, table))


def _inside_attributes(ws: Workspace, table: Table) -> bytes:
    """Content of all files with attributes that are in the commit."""
    if not table.mentions(_ATTRIBUTES):
        return b""
    oids = [table.oid(row).hex() for row in range(table.count) if table.name(row) == _ATTRIBUTES]
    return run_git(
        ["cat-file", "--batch"], cwd=ws.layout.common_dir, stdin="".join(f"{oid}\n" for oid in oids).encode()
    )


def _convert(
    ws: Workspace, rules: Rules, replaced: Container[bytes], table: Table, checkout: Checkout, directory: Path
) -> dict[int, int]:
    files = {path: row for row, path in table.files() if table.mode[row] in _REGULAR}
    values = checkout.attributes(list(files)) if rules.enabled else {}
    pointed = {path: files[path] for path in values if is_lfs(values[path])}
    wanted = {
        path: row
        for path, row in files.items()
        if path not in pointed and (table.oid(row) in replaced or rules.may_change(values.get(path, {})))
    }
    if not wanted and not pointed:
        return {}
    (directory / "converted").mkdir()
    checkout.write(list(wanted))
    sizes = dict(_keep_differing(checkout, table, wanted, directory))
    if rules.resolves_lfs and pointed:
        sizes |= resolve(ws, table, pointed, directory)
    return sizes


def _keep_differing(
    checkout: Checkout, table: Table, files: Mapping[bytes, int], directory: Path
) -> Iterator[tuple[int, int]]:
    """Keep each file that is not its blob; yield its row and size."""
    from git_vibe.git.checkout import is_blob

    for path, row in files.items():
        written = checkout.location(path)
        if not is_blob(written, table.oid(row), table.size[row]):
            kept = directory / "converted" / str(row)
            os.rename(written, kept)
            yield row, kept.stat().st_size
