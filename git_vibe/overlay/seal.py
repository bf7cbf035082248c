"""Sealing: giving promotes and snapshots a fixed picture in constant time, and taking the pause back.

`seal` puts an empty layer on top; from then on every change copies up into it. `unseal` folds it back into the layer
below, entry by entry, each by one rename that leaves the view as it is.
"""

from __future__ import annotations

import os
import stat

from git_vibe.overlay.nodes import Directory, File
from git_vibe.overlay.view import View
from git_vibe.store.fold import fold_layer
from git_vibe.store.layer import copy_xattrs
from git_vibe.types import LayerId


def seal(view: View) -> list[LayerId]:
    """Make everything written so far immutable and return the sealed layers, the lowest first."""
    if _is_empty(view):
        return view.delta.ids[:-1]
    old_root = view.delta.root
    old_top = view.delta.top
    view.delta.push(lambda root: copy_root(old_root, root))
    view.root.unsynced = True
    for node in view.inodes.nodes.values():
        if isinstance(node, Directory) and node.top:
            node.sealed = (old_top, *node.sealed)
            node.top = node is view.root
            node.whiteouts = set()
    return view.delta.ids[:-1]


def copy_root(source: bytes, target: bytes) -> None:
    """Give the root of a new layer the attributes of the root below it."""
    status = os.stat(source)
    copy_xattrs(source, target)
    if (status.st_uid, status.st_gid) != (os.geteuid(), os.getegid()):
        os.chown(target, status.st_uid, status.st_gid)
    os.chmod(target, stat.S_IMODE(status.st_mode))
    os.utime(target, ns=(status.st_atime_ns, status.st_mtime_ns))


def _is_empty(view: View) -> bool:
    """Whether nothing was written since the last seal; the lowest layer always counts as written."""
    return len(view.delta.ids) > 1 and not os.listdir(view.delta.root)


def unseal(view: View) -> None:
    """Fold all layers into one again, but none that was adopted into what was below it."""
    while len(view.delta.ids) > 1 and not view.delta.is_adopted(view.delta.top):
        upper, lower = view.delta.top, view.delta.ids[-2]
        fold_layer(view.delta.root, view.delta.path(lower, b""), view.delta.work)
        view.delta.drop_top()
        for node in view.inodes.nodes.values():
            if isinstance(node, File):
                if node.layer == upper:
                    node.layer = lower
            elif node.top or lower in node.sealed:
                node.top = True
                node.sealed = tuple(layer for layer in node.sealed if layer != lower)
                node.whiteouts = None
