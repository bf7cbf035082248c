"""Extended attributes."""

# mypy: disable-error-code="func-returns-value"

from __future__ import annotations

import os
import struct
from pathlib import Path

import pytest

from git_vibe.daemon.client import sealed_layers
from tests.mount.conftest import Mounted
from tests.support.beside import Pair, Script, outcome

pytestmark = pytest.mark.fuse

LONGEST = "user." + "x" * 250
ACL = struct.pack("=I" + 5 * "HHi", 2, 1, 7, -1, 2, 7, 7, 4, 5, -1, 16, 7, -1, 32, 5, -1)
"""One that names another user; the kernel turns simpler ones into a mode."""


def all_of(path: Path) -> dict[str, bytes]:
    """Every attribute of a file."""
    return {name: os.getxattr(path, name, follow_symlinks=False) for name in sorted(os.listxattr(path))}


def written(path: Path, *attributes: tuple[str, bytes]) -> object:
    """Set attributes and read all of them."""
    for name, value in attributes:
        os.setxattr(path, name, value)
    return all_of(path)


ATTRIBUTES: dict[str, Script] = {
    "one": lambda top: written(top / "file", ("user.one", b"1")),
    "an empty value": lambda top: written(top / "file", ("user.one", b"")),
    "bytes": lambda top: written(top / "file", ("user.one", bytes(range(256)))),
    "many": lambda top: written(top / "file", *((f"user.{number}", b"x") for number in range(40))),
    "a name that is not utf-8": lambda top: (
        os.setxattr(top / "file", b"user.\xff\xfe", b"1"),
        os.listxattr(os.fsencode(top / "file")),
    ),
    "another value": lambda top: written(top / "file", ("user.one", b"1"), ("user.one", b"22")),
    "of a directory": lambda top: written(top / "full", ("user.one", b"1")),
    "of a file in a directory": lambda top: written(top / "full" / "deep" / "file", ("user.one", b"1")),
    "through a link": lambda top: (written(top / "link", ("user.one", b"1")), all_of(top / "file")),
    "of a link": lambda top: os.setxattr(top / "link", "user.one", b"1", follow_symlinks=False),
    "of a fifo": lambda top: (os.mkfifo(top / "fifo"), os.setxattr(top / "fifo", "user.one", b"1")),
    "of nothing": lambda top: os.setxattr(top / "none", "user.one", b"1"),
    "create": lambda top: os.setxattr(top / "file", "user.one", b"1", os.XATTR_CREATE),
    "create again": lambda top: [os.setxattr(top / "file", "user.one", b"1", os.XATTR_CREATE) for _ in range(2)],
    "replace": lambda top: os.setxattr(top / "file", "user.one", b"1", os.XATTR_REPLACE),
    "replace one": lambda top: (
        written(top / "file", ("user.one", b"1")),
        os.setxattr(top / "file", "user.one", b"2", os.XATTR_REPLACE),
    ),
    "read none": lambda top: os.getxattr(top / "file", "user.none"),
    "list none": lambda top: (os.listxattr(top / "file"), os.listxattr(top / "full")),
    "remove none": lambda top: os.removexattr(top / "file", "user.none"),
    "remove": lambda top: (written(top / "file", ("user.one", b"1")), os.removexattr(top / "file", "user.one")),
    "remove of a directory": lambda top: (
        written(top / "full", ("user.one", b"1")),
        os.removexattr(top / "full", "user.one"),
    ),
    "the longest name": lambda top: written(top / "file", (LONGEST, b"1")),
    "too long a name": lambda top: os.setxattr(top / "file", LONGEST + "x", b"1"),
    "an empty name": lambda top: os.setxattr(top / "file", "user.", b"1"),
    "no namespace": lambda top: os.setxattr(top / "file", "one", b"1"),
    "an unknown namespace": lambda top: os.setxattr(top / "file", "mine.one", b"1"),
    "1 KiB": lambda top: written(top / "file", ("user.one", b"x" * 1024)),
    "64 KiB": lambda top: outcome(lambda _: os.setxattr(top / "file", "user.one", b"x" * 65536), top),
    "more than 64 KiB": lambda top: os.setxattr(top / "file", "user.one", b"x" * 65537),
    "trusted": lambda top: written(top / "file", ("trusted.one", b"1")),
    "security": lambda top: written(top / "file", ("security.one", b"1")),
    "a capability": lambda top: written(top / "tool", ("security.capability", bytes.fromhex("01000002" + "00" * 16))),
    "open": lambda top: by_handle(top / "file"),
}


