"""The protocol's structures are those of the kernel's header, and INIT is answered for old and new kernels."""

from __future__ import annotations

import errno
import os
import struct
import subprocess
from pathlib import Path

import pytest

from git_vibe.mount import wire
from git_vibe.types import Attrs

ATTRS = Attrs(7, 0o100644, 2, 1000, 100, 0, 5000, 16, 1_000_000_001, -1, 3_000_000_003, 4)

STRUCTURES = {
    "fuse_in_header": wire.IN_HEADER,
    "fuse_out_header": wire.OUT_HEADER,
    "fuse_init_out": wire.INIT_OUT,
    "fuse_setattr_in": wire.SETATTR_IN,
    "fuse_mknod_in": wire.MKNOD_IN,
    "fuse_mkdir_in": wire.MKDIR_IN,
    "fuse_create_in": wire.CREATE_IN,
    "fuse_rename_in": wire.RENAME_IN,
    "fuse_rename2_in": wire.RENAME2_IN,
    "fuse_link_in": wire.LINK_IN,
    "fuse_read_in": wire.READ_IN,
    "fuse_write_in": wire.WRITE_IN,
    "fuse_write_out": wire.WRITE_OUT,
    "fuse_fsync_in": wire.FSYNC_IN,
    "fuse_getxattr_in": wire.GETXATTR_IN,
    "fuse_getxattr_out": wire.GETXATTR_OUT,
    "fuse_forget_in": wire.FORGET_IN,
    "fuse_batch_forget_in": wire.BATCH_FORGET_IN,
    "fuse_forget_one": wire.FORGET_ONE,
    "fuse_fallocate_in": wire.FALLOCATE_IN,
    "fuse_lseek_in": wire.LSEEK_IN,
    "fuse_lseek_out": wire.LSEEK_OUT,
    "fuse_copy_file_range_in": wire.COPY_FILE_RANGE_IN,
    "fuse_open_out": wire.OPEN_OUT,
    "fuse_statfs_out": wire.STATFS_OUT,
}
NUMBERS = (
    "LOOKUP", "GETATTR", "SETATTR", "MKNOD", "OPEN", "READ", "WRITE", "RELEASE", "INIT", "OPENDIR", "READDIR",
    "INTERRUPT", "BATCH_FORGET", "FALLOCATE", "READDIRPLUS", "RENAME2", "LSEEK", "COPY_FILE_RANGE", "ASYNC_READ",
    "DO_READDIRPLUS", "MAX_PAGES", "CACHE_SYMLINKS", "HANDLE_KILLPRIV_V2", "PARALLEL_DIROPS", "WRITE_KILL_SUIDGID",
    "NOTIFY_INVAL_INODE", "NOTIFY_INVAL_ENTRY",
)  # fmt: skip


@pytest.fixture(scope="module")
def header(tmp_path_factory: pytest.TempPathFactory) -> dict[str, int]:
    """What the C compiler makes of linux/fuse.h."""
    top = tmp_path_factory.mktemp("header")
    rows = [f'printf("{name} %zu\\n", sizeof(struct {name}));' for name in STRUCTURES]
    rows += [f'printf("{name} %lu\\n", (unsigned long) FUSE_{name});' for name in NUMBERS]
    source = "#include <stdio.h>\n#include <linux/fuse.h>\nint main(void) {" + "\n".join(rows) + "}"
    (top / "sizes.c").write_text(source)
    subprocess.run(["gcc", "-o", top / "sizes", top / "sizes.c"], check=True)
    lines = subprocess.run([top / "sizes"], check=True, capture_output=True, text=True).stdout.splitlines()
    return {name: int(value) for name, value in (line.split() for line in lines)}


@pytest.mark.parametrize("name", STRUCTURES)
def test_structures_have_the_size_they_have_in_c(name: str, header: dict[str, int]) -> None:
    assert STRUCTURES[name].size == header[name]


@pytest.mark.parametrize("name", NUMBERS)
def test_numbers_are_those_of_the_header(name: str, header: dict[str, int]) -> None:
    assert getattr(wire, name) == header[name]


def test_an_entry_holds_attributes_and_how_long_they_are_good() -> None:
    packed = wire.pack_entry(ATTRS, (1, 2), (3, 4))
    assert struct.unpack_from("=QQQQII", packed) == (7, 4, 1, 3, 2, 4)
    assert packed[40:] == wire.pack_attributes(ATTRS, (3, 4))[16:]


def test_times_before_1970_and_their_nanoseconds() -> None:
    _, _, _, atime, mtime, ctime, *rest = struct.unpack_from("=QQQqqqIII", wire.pack_attributes(ATTRS, (0, 0)), 16)
    assert ((atime, mtime, ctime), rest) == ((1, -1, 3), [1, 999_999_999, 3])


def test_a_directory_entry_is_padded_to_eight_bytes() -> None:
    for length in range(1, 18):
        packed = wire.pack_dirent(9, 0o040755, b"n" * length, 3)
        assert (len(packed) % 8, packed[24 : 24 + length]) == (0, b"n" * length)
        assert struct.unpack_from("=QQII", packed) == (9, 3, length, 4)


def init(major: int, minor: int, offered: int) -> memoryview:
    return memoryview(wire.INIT_IN.pack(major, minor, 131072, offered) + bytes(48))


def test_only_what_the_kernel_offers_is_asked_for() -> None:
    answer = wire.answer_init(init(7, 45, wire.MAX_PAGES | wire.CACHE_SYMLINKS), wire.MAX_PAGES | wire.ASYNC_READ)
    major, minor, readahead, used = struct.unpack_from("=IIII", answer)
    assert (major, minor, readahead, used) == (7, wire.NEWEST_MINOR, 131072, wire.MAX_PAGES)


def test_the_version_is_the_older_one_of_both() -> None:
    assert struct.unpack_from("=II", wire.answer_init(init(7, 33, 0), 0)) == (7, 33)


@pytest.mark.parametrize(("major", "minor"), [(7, 30), (6, 45), (8, 0)])
def test_kernels_that_speak_otherwise_are_refused(major: int, minor: int) -> None:
    with pytest.raises(OSError, match="is needed") as caught:
        wire.answer_init(init(major, minor, 0), 0)
    assert caught.value.errno == errno.EPROTO


def test_room_on_the_file_system(tmp_path: Path) -> None:
    found = os.statvfs(tmp_path)
    fields = struct.unpack_from("=QQQQQIII", wire.pack_statfs(found))
    assert (fields[0], fields[3], fields[6]) == (found.f_blocks, found.f_files, 255)
