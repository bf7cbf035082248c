"""The tree of a session equals what git would make of an equal plain work tree."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from git_vibe.git.write import Entry, ObjectSink
from git_vibe.session.layers import layer_trees
from git_vibe.session.scratch import scratch_for
from git_vibe.session.survey import Scope
from git_vibe.session.tree import PROMOTED, SessionTree, session_tree
from git_vibe.store.layout import CONTEXT_XATTR, OPAQUE_XATTR, TREE_XATTR
from git_vibe.types import Oid
from tests.unit.session.handmade import HandMade, git, write

Edit = Callable[[Path], None]


def tree_of_session(session: HandMade, scope: Scope = PROMOTED) -> SessionTree:
    with scratch_for(session.ws, session.record) as scratch:
        return session_tree(scratch, layer_trees(session.paths), scope=scope)


def listing(session: HandMade, scope: Scope = PROMOTED) -> set[str]:
    """Paths of the session's tree."""
    with scratch_for(session.ws, session.record, throwaway=False) as scratch:
        oid = session_tree(scratch, layer_trees(session.paths), scope=scope).oid
    return set(git("ls-tree", "-r", "--name-only", oid, cwd=session.repo).decode().split("\n"))


def modify(root: Path) -> None:
    write(root, "a.txt", "two\n")


def add(root: Path) -> None:
    write(root, "new.txt", "new\n")
    write(root, "fresh/dir/new.txt", "new\n")


def delete(root: Path) -> None:
    (root / "docs/a.md").unlink()


def delete_directory(root: Path) -> None:
    shutil.rmtree(root / "src")


def delete_last_file_of_directory(root: Path) -> None:
    (root / "src/deep/er/x.py").unlink()


def delete_everything(root: Path) -> None:
    for entry in root.iterdir():
        if entry.name != ".git":
            shutil.rmtree(entry) if entry.is_dir() and not entry.is_symlink() else entry.unlink()


def chmod(root: Path) -> None:
    (root / "a.txt").chmod(0o755)
    (root / "run.sh").chmod(0o644)
    (root / "docs/a.md").chmod(0o666)


def symlink_becomes_file(root: Path) -> None:
    (root / "link").unlink()
    write(root, "link", "a file\n")


def file_becomes_symlink(root: Path) -> None:
    (root / "a.txt").unlink()
    (root / "a.txt").symlink_to("nowhere/at/all")


def directory_becomes_file(root: Path) -> None:
    shutil.rmtree(root / "src")
    write(root, "src", "a file\n")


def file_becomes_directory(root: Path) -> None:
    (root / "a.txt").unlink()
    write(root, "a.txt/b", "b\n")


def symlink_becomes_directory(root: Path) -> None:
    (root / "link").unlink()
    write(root, "link/b", "b\n")


def empty_file(root: Path) -> None:
    write(root, "empty", "")
    write(root, "a.txt", "")


def empty_directories(root: Path) -> None:
    (root / "void/void").mkdir(parents=True)


def fifo(root: Path) -> None:
    os.mkfifo(root / "fifo")


def ignored(root: Path) -> None:
    write(root, "x.o", "object")
    write(root, "keep.o", "kept by a negative pattern")
    write(root, "local/deep/file", "ignored")
    write(root, "src/local", "not ignored, the pattern is anchored")
    write(root, "build/kept.txt", "tracked, changed\n")
    write(root, "build/other.txt", "ignored\n")
    write(root, "build/sub/other.txt", "ignored\n")


def new_ignore_rules(root: Path) -> None:
    write(root, ".gitignore", "*.txt\n")
    write(root, "src/.gitignore", "*.log\n!x.o\n")
    write(root, "src/run.log", "log")
    write(root, "src/x.o", "now kept")
    write(root, "x.o", "now kept")
    write(root, "new.txt", "ignored")
    write(root, "a.txt", "tracked, changed")


def ignore_rules_gone(root: Path) -> None:
    (root / ".gitignore").unlink()
    write(root, "x.o", "kept")
    write(root, "src/y.o", "kept")


def force_added(root: Path) -> None:
    write(root, "forced.o", "forced")
    write(root, "local/forced", "forced")
    git("add", "-f", "forced.o", "local/forced", cwd=root)
    write(root, "local/not", "not")


