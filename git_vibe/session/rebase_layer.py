"""The layer that a rebase puts on top of a session: what a checkout of the merged tree over the session would write.

Files come from git with all conversions of a checkout. Names that go are whiteouts. What git does not know of, such as
ignored files, stays; where it is in the way, nothing is done.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import NamedTuple

from git_vibe.errors import SafetyCheckFailed
from git_vibe.git.checkout import Checkout
from git_vibe.git.conversion import Rules, is_lfs
from git_vibe.git.modes import MODE_EXECUTABLE, MODE_FILE, MODE_GITLINK, MODE_SYMLINK
from git_vibe.git.tracked import read_tracked
from git_vibe.git.write import Entry
from git_vibe.session.changes import Change
from git_vibe.session.lfs import show_content
from git_vibe.session.scratch import Scratch
from git_vibe.store.atomic import begin_writeback
from git_vibe.store.layer import copy_xattrs, make_whiteout
from git_vibe.store.layout import INODE_XATTR
from git_vibe.types import Oid

_SHOWN = 10
_ATTRIBUTES = b".gitattributes"


class Plan(NamedTuple):
    """Paths to be written with what they get, paths that go, directories that go with them.

    `links` are submodules, `skipped` paths that the session was told to leave out of its work tree. All without
    leading slash.
    """

    written: dict[bytes, Entry]
    links: frozenset[bytes]
    deleted: frozenset[bytes]
    emptied: frozenset[bytes]
    skipped: tuple[bytes, ...] = ()

    @property
    def paths(self) -> list[bytes]:
        """Every path the layer says something about."""
        return sorted(self.written.keys() | self.links | self.deleted | self.emptied)

    @property
    def files(self) -> int:
        """How many files are written or removed."""
        return len(self.written) + len(self.deleted)


def make_plan(scratch: Scratch, changes: Iterable[Change], new: Oid) -> Plan:
    """What turns a mounted session whose tree changes so into one whose tree is `new`.

    Raises SafetyCheckFailed when files that git does not know of, or was told not to look at, are in the way.
    """
    mount = os.fsencode(scratch.record.mount)
    shown = [change for change in changes if not _is_context(scratch, change.path)]
    skipped = _skipped(scratch, mount, shown)
    wanted = [change for change in shown if change.path not in skipped]
    deleted = frozenset(change.path for change in wanted if change.new_mode == 0)
    kept = {change.path for change in wanted if change.new_mode != 0}
    emptied = _emptied(mount, deleted, kept)
    _refuse_obstructed(mount, [change.path for change in wanted if change.old_mode == 0], deleted | emptied)
    links = frozenset(change.path for change in wanted if change.new_mode == MODE_GITLINK)
    written = entries_at(scratch, new, kept - links)
    return Plan(written, links, deleted, emptied, tuple(sorted(skipped)))


def _is_context(scratch: Scratch, path: bytes) -> bool:
    """Whether the context shows something of its own under a name, which no commit changes."""
    place = os.path.join(os.fsencode(scratch.ws.layout.context), path)
    return os.path.lexists(place) and not os.path.isdir(place)


def _skipped(scratch: Scratch, mount: bytes, changes: list[Change]) -> set[bytes]:
    """Paths git was told not to look at and that are not there. Raises SafetyCheckFailed for those that are."""
    tracked = read_tracked(cwd=scratch.worktree, env=scratch.environment)
    entries = (tracked.entry(change.path) for change in changes if change.old_mode)
    frozen = {entry.path for entry in entries if entry is not None and entry.frozen}
    present = [path for path in frozen if os.path.lexists(os.path.join(mount, path))]
    if present:
        raise SafetyCheckFailed(
            _listed("git was told not to look at files that upstream changed:", present),
            "`git update-index --no-skip-worktree --no-assume-unchanged <file>` in the session undoes that; then try"
            " again",
        )
    return frozen


def entries_at(scratch: Scratch, tree: Oid, paths: Collection[bytes]) -> dict[bytes, Entry]:
    """What a tree has at these paths, as far as it has anything there."""
    trees: dict[bytes, dict[bytes, Entry]] = {}

    def entries(directory: bytes) -> dict[bytes, Entry]:
        if directory not in trees:
            found = None if directory == b"" else entries(os.path.dirname(directory)).get(os.path.basename(directory))
            oid = tree if directory == b"" else found.oid if found is not None and found.is_tree else None
            trees[directory] = scratch.sink.read_tree(oid) if oid is not None else {}
        return trees[directory]

    found = ((path, entries(os.path.dirname(path)).get(os.path.basename(path))) for path in paths)
    return {path: entry for path, entry in found if entry is not None}


def _emptied(mount: bytes, deleted: Iterable[bytes], kept: Iterable[bytes]) -> frozenset[bytes]:
    """Directories that hold nothing any more, as git leaves none behind."""
    gone: dict[bytes, set[bytes]] = {}
    for path in deleted:
        gone.setdefault(os.path.dirname(path), set()).add(os.path.basename(path))
    needed = {above for path in kept for above in _above(path)}
    emptied: set[bytes] = set()
    pending = sorted({above for path in deleted for above in _above(path)}, key=lambda path: -path.count(b"/"))
    for directory in pending:
        if directory not in needed and _names(mount, directory) <= gone.get(directory, set()):
            emptied.add(directory)
            gone.setdefault(os.path.dirname(directory), set()).add(os.path.basename(directory))
    return frozenset(emptied)


def _above(path: bytes) -> list[bytes]:
    """The directories a path lies in, but the root."""
    parts = path.split(b"/")
    return [b"/".join(parts[:length]) for length in range(1, len(parts))]


def _names(mount: bytes, directory: bytes) -> set[bytes]:
    try:
        return set(os.listdir(os.path.join(mount, directory)))
    except OSError:
        return set()


def _refuse_obstructed(mount: bytes, added: list[bytes], gone: frozenset[bytes]) -> None:
    found = {obstacle for path in added for obstacle in _obstacles(mount, path, gone)}
    if found:
        raise SafetyCheckFailed(
            _listed("files that git does not know of are in the way:", found),
            "move or remove them in the session, then try again",
        )


def _listed(heading: str, paths: Collection[bytes]) -> str:
    more = [f"  and {len(paths) - _SHOWN} more"] if len(paths) > _SHOWN else []
    return "\n".join([heading, *(f"  {os.fsdecode(path)}" for path in sorted(paths)[:_SHOWN]), *more])


def _obstacles(mount: bytes, path: bytes, gone: frozenset[bytes]) -> list[bytes]:
    """What keeps a new file from being written at `path`."""
    found = [above for above in _above(path) if above not in gone and _is_file(os.path.join(mount, above))]
    if found or path in gone:
        return found
    place = os.path.join(mount, path)
    return [path] if os.path.lexists(place) and not _is_empty_directory(place) else []


def _is_file(path: bytes) -> bool:
    try:
        return not stat.S_ISDIR(os.lstat(path).st_mode)
    except OSError:
        return False


def _is_empty_directory(path: bytes) -> bool:
    return not os.path.islink(path) and os.path.isdir(path) and not os.listdir(path)


# On disk


def stage_layer(scratch: Scratch, plan: Plan, new: Oid, staged: Path) -> None:
    """Write the layer to the new directory `staged`."""
    tree, work = staged / "tree", staged / "work"
    tree.mkdir(parents=True)
    work.mkdir(mode=0o700)
    root = os.fsencode(tree)
    if plan.written:
        _write_files(scratch, plan, new, staged)
    for path in plan.links:
        os.makedirs(os.path.join(root, path), exist_ok=True)
    for path in _whiteouts(plan):
        place = os.path.join(root, path)
        os.makedirs(os.path.dirname(place), exist_ok=True)
        make_whiteout(os.fsencode(work), place)
    _like_the_mount(scratch, root, plan)


def _write_files(scratch: Scratch, plan: Plan, new: Oid, staged: Path) -> None:
    if Rules(scratch.ws.repo.config).enabled:
        _check_out(scratch, plan, new, staged)
    else:
        for path, entry in plan.written.items():
            _write_plainly(scratch, os.path.join(os.fsencode(staged / "tree"), path), entry)
    for path, entry in plan.written.items():
        _finish(os.path.join(os.fsencode(staged / "tree"), path), entry)


def _check_out(scratch: Scratch, plan: Plan, new: Oid, staged: Path) -> None:
    """Let git write the files; content of Git LFS is shown where it is here, as in a new session."""
    listing = _steering(scratch, new, plan.written) | plan.written
    lines = (b"%06o %s 0\t%s\0" % (entry.mode, entry.oid.encode(), path) for path, entry in listing.items())
    checkout = Checkout(scratch.ws.layout.common_dir, new, staged / "checkout", b"".join(lines))
    files = [path for path, entry in plan.written.items() if entry.mode != MODE_SYMLINK]
    values = checkout.attributes(files)
    pointed = {path: plan.written[path].oid for path in files if is_lfs(values.get(path, {}))}
    checkout.write([path for path in plan.written if path not in pointed])
    for path in plan.written:
        target = os.path.join(os.fsencode(staged / "tree"), path)
        os.makedirs(os.path.dirname(target), exist_ok=True)
        if path in pointed:
            _write_plainly(scratch, target, plan.written[path])
        else:
            os.rename(checkout.location(path), target)
    show_content(scratch, pointed, staged / "tree")
    shutil.rmtree(staged / "checkout")


def _steering(scratch: Scratch, tree: Oid, paths: Iterable[bytes]) -> dict[bytes, Entry]:
    """The files with attributes that decide about `paths`."""
    directories = {b"", *(above for path in paths for above in _above(path))}
    return entries_at(scratch, tree, {os.path.join(directory, _ATTRIBUTES) for directory in directories})


def _write_plainly(scratch: Scratch, target: bytes, entry: Entry) -> None:
    """Write a blob as it is."""
    os.makedirs(os.path.dirname(target), exist_ok=True)
    content = scratch.sink.read_blob(entry.oid)
    if entry.mode == MODE_SYMLINK and scratch.ws.repo.config.boolean("core.symlinks", default=True):
        os.symlink(content, target)
        return
    with open(target, "wb") as file:
        file.write(content)


def _finish(path: bytes, entry: Entry) -> None:
    """Give a new file the mode that clean files have, whatever the umask is."""
    if not os.path.islink(path):
        os.chmod(path, stat.S_IMODE(MODE_EXECUTABLE if entry.mode == MODE_EXECUTABLE else MODE_FILE))
        begin_writeback(path)


def _whiteouts(plan: Plan) -> list[bytes]:
    """Names that go, but none below another one and none that something new takes the place of."""
    hidden = plan.deleted | plan.emptied
    kept = plan.written.keys() | plan.links
    inside = {above for path in kept for above in _above(path)}
    return sorted(
        path
        for path in hidden - kept
        if path not in inside and not any(above in hidden | kept for above in _above(path))
    )


def _like_the_mount(scratch: Scratch, tree: bytes, plan: Plan) -> None:
    """Give directories that the session has the attributes and numbers they have there, deepest first."""
    mount = os.fsencode(scratch.record.mount)
    changed = {os.path.dirname(path) for path in plan.paths}
    for directory, _, _ in os.walk(tree, topdown=False):
        path = os.path.relpath(directory, tree)
        os.chmod(directory, 0o755)
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            _copy_attributes(os.path.join(mount, path), directory, times=path not in changed)


def _copy_attributes(source: bytes, target: bytes, *, times: bool) -> None:
    status = os.lstat(source)
    if not stat.S_ISDIR(status.st_mode):
        return
    copy_xattrs(source, target)
    os.setxattr(target, INODE_XATTR, b"%d" % status.st_ino)
    if (status.st_uid, status.st_gid) != (os.geteuid(), os.getegid()):
        with contextlib.suppress(PermissionError):
            os.chown(target, status.st_uid, status.st_gid)
    os.chmod(target, stat.S_IMODE(status.st_mode))
    if times:
        os.utime(target, ns=(status.st_atime_ns, status.st_mtime_ns))
