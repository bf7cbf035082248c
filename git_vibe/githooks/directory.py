"""Shims in a directory where git looks for hooks.

A hook that is there already moves into a directory beside it, in which it has its name still and finds everything else
that lies beside it through links; the shim runs it from there. At no moment is there no hook.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from git_vibe.session.shims import BUSIEST, EVENTS, IDENTITY, identity, shim
from git_vibe.store.atomic import temporary_name, write_atomically

_SLEEPING = f"../vibe/live/{BUSIEST}"
FREE, OURS, OUTDATED, EDITED, FOREIGN = "missing", "installed", "outdated", "edited", "foreign"
_SHIMS = (OURS, OUTDATED, EDITED)


def state(slot: Path) -> str:
    """What lies where git looks for one hook."""
    if slot.is_symlink():
        return OURS if os.readlink(slot) == _SLEEPING else FOREIGN
    try:
        content = slot.read_bytes()
    except FileNotFoundError:
        return FREE
    except OSError:
        return FOREIGN
    if IDENTITY not in content[:200]:
        return FOREIGN
    if content == shim():
        return OURS if os.access(slot, os.X_OK) else OUTDATED
    return EDITED if identity(content) == identity(shim()) else OUTDATED


def place(slot: Path, before: Path, *, sleeping: bool = False) -> None:
    """Put our shim into a slot; whatever is not ours moves to the directory `before` first.

    With `sleeping` a slot that is free gets a link that leads nowhere while there is no session.
    """
    found = state(slot)
    if found == FOREIGN:
        _set_aside(slot, before)
    if found == EDITED:
        before.mkdir(exist_ok=True)
        os.link(slot, _free_name(before / f"{slot.name}.edited"))
    if found in (FOREIGN, OUTDATED, EDITED):
        write_atomically(slot, shim(), 0o755)
        slot.chmod(slot.stat().st_mode | 0o111)
    elif found == FREE:
        _create(slot, sleeping=sleeping)


def _create(slot: Path, *, sleeping: bool) -> None:
    """Make a slot that is free ours, unless another program takes it meanwhile."""
    staged = temporary_name(slot)
    if sleeping:
        staged.symlink_to(_SLEEPING)
    else:
        write_atomically(staged, shim(), 0o755)
    try:
        with contextlib.suppress(FileExistsError):
            os.link(staged, slot, follow_symlinks=False)
    finally:
        staged.unlink()


def _set_aside(slot: Path, before: Path) -> None:
    """Give a hook a second name in `before`; the one that is there already makes way, but is kept."""
    before.mkdir(exist_ok=True)
    kept = before / slot.name
    if os.path.lexists(kept) and not os.path.samestat(kept.lstat(), slot.lstat()):
        _make_way(kept, slot)
    with contextlib.suppress(FileExistsError):
        os.link(slot, kept, follow_symlinks=False)


def _make_way(kept: Path, newer: Path) -> None:
    if _same_file(kept, newer):
        kept.unlink()
    else:
        os.rename(kept, _free_name(kept))


def _same_file(one: Path, other: Path) -> bool:
    if one.is_symlink() or other.is_symlink():
        return one.is_symlink() and other.is_symlink() and os.readlink(one) == os.readlink(other)
    return one.is_file() and other.is_file() and one.read_bytes() == other.read_bytes()


def _free_name(path: Path) -> Path:
    number = 1
    while os.path.lexists(path.with_name(f"{path.name}.{number}")):
        number += 1
    return path.with_name(f"{path.name}.{number}")


def link_neighbours(directory: Path, before: Path) -> None:
    """Let hooks in `before` find what lies beside the shims, as it did beside them."""
    if not before.is_dir():
        return
    for neighbour in directory.iterdir():
        ours = neighbour.name in EVENTS or state(neighbour) in _SHIMS
        if not ours and not os.path.lexists(before / neighbour.name):
            (before / neighbour.name).symlink_to(f"../{directory.name}/{neighbour.name}")


def restore(slot: Path, before: Path) -> None:
    """Take our shim away, put back what was there; a slot that somebody else has taken over stays as it is."""
    kept, displaced = before / slot.name, slot.with_name(f"{slot.name}.legacy")
    if state(slot) in _SHIMS:
        _put_back(kept, slot)
    elif os.path.lexists(kept) and _same_file(kept, slot):
        kept.unlink()
    if state(displaced) in _SHIMS:  # the pre-commit framework moved it there
        _put_back(kept, displaced)


def _put_back(kept: Path, slot: Path) -> None:
    if os.path.lexists(kept) and not _is_neighbour(kept, slot.parent):
        os.rename(kept, slot)
    else:
        slot.unlink()


def drop_neighbours(directory: Path, before: Path) -> list[Path]:
    """Remove `before` and the links in it; what else is in there stays and is named."""
    if not before.is_dir():
        return []
    for path in before.iterdir():
        if _is_neighbour(path, directory):
            path.unlink()
    with contextlib.suppress(OSError):
        before.rmdir()
    return sorted(before.iterdir()) if before.is_dir() else []


def _is_neighbour(path: Path, directory: Path) -> bool:
    return path.is_symlink() and os.readlink(path) == f"../{directory.name}/{path.name}"