def untracked_but_kept_on_disk(root: Path) -> None:
    git("rm", "-q", "--cached", "docs/a.md", "src/deep/y.py", cwd=root)
    write(root, ".gitignore", "docs/a.md\n")


def untracked_directory_kept_on_disk(root: Path) -> None:
    git("rm", "-q", "-r", "--cached", "src", cwd=root)
    write(root, ".gitignore", "/src/\n")
    write(root, "src/deep/y.py", "changed")


def line_ending_attributes(root: Path) -> None:
    write(root, ".gitattributes", "*.txt text eol=lf\n*.bin -text\n")
    write(root, "a.txt", "one\r\ntwo\r\n")
    write(root, "a.bin", "one\r\ntwo\r\n")
    write(root, "src/.gitattributes", "*.txt -text\n")
    write(root, "src/a.txt", "one\r\ntwo\r\n")


def filter_driver(root: Path) -> None:
    git("config", "filter.upper.clean", "tr a-z A-Z", cwd=root)
    write(root, ".gitattributes", "*.up filter=upper\n")
    write(root, "src/a.up", "shout\n")


def odd_names(root: Path) -> None:
    names = (
        b"new\nline",
        b'"quoted"',
        b"back\\slash",
        b"caf\xc3\xa9",
        b"latin\xe9",
        b" lead",
        b"tail ",
        b"cr\r",
        b":colon",
    )
    for name in (*names, b":(top)x", b"-dash", b"*star?[x]", b"#hash", b"!bang", b"tab\t"):
        write(root, name, b"content of " + name)
        write(root, b"odd/" + name + b"/file", b"below " + name)
    write(root, b"odd\n/x.o", "ignored")


def embedded_repository(root: Path) -> None:
    write(root, "vendor/lib/file", "theirs\n")
    git("init", "-q", cwd=root / "vendor/lib")
    git("add", "-A", cwd=root / "vendor/lib")
    git("commit", "-q", "-m", "theirs", cwd=root / "vendor/lib")
    write(root, "vendor/lib/untracked", "not ours\n")
    write(root, "vendor/own", "ours\n")


def sparse_checkout(root: Path) -> None:
    git("sparse-checkout", "set", "--cone", "docs", cwd=root)
    write(root, "docs/new.md", "new\n")


def assumed_unchanged(root: Path) -> None:
    git("update-index", "--assume-unchanged", "docs/a.md", cwd=root)
    write(root, "docs/a.md", "private\n")


def staged_then_changed(root: Path) -> None:
    write(root, "a.txt", "staged\n")
    git("add", "-A", cwd=root)
    write(root, "a.txt", "changed after\n")


def committed_inside(root: Path) -> None:
    write(root, "a.txt", "committed\n")
    write(root, "new.txt", "committed\n")
    git("add", "-A", cwd=root)
    git("commit", "-q", "-m", "inside", cwd=root)


def renamed(root: Path) -> None:
    (root / "src").rename(root / "lib")
    (root / "a.txt").rename(root / "docs/a.txt")


def special_git_name(root: Path) -> None:
    (root / "odd/.git").mkdir(parents=True)
    write(root, "odd/file", "plain\n")


def written_back(root: Path) -> None:
    write(root, "a.txt", "one\n")


EDITS = [
    modify, add, delete, delete_directory, delete_last_file_of_directory, delete_everything, chmod,
    symlink_becomes_file, file_becomes_symlink, directory_becomes_file, file_becomes_directory,
    symlink_becomes_directory, empty_file, empty_directories, fifo, ignored, new_ignore_rules, ignore_rules_gone,
    force_added, untracked_but_kept_on_disk, untracked_directory_kept_on_disk, line_ending_attributes, filter_driver,
    odd_names, embedded_repository, sparse_checkout, assumed_unchanged, staged_then_changed, committed_inside, renamed,
    special_git_name, written_back,
]  # fmt: skip


@pytest.mark.parametrize("edit", EDITS, ids=lambda edit: edit.__name__)
def test_equals_git_add(session: HandMade, edit: Edit) -> None:
    edit(session.mount)
    session.sync()
    assert tree_of_session(session).oid == session.native_tree()


