"""One layer on disk: the marks of the overlayfs vocabulary, read and written (see `store/layout.py`).

All paths are bytes. Functions that replace something do it by one rename, so that a crash leaves the old or the new.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import stat
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

from git_vibe.store.atomic import remove_tree
from git_vibe.store.faults import reached
from git_vibe.store.layout import CONTEXT_XATTR, INODE_XATTR, OPAQUE_XATTR, TREE_XATTR, WHITEOUT_XATTR

RENAME_NOREPLACE = 1
RENAME_EXCHANGE = 2
RENAME_WHITEOUT = 4

OWN_XATTRS = frozenset(name.encode() for name in (WHITEOUT_XATTR, OPAQUE_XATTR, TREE_XATTR, INODE_XATTR, CONTEXT_XATTR))
"""Names that are the layer's own and that a view hides from applications."""

_NAMESPACES = ("user.", "trusted.", "security.")
_AT_FDCWD = -100


@lru_cache(maxsize=1)
def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def renameat2(source: bytes, target: bytes, flags: int) -> None:
    """renameat2(2), which Python does not offer. Raises OSError."""
    if _libc().renameat2(_AT_FDCWD, source, _AT_FDCWD, target, flags) != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code), source, None, target)


@contextlib.contextmanager
def accessible(path: bytes) -> Iterator[None]:
    """Let the owner read, change and enter a file or directory inside the block, whatever its mode says.

    Native file systems allow things below a read-only directory that its layer directory would refuse: to change a
    file there, to rename it, to look into it later. It may be moved inside the block.
    """
    mode = os.lstat(path).st_mode
    needless = not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)) or mode & stat.S_IRWXU == stat.S_IRWXU
    if needless or os.geteuid() == 0:
        yield
        return
    handle = os.open(path, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        os.chmod(f"/proc/self/fd/{handle}", stat.S_IMODE(mode) | stat.S_IRWXU)
        yield
    finally:
        os.chmod(f"/proc/self/fd/{handle}", stat.S_IMODE(mode))
        os.close(handle)


def read_xattr(path: bytes, name: str) -> bytes | None:
    """Value of an xattr of the file itself (symbolic links are not followed), or None."""
    try:
        return _read_xattr(path, name)
    except PermissionError:
        with accessible(path):
            return _read_xattr(path, name)


def _read_xattr(path: bytes, name: str) -> bytes | None:
    try:
        return os.getxattr(path, name, follow_symlinks=False)
    except OSError as error:
        if error.errno in (errno.ENODATA, errno.EOPNOTSUPP, errno.EPERM):
            return None
        raise


def stored_inode(path: bytes) -> int | None:
    """The inode number that is stored with a layer file, or None where there is none that makes sense."""
    text = read_xattr(path, INODE_XATTR)
    return int(text) if text is not None and text.isdigit() and 0 < int(text) < 1 << 62 else None


def is_whiteout(status: os.stat_result, path: bytes, *, marked_directory: bool) -> bool:
    """Whether a layer file is a whiteout; `marked_directory` tells that its directory holds the xattr form."""
    if stat.S_ISCHR(status.st_mode):
        return status.st_rdev == 0
    return (
        marked_directory
        and stat.S_ISREG(status.st_mode)
        and status.st_size == 0
        and read_xattr(path, WHITEOUT_XATTR) is not None
    )


def directory_marks(path: bytes) -> tuple[bool, bool, bytes | None]:
    """Marks of a layer directory: (opaque, holds whiteouts in xattr form, oid of the tree below in hexadecimal)."""
    names = os.listxattr(path)
    if not names:
        return False, False, None
    opaque = read_xattr(path, OPAQUE_XATTR) if OPAQUE_XATTR in names else None
    tree = read_xattr(path, TREE_XATTR) if TREE_XATTR in names else None
    return opaque == b"y" or tree is not None, opaque in (b"x", b"y"), tree


def make_whiteout(work: bytes, target: bytes) -> None:
    """Put a whiteout at `target`, replacing a file there; `work` is the layer's directory for temporary files."""
    temporary = os.path.join(work, os.urandom(8).hex().encode())
    try:
        os.mknod(temporary, stat.S_IFCHR, 0)
    except OSError as error:
        if error.errno not in (errno.EPERM, errno.EOPNOTSUPP, errno.EINVAL):
            raise
        _make_marked_whiteout(temporary, target)
    rename_into_place(temporary, target)


def _make_marked_whiteout(temporary: bytes, target: bytes) -> None:
    mark_whiteouts(os.path.dirname(target))
    with open(temporary, "wb"):
        os.setxattr(temporary, WHITEOUT_XATTR, b"y")


def mark_whiteouts(directory: bytes) -> None:
    """Record that a directory holds whiteouts in xattr form; an opaque one has nothing to hide."""
    if read_xattr(directory, OPAQUE_XATTR) != b"y":
        os.setxattr(directory, OPAQUE_XATTR, b"x")


def mark_opaque(directory: bytes) -> None:
    """Make a directory hide what lies below it; its own whiteouts have nothing left to hide and are removed.

    The mark comes first: a crash in between must not let reappear what they hid.
    """
    with accessible(directory):
        os.setxattr(directory, OPAQUE_XATTR, b"y")
        reached("opaque.marked")
        for entry in list(os.scandir(directory)):
            if is_whiteout(entry.stat(follow_symlinks=False), entry.path, marked_directory=True):
                os.unlink(entry.path)


def rename_into_place(temporary: bytes, target: bytes) -> None:
    """Rename `temporary` to `target` even where one is a directory and the other is not; the old one is removed."""
    try:
        os.rename(temporary, target)
    except OSError as error:
        if error.errno not in (errno.EISDIR, errno.ENOTDIR, errno.ENOTEMPTY, errno.EEXIST):
            remove_path(temporary)
            raise
        exchange(temporary, target)
        reached("place.exchanged")
        remove_path(temporary)


def exchange(first: bytes, second: bytes) -> None:
    """Exchange two names of one file system in one step."""
    with accessible(first), accessible(second):
        renameat2(first, second, RENAME_EXCHANGE)


def remove_path(path: bytes) -> None:
    """Remove a file or a whole directory; a missing one is fine."""
    try:
        os.unlink(path)
    except FileNotFoundError:
        return
    except OSError as error:
        if error.errno not in (errno.EISDIR, errno.EPERM):
            raise
        remove_tree(Path(os.fsdecode(path)))


def copy_xattrs(source: bytes, target: bytes) -> None:
    """Make the xattrs of `target` that are not the layer's own the same as those of `source`."""
    kept = _shown_xattrs(source)
    for name in _shown_xattrs(target) - kept:
        with _allowed(name):
            os.removexattr(target, name, follow_symlinks=False)
    for name in kept:
        value = read_xattr(source, name)
        if value is not None:
            with _allowed(name):
                os.setxattr(target, name, value, follow_symlinks=False)


def _shown_xattrs(path: bytes) -> set[str]:
    names = os.listxattr(path, follow_symlinks=False)
    return {name for name in names if name.startswith(_NAMESPACES) and os.fsencode(name) not in OWN_XATTRS}


def _allowed(name: str) -> contextlib.AbstractContextManager[None]:
    """Only the system says who may have an xattr that is not a user's, such as a security label."""
    return contextlib.nullcontext() if name.startswith("user.") else contextlib.suppress(OSError)


def supports_xattrs(directory: bytes) -> bool:
    """Whether files in `directory` can carry user xattrs."""
    probe = os.path.join(directory, b".probe-" + os.urandom(6).hex().encode())
    os.close(os.open(probe, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600))
    try:
        os.setxattr(probe, INODE_XATTR, b"1")
        return True
    except OSError:
        return False
    finally:
        os.unlink(probe)
