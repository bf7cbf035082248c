"""`git vibe rebase` merges what a cherry-pick would, under a live mount."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.support.gitrepo import Content, GitRepo
from tests.support.runner import Vibe
from tests.support.soundness import assert_sound
from tests.support.trees import tree

pytestmark = pytest.mark.fuse

Change = Callable[[GitRepo], object]
LINES = "".join(f"line {number}\n" for number in range(1, 21))
BASE: dict[str, Content] = {
    "text": LINES,
    "other": LINES.upper(),
    "lib/a.py": LINES,
    "lib/b/c.py": LINES.replace("line", "row"),
    "lib/link": "-> a.py",
    "data": bytes(range(256)),
    "gone": "to be deleted\n" * 9,
    "crlf.txt": "one\r\ntwo\r\n",
    ".gitattributes": "*.union merge=union\n*.ours merge=ours\n*.eol text eol=crlf\n*.bat text eol=crlf\n",
    "list.union": "a\nb\n",
    "x.eol": "one\ntwo\nthree\nfour\nfive\nsix\nseven\neight\n",
}


class Case(NamedTuple):
    """What upstream does and what the session does; paths in conflict."""

    upstream: Change
    session: Change
    conflicts: tuple[str, ...] = ()


def write(**files: str | bytes | None) -> Change:
    """Write or delete files; `__` stands for a slash, `_DOT_` for a dot."""
    named = {name.replace("__", "/").replace("_DOT_", "."): content for name, content in files.items()}
    return lambda repo: repo.write(named)


def replace(name: str, old: str, new: str) -> Change:
    """Replace text in a file."""

    def act(repo: GitRepo) -> None:
        path = repo.path / name
        path.write_bytes(path.read_bytes().replace(old.encode(), new.encode()))

    return act


def move(old: str, new: str) -> Change:
    """Rename in the file system."""

    def act(repo: GitRepo) -> None:
        (repo.path / new).parent.mkdir(exist_ok=True, parents=True)
        os.rename(repo.path / old, repo.path / new)

    return act


def remove(*names: str) -> Change:
    """Delete files or directories."""
    return lambda repo: subprocess.run(["rm", "-r", *names], cwd=repo.path, check=True)


def mode(name: str, bits: int) -> Change:
    """Change the mode of a file."""
    return lambda repo: (repo.path / name).chmod(bits)


def nothing(repo: GitRepo) -> None:
    """Nothing at all."""


def both(*changes: Change) -> Change:
    """One after the other."""

    def act(repo: GitRepo) -> None:
        for change in changes:
            change(repo)

    return act


first, last = replace("text", "line 1\n", "first\n"), replace("text", "line 20\n", "last\n")
CASES = {
    "only upstream": Case(both(first, write(new="x\n", data=b"\0new", gone=None)), nothing),
    "only session": Case(write(unrelated="x\n"), both(first, write(mine="x\n", gone=None))),
    "edit/edit clean": Case(first, last),
    "edit/edit same": Case(first, first),
    "edit/edit conflict": Case(first, replace("text", "line 1\n", "mine\n"), ("text",)),
    "edit/delete": Case(first, remove("text"), ("text",)),
    "delete/edit": Case(remove("text"), last, ("text",)),
    "delete/delete": Case(remove("text"), remove("text")),
    "add/add same": Case(write(new="x\n"), write(new="x\n")),
    "add/add conflict": Case(write(new="theirs\n"), write(new="mine\n"), ("new",)),
    "rename/edit": Case(move("text", "moved/text"), last),
    "edit/rename": Case(first, move("text", "moved/text")),
    "rename/rename same": Case(move("text", "moved"), move("text", "moved")),
    "rename/rename conflict": Case(move("text", "theirs"), move("text", "mine"), ("mine", "text", "theirs")),
    "rename/delete": Case(move("text", "moved"), remove("text"), ("moved",)),
    "rename/add": Case(move("text", "new"), write(new="mine\n"), ("new",)),
    "directory rename/edit": Case(move("lib", "library"), both(replace("lib/a.py", "line 1\n", "mine\n"))),
    "edit/directory rename": Case(
        both(replace("lib/a.py", "line 1\n", "theirs\n"), write(lib__new="x\n", lib__b__new="y\n")),
        move("lib", "library"), ("library/b/new", "library/new"),
    ),
    "edit/directory rename and edit": Case(
        replace("lib/b/c.py", "row 1\n", "theirs\n"),
        both(move("lib", "src"), replace("src/b/c.py", "row 20\n", "mine\n"), remove("src/a.py")),
    ),
    "directory/file": Case(both(remove("text"), write(text__inside="x\n")), replace("text", "line 1\n", "mine\n"),
                           ("text~alpha",)),
    "file/directory": Case(first, both(remove("text"), write(text__inside="x\n")), ("text~main",)),
    "directory becomes file": Case(both(remove("lib"), write(lib="a file\n")), last),
    "file becomes directory": Case(both(remove("gone"), write(gone__deep__inside="x\n")), last),
    "link becomes directory": Case(both(remove("lib/link"), write(lib__link__inside="x\n")), last),
    "mode/nothing": Case(mode("text", 0o755), nothing),
    "mode/edit": Case(mode("text", 0o755), last),
    "edit/mode": Case(first, mode("text", 0o755)),
    "binary/text": Case(write(data=b"\0new"), last),
    "binary/binary": Case(write(data=b"\0theirs"), write(data=b"\0mine"), ("data",)),
    "link/nothing": Case(write(lib__link="-> b/c.py"), nothing),
    "link/link": Case(write(lib__link="-> b/c.py"), write(lib__link="-> nowhere"), ("lib/link",)),
    "link/file": Case(both(remove("text"), write(text="-> other")), last, ("text", "text~alpha")),
    "union": Case(write(list_DOT_union="a\nb\ntheirs\n"), write(list_DOT_union="a\nb\nmine\n")),
    "eol/nothing": Case(replace("x.eol", "one", "ONE"), nothing),
    "eol/eol": Case(replace("x.eol", "one", "ONE"), replace("x.eol", "eight", "EIGHT")),
    "crlf": Case(replace("crlf.txt", "one", "ONE"), write(mine="x\n")),
    "attributes": Case(write(_DOT_gitattributes="*.sh text eol=crlf\nlib/* ident\n", new_DOT_sh="a\nb\n"), last),
    "emptied directories": Case(remove("lib/b/c.py"), write(lib__mine="x\n")),
    "odd names": Case(lambda repo: repo.write({"a b": "x", "*": "x", "nöl": "x", "-x": "x", "new\nline": "y"}), last),
    "everything": Case(
        both(first, move("lib", "library"), remove("gone"), write(data=b"\0theirs", new="x\n"), mode("other", 0o755)),
        both(last, replace("lib/a.py", "line 9\n", "mine\n"), write(lib__mine="x\n", data=b"\0mine"), remove("other")),
        ("data", "library/mine", "other"),
    ),
}  # fmt: skip


def below(directory: str, change: Change) -> Change:
    """A change in a directory of its own."""
    return lambda repo: change(GitRepo(repo.path / directory))


def files_below(directory: str) -> dict[str, Content]:
    """The files of the base, unlike those of any other directory: nothing is a rename of anything there."""
    return {
        f"{directory}/{name}": content.replace("line", f"{directory} line")
        if isinstance(content, str) and content.startswith(("line", "row"))
        else content
        for name, content in BASE.items()
    }


def together(cases: dict[str, Case]) -> Case:
    """Many cases at once, each in a directory of its own."""
    numbered = [(f"case{number}", case) for number, case in enumerate(cases.values())]
    return Case(
        both(*(below(name, case.upstream) for name, case in numbered)),
        both(*(below(name, case.session) for name, case in numbered)),
        tuple(f"{name}/{path}" for name, case in numbered for path in case.conflicts),
    )


@pytest.mark.parametrize("conflicting", [False, True])
def test_a_rebase_gives_what_a_cherry_pick_gives(
    *, conflicting: bool, repo: GitRepo, vibe: Vibe, tmp_path: Path
) -> None:
    cases = {name: case for name, case in CASES.items() if bool(case.conflicts) is conflicting}
    files = {path: what for number in range(len(cases)) for path, what in files_below(f"case{number}").items()}
    check(together(cases), repo, vibe, native(repo, tmp_path, files))


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_each_rebase_gives_what_a_cherry_pick_gives(name: str, repo: GitRepo, vibe: Vibe, tmp_path: Path) -> None:
    check(CASES[name], repo, vibe, native(repo, tmp_path, BASE))


def check(case: Case, repo: GitRepo, vibe: Vibe, native: GitRepo) -> None:
    """Rebase a session and pick its changes in a plain work tree; compare all that can be seen."""
    alpha = prepared(case, repo, vibe)
    before, index = tree(alpha.path), staged(alpha)
    expected = picked(case, native, repo)
    done = vibe.run("rebase", "alpha")
    assert done.code == (1 if case.conflicts else 0), done.err
    assert conflicts(alpha) == conflicts(native) == set(case.conflicts)
    assert normal(tree(alpha.path)) == normal(expected)
    assert unmerged(alpha) == unmerged(native)
    assert alpha.git("rev-parse", "HEAD") == repo.git("rev-parse", "main")
    if case.conflicts:
        assert "git vibe rebase --continue alpha" in done.err
        vibe("rebase", "--abort", "alpha")
        assert (tree(alpha.path), staged(alpha)) == (before, index)
    else:
        alpha.git("add", "--all")
        native.git("add", "--all")
        assert alpha.git("write-tree") == native.git("write-tree")
        promoted = vibe.data("promote", "alpha")["commit"] or "main"
        assert repo.git("rev-parse", f"{promoted}^{{tree}}") == native.git("write-tree")
    remounted(vibe, alpha)
    assert_sound(vibe, repo)


def native(repo: GitRepo, tmp_path: Path, files: dict[str, Content]) -> GitRepo:
    """A plain linked work tree of the base, which has these files."""
    repo.git("config", "merge.ours.driver", "true")
    repo.git("rm", "-r", "--quiet", ".")
    repo.commit(files, message="base")
    path = tmp_path / "native"
    repo.git("worktree", "add", "--quiet", "--detach", str(path))
    return GitRepo(path)


def prepared(case: Case, repo: GitRepo, vibe: Vibe) -> GitRepo:
    """A session that was changed, and upstream that moved on; every file has been looked at."""
    alpha = GitRepo(Path(vibe("spawn", "alpha")))
    case.session(alpha)
    case.upstream(repo)
    repo.commit(message="upstream")
    tree(alpha.path)
    return alpha


def picked(case: Case, native: GitRepo, repo: GitRepo) -> dict[bytes, tuple[str, int, bytes]]:
    """What `git cherry-pick` makes of the session's changes on top of upstream."""
    case.session(native)
    mine = native.commit(message="mine")
    native.git("checkout", "--quiet", "--detach", "main")
    subprocess.run(["git", "cherry-pick", "--no-commit", mine], cwd=native.path, capture_output=True, check=False)
    return tree(native.path)