@pytest.mark.parametrize("edit", EDITS, ids=lambda edit: edit.__name__)
def test_equals_git_add_over_another_edit(session: HandMade, edit: Edit) -> None:
    write(session.layer(1), "docs/only-below", "hidden by nothing")
    write(session.layer(1), "a.txt", "below")
    session.whiteout("docs/b.md", 1)
    git_dir = session.mount / ".git"
    base_of_second = session.mount.parent / "second"
    shutil.copytree(session.mount, base_of_second, symlinks=True)
    for root in (session.mount, base_of_second):
        write(root, "docs/only-below", "hidden by nothing")
        write(root, "a.txt", "below")
        (root / "docs/b.md").unlink()
    session.pristine = base_of_second
    edit(session.mount)
    session.sync(2)
    assert git_dir.exists()
    assert tree_of_session(session).oid == session.native_tree()


def test_empty_delta_is_the_base(session: HandMade) -> None:
    assert tree_of_session(session).oid == git("rev-parse", "HEAD^{tree}", cwd=session.repo).decode()


def test_opaque_directory_hides_the_base(session: HandMade) -> None:
    write(session.layer(1), "docs/new.md", "new\n")
    os.setxattr(session.layer(1) / "docs", OPAQUE_XATTR, b"y")
    shutil.rmtree(session.mount / "docs")
    write(session.mount, "docs/new.md", "new\n")
    assert tree_of_session(session).oid == session.native_tree()


def test_grafted_tree_is_merged_with_what_the_layer_has(session: HandMade) -> None:
    tree = git("rev-parse", "HEAD:src", cwd=session.repo)
    (session.layer(1) / "lib").mkdir()
    os.setxattr(session.layer(1) / "lib", TREE_XATTR, tree)
    write(session.layer(1), "lib/deep/y.py", "changed\n")
    session.whiteout("lib/main.py")
    session.whiteout("src")
    (session.mount / "src").rename(session.mount / "lib")
    write(session.mount, "lib/deep/y.py", "changed\n")
    (session.mount / "lib/main.py").unlink()
    assert tree_of_session(session).oid == session.native_tree()


@pytest.mark.parametrize("pattern", ["kept.txt\n", "/lib/deep/\n", "elsewhere\n"])
def test_renamed_directory_loses_what_is_ignored_under_its_new_name(session: HandMade, pattern: str) -> None:
    tree = git("rev-parse", "HEAD:build", cwd=session.repo)
    (session.layer(1) / "lib/deep").mkdir(parents=True)
    os.setxattr(session.layer(1) / "lib/deep", TREE_XATTR, tree)
    session.whiteout("build")
    (session.mount / "lib").mkdir()
    (session.mount / "build").rename(session.mount / "lib/deep")
    for root in (session.layer(1), session.mount):
        write(root, ".gitignore", pattern)
    assert tree_of_session(session).oid == session.native_tree()


def test_executable_bit_of_a_renamed_directory_where_it_is_not_trusted(session: HandMade) -> None:
    write(session.repo, "bin/tool", "#!/bin/sh\n", 0o755)
    git("add", "bin", cwd=session.repo)
    git("commit", "-q", "-m", "tool", cwd=session.repo)
    git("config", "core.fileMode", "false", cwd=session.repo)
    later = HandMade(session.repo.parent, "beta")
    (later.layer(1) / "lib").mkdir()
    os.setxattr(later.layer(1) / "lib", TREE_XATTR, git("rev-parse", "HEAD:bin", cwd=later.repo))
    later.whiteout("bin")
    (later.mount / "bin").rename(later.mount / "lib")
    assert tree_of_session(later).oid == later.native_tree()


def test_index_alone_says_that_an_ignored_file_goes(session: HandMade) -> None:
    git("rm", "-q", "--cached", "build/kept.txt", cwd=session.mount)
    assert tree_of_session(session).oid == session.native_tree()


def test_upper_layer_wins_and_restores(session: HandMade) -> None:
    session.whiteout("src", 1)
    write(session.layer(2), "src/again.py", "again\n")
    session.whiteout("docs/a.md", 1)
    write(session.layer(2), "docs/a.md", "back\n")
    write(session.layer(1), "docs/extra.md", "extra\n")
    session.whiteout("docs/extra.md", 2)
    shutil.rmtree(session.mount / "src")
    write(session.mount, "src/again.py", "again\n")
    write(session.mount, "docs/a.md", "back\n")
    assert tree_of_session(session).oid == session.native_tree()


