"""Tables with the content of submodules behind their own rows."""

from __future__ import annotations

import pytest

from git_vibe.git.index import build_index
from git_vibe.git.table import Table, build_table, with_submodules
from tests.support.gitrepo import GitRepo

WHEN = 1_700_000_000_000_000_000


@pytest.fixture
def tables(repo: GitRepo) -> tuple[bytes, Table]:
    """The table of a commit with the gitlinks `a/link` and `z`, and that of another commit to be shown there."""
    content = Table(memoryview(build_table(repo.path, "HEAD", WHEN)))
    for path in ("a/link", "z"):
        repo.git("update-index", "--add", "--cacheinfo", f"160000,{repo.git('rev-parse', 'HEAD')},{path}")
    repo.git("commit", "--quiet", "--message", "links")
    return build_table(repo.path, "HEAD", WHEN), content


def shown(data: bytes, contents: dict[bytes, Table]) -> Table:
    """A table with other tables below its paths."""
    rows = Table(memoryview(data)).gitlinks()
    return Table(memoryview(with_submodules(data, {rows[path]: table for path, table in contents.items()})))


def test_rows_of_the_commit_stay_where_they_are(tables: tuple[bytes, Table]) -> None:
    data, content = tables
    before, after = Table(memoryview(data)), shown(data, {b"z": content})
    assert list(after.files()) == list(before.files())
    assert build_index(after, uid=1, gid=1) == build_index(before, uid=1, gid=1)
    assert [after.name(row) for row in range(before.count)] == [before.name(row) for row in range(before.count)]


def test_content_is_found_below_its_gitlink(tables: tuple[bytes, Table]) -> None:
    data, content = tables
    table = shown(data, {b"a/link": content, b"z": content})
    for top in (b"a/link", b"z"):
        row = table.row_at(top)
        assert row is not None
        assert [name for _, name in table.files(row)] == [name for _, name in content.files()]
        assert table.tree(row) == content.oid(0)
        assert all(table.path(here) == top + b"/" + name for here, name in table.files(row))
        assert table.row_at(top + b"/src/main.py") == table.find(table.row_at(top + b"/src") or 0, b"main.py")


def test_submodules_inside_submodules(tables: tuple[bytes, Table]) -> None:
    data, content = tables
    table = shown(data, {b"z": shown(data, {b"a/link": content})})
    row = table.row_at(b"z/a/link/src/deep/er/data.bin")
    assert row is not None
    assert (table.path(row), table.size[row]) == (b"z/a/link/src/deep/er/data.bin", 256)


def test_a_gitlink_without_content_is_empty(tables: tuple[bytes, Table]) -> None:
    data, content = tables
    table = shown(data, {b"z": content})
    row = table.row_at(b"a/link") or 0
    assert (list(table.children(row)), table.tree(row), table.row_at(b"a/link/src")) == ([], None, None)
    again = Table(memoryview(with_submodules(with_submodules(data, {}), {})))
    assert list(again.children(again.row_at(b"z") or 0)) == []


def test_an_index_of_a_submodule_has_its_own_paths(tables: tuple[bytes, Table]) -> None:
    data, content = tables
    table = shown(data, {b"z": content})
    index = build_index(table, uid=1, gid=1, below=table.row_at(b"z") or 0)
    assert index[8:12] == len(list(content.files())).to_bytes(4)
    assert b"z/" not in index