def by_handle(path: Path) -> object:
    """The same by descriptor, also after the name is gone."""
    with open(path, "r+b") as file:
        os.setxattr(file.fileno(), "user.one", b"1")
        path.unlink()
        os.setxattr(file.fileno(), "user.two", b"2")
        os.removexattr(file.fileno(), "user.one")
        return os.listxattr(file.fileno()), os.getxattr(file.fileno(), "user.two")


@pytest.mark.parametrize("name", ATTRIBUTES)
def test_attributes(everywhere: Pair, name: str) -> None:
    everywhere.same(ATTRIBUTES[name])


def test_attributes_stay_with_the_file(serving: Mounted, stock: Pair) -> None:
    def script(top: Path) -> object:
        os.rename(top / "file", top / "full" / "moved")
        (top / "full" / "moved").write_text("changed")
        os.chmod(top / "full", 0o700)
        return all_of(top / "full" / "moved"), all_of(top / "full")

    for top in stock.both:
        for path in ("file", "full"):
            written(top / path, ("user.one", b"1"), ("trusted.two", b"2"), ("security.three", b"3"))
    with sealed_layers(serving.workspace.layout, serving.record.name):
        stock.same(script)
    stock.same(lambda top: (all_of(top / "full" / "moved"), all_of(top / "full")))


def test_attributes_that_are_kept_from_a_sealed_layer_can_be_removed(serving: Mounted, stock: Pair) -> None:
    for top in stock.both:
        written(top / "file", ("user.one", b"1"), ("trusted.two", b"2"))
    with sealed_layers(serving.workspace.layout, serving.record.name):
        stock.same(lambda top: os.removexattr(top / "file", "user.one"))
        stock.same(lambda top: os.removexattr(top / "file", "trusted.two"))
    stock.same(lambda top: os.listxattr(top / "file"))


def test_writing_drops_capabilities(everywhere: Pair) -> None:
    def script(top: Path) -> object:
        written(top / "file", ("security.capability", bytes.fromhex("01000002" + "00" * 16)), ("user.one", b"1"))
        (top / "file").write_text("changed")
        return os.listxattr(top / "file")

    everywhere.same(script)


@pytest.mark.parametrize("name", ["system.posix_acl_access", "system.posix_acl_default"])
def test_no_access_control_lists(everywhere: Pair, name: str) -> None:
    assert outcome(lambda top: os.setxattr(top / "full", name, ACL), everywhere.mount) == "ENOTSUP"
    assert outcome(lambda top: os.getxattr(top / "full", name), everywhere.mount) == "ENODATA"


def test_another_library_s_xattrs_work_too(everywhere: Pair) -> None:
    from xattr import XATTR_NOFOLLOW, xattr

    def script(top: Path) -> object:
        attributes = xattr(str(top / "file"), XATTR_NOFOLLOW)
        attributes["user.tool"] = b"value\0with a zero"
        seen = dict(attributes), os.getxattr(top / "file", "user.tool")
        del attributes["user.tool"]
        return seen, list(attributes)

    everywhere.same(script)


def test_the_layers_own_attributes_are_hidden(everywhere: Pair) -> None:
    path = everywhere.mount / "full"
    (path / "file").write_text("changed")
    path.rename(everywhere.mount / "moved")
    for moved in (everywhere.mount / "moved", everywhere.mount / "moved" / "file"):
        assert os.listxattr(moved) == []
        for name in ("user.vibe.ino", "user.vibe.tree", "user.overlay.opaque", "user.overlay.whiteout"):
            assert outcome(lambda _: os.getxattr(moved, name), path) == "ENODATA"  # noqa: B023
            assert outcome(lambda _: os.setxattr(moved, name, b"y"), path) == "EPERM"  # noqa: B023