def test_steering_files_of_lower_layers_count(session: HandMade) -> None:
    write(session.layer(1), ".gitattributes", "*.txt text eol=lf\n")
    write(session.layer(1), ".gitignore", "*.tmp\n")
    write(session.layer(2), "n.txt", "a\r\n")
    write(session.layer(2), "n.tmp", "ignored")
    for path, content in ((".gitattributes", "*.txt text eol=lf\n"), (".gitignore", "*.tmp\n"), ("n.txt", "a\r\n")):
        write(session.mount, path, content)
    write(session.mount, "n.tmp", "ignored")
    assert tree_of_session(session).oid == session.native_tree()


@pytest.mark.parametrize("attributes", ["* text=auto\n", "* text\n", "* text=auto eol=crlf\n", ""])
@pytest.mark.parametrize("autocrlf", ["true", "input", "false"])
def test_line_endings_the_index_already_has(repo: Path, attributes: str, autocrlf: str) -> None:
    for name in ("crlf.txt", "odd *name?.txt"):
        write(repo, name, "one\r\ntwo\r\n")
    git("-c", "core.autocrlf=false", "add", "-A", cwd=repo)
    git("commit", "-q", "-m", "crlf", cwd=repo)
    git("config", "core.autocrlf", autocrlf, cwd=repo)
    session = HandMade(repo.parent, "beta")
    write(session.mount, ".gitattributes", attributes)
    write(session.mount, "crlf.txt", "one\r\nthree\r\n")
    write(session.mount, "odd *name?.txt", "one\r\nthree\r\n")
    write(session.mount, "new.txt", "one\r\nthree\r\n")
    session.sync()
    assert tree_of_session(session).oid == session.native_tree()


def test_renormalized_files(repo: Path) -> None:
    for name in ("crlf.txt", "sub/crlf.txt", "other.txt"):
        write(repo, name, "one\r\ntwo\r\n", 0o755)
    git("add", "-A", cwd=repo)
    git("commit", "-q", "-m", "crlf", cwd=repo)
    session = HandMade(repo.parent, "beta")
    write(session.mount, ".gitattributes", "crlf.txt text\n")
    git("add", "--renormalize", ".", cwd=session.mount)
    session.sync()
    found = tree_of_session(session).oid
    assert found == session.native_tree()


def test_staged_only_changes_are_not_taken(session: HandMade) -> None:
    oid = git("hash-object", "-w", ".gitignore", cwd=session.mount).decode()
    git("update-index", "--cacheinfo", f"100755,{oid},docs/a.md", cwd=session.mount)
    assert tree_of_session(session).oid == session.native_tree()
    write(session.mount, "a.txt", "changed\n")
    session.sync()
    assert tree_of_session(session).oid == session.native_tree()


def test_untrusted_executable_bit(session: HandMade) -> None:
    git("config", "core.fileMode", "false", cwd=session.repo)
    (session.mount / "a.txt").chmod(0o755)
    write(session.mount, "a.txt", "changed", 0o755)
    write(session.mount, "run.sh", "changed", 0o644)
    write(session.mount, "new.sh", "new", 0o755)
    git("update-index", "--chmod=+x", "docs/a.md", cwd=session.mount)
    session.sync()
    assert tree_of_session(session).oid == session.native_tree()


def test_submodule(repo: Path) -> None:
    other = repo.parent / "other"
    other.mkdir()
    git("init", "-q", cwd=other)
    git("commit", "-q", "--allow-empty", "-m", "theirs", cwd=other)
    git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", os.fspath(other), "sub", cwd=repo)
    git("commit", "-q", "-m", "sub", cwd=repo)
    session = HandMade(repo.parent, "beta")
    write(session.mount, "sub/stray", "files in a submodule that is not checked out are not ours\n")
    session.sync()
    assert tree_of_session(session).oid == session.native_tree()
    (session.mount / "sub/stray").unlink()
    git("-c", "protocol.file.allow=always", "submodule", "--quiet", "update", "--init", cwd=session.mount)
    git("commit", "-q", "--allow-empty", "-m", "ours", cwd=session.mount / "sub")
    session.sync()
    assert tree_of_session(session).oid == session.native_tree()
    shutil.rmtree(session.mount / "sub")
    session.sync()
    assert tree_of_session(session).oid == session.native_tree()


