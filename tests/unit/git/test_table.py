"""The base table against `git ls-tree`."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from git_vibe.errors import GitError
from git_vibe.git.modes import MODE_TREE
from git_vibe.git.table import Table, build_table, shown_mode, shown_size, with_converted
from tests.support.gitrepo import GitRepo

WHEN = 1_700_000_000 * 10**9


@pytest.fixture
def table(repo: GitRepo) -> Table:
    return Table(memoryview(build_table(repo.path / ".git", "HEAD", WHEN)))


def test_rows_are_the_entries_of_ls_tree_in_its_order(repo: GitRepo, table: Table) -> None:
    listing = repo.git_bytes("ls-tree", "-r", "-t", "-z", "HEAD").split(b"\0")[:-1]
    rows = [
        b"%06o %s %s\t%s" % (table.mode[row], _kind(table.mode[row]), table.oid(row).hex().encode(), table.path(row))
        for row in range(1, table.count)
    ]
    assert rows == listing


def _kind(mode: int) -> bytes:
    return {MODE_TREE: b"tree", 0o160000: b"commit"}.get(mode, b"blob")


def test_files_come_in_index_order(repo: GitRepo, table: Table) -> None:
    assert [path for _, path in table.files()] == repo.git_bytes("ls-files", "-z").split(b"\0")[:-1]


def test_sizes_are_those_of_the_blobs(repo: GitRepo, table: Table) -> None:
    for row, path in table.files():
        if stat.S_ISREG(table.mode[row]):
            assert shown_size(table, row) == len(repo.git_bytes("cat-file", "blob", f"HEAD:{os.fsdecode(path)}"))


def test_children_and_find_agree(table: Table) -> None:
    for row in range(table.count):
        if table.mode[row] == MODE_TREE:
            for child in table.children(row):
                assert table.parent[child] == row
                assert table.find(row, table.name(child)) == child
    assert table.find(0, b"no such name") is None


def test_a_tree_is_found_by_its_object_name(repo: GitRepo, table: Table) -> None:
    row = table.find_tree(bytes.fromhex(repo.git("rev-parse", "HEAD:src").strip()))
    assert row is not None and table.path(row) == b"src"
    assert table.find_tree(bytes(20)) is None


def test_an_empty_tree_has_only_a_root(tmp_path: Path) -> None:
    repo = GitRepo.create(tmp_path / "empty")
    repo.git("commit", "--allow-empty", "-m", "nothing")
    table = Table(memoryview(build_table(repo.path / ".git", "HEAD", WHEN)))
    assert (table.count, list(table.children(0)), list(table.files())) == (1, [], [])


def test_the_time_is_kept(table: Table) -> None:
    assert table.mtime_ns == WHEN


def test_a_mapped_table_reads_the_same(repo: GitRepo, table: Table, tmp_path: Path) -> None:
    file = tmp_path / "table"
    file.write_bytes(build_table(repo.path / ".git", "HEAD", WHEN))
    mapped = Table.open(file)
    assert [mapped.path(row) for row in range(mapped.count)] == [table.path(row) for row in range(table.count)]


def test_something_else_is_no_table(tmp_path: Path) -> None:
    file = tmp_path / "table"
    file.write_bytes(bytes(100))
    with pytest.raises(ValueError, match="not a base table"):
        Table.open(file)


def test_a_missing_commit_is_a_git_error(repo: GitRepo) -> None:
    with pytest.raises(GitError):
        build_table(repo.path / ".git", "0" * 40, WHEN)


@pytest.mark.parametrize(
    ("git_mode", "shown"),
    [
        (0o100644, stat.S_IFREG | 0o644),
        (0o100755, stat.S_IFREG | 0o755),
        (0o120000, stat.S_IFLNK | 0o777),
        (0o040000, stat.S_IFDIR | 0o755),
        (0o160000, stat.S_IFDIR | 0o755),
    ],
)
def test_modes_are_those_of_a_checkout(git_mode: int, shown: int) -> None:
    assert shown_mode(git_mode) == shown


def test_converted_rows_have_their_own_size(repo: GitRepo, table: Table) -> None:
    row = table.find(0, b"README")
    assert row is not None
    data = build_table(repo.path / ".git", "HEAD", WHEN)
    changed = Table(memoryview(with_converted(data, {row: 77})))
    assert [here for here in range(changed.count) if changed.converted[here]] == [row]
    assert changed.size[row] == 77
    assert [changed.path(here) for here in range(changed.count)] == [table.path(here) for here in range(table.count)]
    assert not any(table.converted)


def test_a_name_is_found_among_all_names(table: Table) -> None:
    assert table.mentions(b".gitignore")
    assert not table.mentions(b".gitattributes")