def conflicts(where: GitRepo) -> set[str]:
    listing = where.git_bytes("ls-files", "-u", "-z").split(b"\0")[:-1]
    return {os.fsdecode(plain(line.partition(b"\t")[2])) for line in listing}


def unmerged(where: GitRepo) -> list[bytes]:
    return sorted(map(plain, where.git_bytes("ls-files", "-u", "-z").split(b"\0")))


def staged(where: GitRepo) -> str:
    return where.git("ls-files", "--stage")


def plain(path: bytes) -> bytes:
    """A path as we name it: git calls sides HEAD, and the commit that is picked."""
    return re.sub(rb"~[0-9a-f]{7,} \(mine\)$", b"~alpha", path.replace(b"~HEAD", b"~main"))


def normal(found: dict[bytes, tuple[str, int, bytes]]) -> dict[bytes, tuple[str, int, bytes]]:
    """A tree without the names of sides in conflict markers, and without empty directories."""
    return {
        plain(path): (kind, bits, re.sub(rb"(?m)^([<>|]{7}) .*$", rb"\1", content))
        for path, (kind, bits, content) in found.items()
        if kind != "directory" or any(other.startswith(path + b"/") for other in found)
    }


def remounted(vibe: Vibe, alpha: GitRepo) -> None:
    """A new mount shows the same."""
    seen = tree(alpha.path)
    vibe("daemon", "stop", "--all")
    vibe("spawn", "alpha")
    assert tree(alpha.path) == seen