def test_untouched_trees_are_not_read(session: HandMade, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    original = ObjectSink.read_tree

    def noting(sink: ObjectSink, oid: Oid) -> dict[bytes, Entry]:
        read.append(oid)
        return original(sink, oid)

    monkeypatch.setattr(ObjectSink, "read_tree", noting)
    write(session.layer(1), "docs/a.md", "changed\n")
    tree_of_session(session)
    wanted = git("rev-parse", "HEAD^{tree}", "HEAD:docs", cwd=session.repo).decode().split("\n")
    assert sorted(set(read)) == sorted(wanted)


def test_user_repository_gets_no_object(session: HandMade) -> None:
    before = git("count-objects", "-v", cwd=session.repo)
    write(session.layer(1), "docs/a.md", "changed and never seen before\n")
    (session.layer(1) / "l").symlink_to("never seen before")
    tree_of_session(session)
    assert git("count-objects", "-v", cwd=session.repo) == before


def test_ignored_files_are_summed_up_by_topmost_name(session: HandMade) -> None:
    ignored(session.layer(1))
    found = tree_of_session(session).ignored
    assert (found.count, found.size) == (4, 6 + 7 + 8 + 8)
    assert {each.path: each.files for each in found.entries} == {
        b"x.o": 1, b"local": 1, b"build/other.txt": 1, b"build/sub": 1,
    }  # fmt: skip


def test_context_stays_out(session: HandMade) -> None:
    context = session.layout.context
    write(context, ".env", "SECRET=1\n")
    write(context, "a.txt", "context hides a tracked file\n")
    write(context, ".claude/settings.json", "{}")
    write(context, "docs/a.md", "context below a tracked directory\n")
    write(session.layer(1), ".env", "SECRET=2\n")
    write(session.layer(1), "a.txt", "changed copy\n")
    write(session.layer(1), ".claude/settings.json", "{1}")
    write(session.layer(1), ".claude/own.json", "own")
    write(session.layer(1), "docs/b.md", "ours\n")
    session.whiteout("docs/a.md")
    base = {".gitignore", "a.txt", "build/kept.txt", "docs/a.md", "docs/b.md", "link", "run.sh"}
    base |= {"src/deep/er/x.py", "src/deep/y.py", "src/main.py"}
    assert listing(session) == base | {".claude/own.json"}
    tree = tree_of_session(session).oid
    with scratch_for(session.ws, session.record, throwaway=False) as scratch:
        session_tree(scratch, layer_trees(session.paths))
    assert git("show", f"{tree}:a.txt", cwd=session.repo) == b"one"


def test_deleted_context_directory_deletes_only_tracked_files(session: HandMade) -> None:
    write(session.layout.context, "docs/a.md", "context\n")
    write(session.layout.context, "src/deep/er/x.py", "context\n")
    session.whiteout("docs")
    (session.layer(1) / "src").mkdir()
    os.setxattr(session.layer(1) / "src", OPAQUE_XATTR, b"y")
    assert listing(session) == {
        ".gitignore", "a.txt", "build/kept.txt", "docs/a.md", "link", "run.sh", "src/deep/er/x.py",
    }  # fmt: skip


def test_renamed_context_copy_stays_out(session: HandMade) -> None:
    write(session.layer(1), "moved.env", "SECRET\n")
    os.setxattr(session.layer(1) / "moved.env", CONTEXT_XATTR, b"1")
    assert "moved.env" not in listing(session)


def test_wider_scope_takes_what_else_exists_nowhere(session: HandMade) -> None:
    write(session.layout.context, ".env", "SECRET=1\n")
    write(session.layer(1), ".env", "SECRET=2\n")
    write(session.layer(1), "local/small", "small")
    write(session.layer(1), "big.o", "x" * 100)
    scope = Scope(ignored_files=10, ignored_bytes=50, everything=True)
    found = listing(session, scope)
    assert {".env", "local/small"} <= found
    assert "big.o" not in found
    assert tree_of_session(session, scope).left_out == (b"big.o",)


def test_lost_index_falls_back_to_the_base(session: HandMade) -> None:
    write(session.layer(1), "build/kept.txt", "changed\n")
    (session.paths.git_dir / "index").unlink()
    assert "build/kept.txt" in listing(session)
