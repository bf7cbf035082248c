"""Has it landed? Decided by content, whichever way the work went."""

from __future__ import annotations

import subprocess

import pytest

from git_vibe.session import landed as module
from git_vibe.session.landed import commit_landed, landed
from git_vibe.session.promote import promote
from git_vibe.types import Oid
from tests.unit.session.handmade import HandMade, git, write

WORK = "refs/vibes/alpha"
OTHERS_GO_ON = "echo other >other.txt; git add -A; git commit -qm other;"
TWICE = f"git cherry-pick {WORK}~ {WORK};"


@pytest.fixture
def promoted(session: HandMade) -> HandMade:
    """A session with two promotes: the first edits and adds text, the second edits the text again and adds a binary."""
    write(session.mount, "a.txt", "".join(f"line {number}\n" for number in range(30)))
    write(session.mount, "src/new.py", "new\n")
    session.sync()
    promote(session.ws, session.name)
    write(session.mount, "a.txt", "".join(f"line {number}\n" for number in range(29)) + "last\n")
    write(session.mount, "blob.bin", b"\0\1\2")
    session.sync()
    promote(session.ws, session.name)
    return session


def how(session: HandMade, script: str = "") -> str | None:
    """What is found after the user ran a shell script on main."""
    done = subprocess.run(["sh", "-ec", script], cwd=session.repo, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return landed(session.ws, session.record, Oid(git("rev-parse", "main", cwd=session.repo).decode()))


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("", None),
        (OTHERS_GO_ON, None),
        (f"git merge -q {WORK}", "merged"),
        (f"{OTHERS_GO_ON} git merge -q -m m {WORK}; {OTHERS_GO_ON.replace('other', 'more')}", "merged"),
        (f"git merge -q --squash {WORK}; git commit -qm s", "same tree"),
        (f"{OTHERS_GO_ON} git merge -q --squash {WORK}; git commit -qm s", "squashed"),
        (f"git merge -q --squash {WORK}; git commit -qm s; echo x >>a.txt; git commit -qam x", "squashed"),
        (f"{OTHERS_GO_ON} {TWICE}", "picked"),
        (f"{OTHERS_GO_ON} {TWICE} sed -i s/last/changed/ a.txt; git commit -qam later", "picked"),
        (f"{OTHERS_GO_ON} git checkout -q -b topic {WORK}; git rebase -q main; git branch -f main topic", "picked"),
        (f"{OTHERS_GO_ON} git restore -s {WORK} -- a.txt; git commit -qam half;"
         f" git restore -s {WORK} -- src blob.bin; git add -A; git commit -qm rest", "contained"),
    ],
)  # fmt: skip
def test_ways_to_land(promoted: HandMade, script: str, expected: str | None) -> None:
    assert how(promoted, script) == expected


@pytest.mark.parametrize(
    "script",
    [
        f"{OTHERS_GO_ON} git cherry-pick {WORK}~",
        f"{OTHERS_GO_ON} git cherry-pick -n {WORK}~ {WORK}; git reset -q HEAD src; git commit -qm part; git clean -fqd",
        f"git merge -q --squash {WORK}; printf '\\0\\1\\3' >blob.bin; git add -A; git commit -qm other-binary",
        f"git restore -s {WORK} -- .; sed -i s/last/mine/ a.txt; git add -A; git commit -qm similar",
    ],
)
def test_a_part_is_not_enough(promoted: HandMade, script: str) -> None:
    assert how(promoted, script) is None


@pytest.mark.parametrize(
    ("landing", "reverting"),
    [
        (f"git merge -q {WORK}", "git revert --no-edit HEAD"),
        (f"{OTHERS_GO_ON} git merge -q -m m {WORK}", "git revert --no-edit -m 1 HEAD"),
        (f"{OTHERS_GO_ON} git merge -q --squash {WORK}; git commit -qm s", "git revert --no-edit HEAD"),
        (f"{OTHERS_GO_ON} {TWICE}", "git revert --no-edit HEAD"),
    ],
)
def test_what_was_reverted_has_not_landed_until_it_is_back(promoted: HandMade, landing: str, reverting: str) -> None:
    assert how(promoted, landing) is not None
    assert how(promoted, reverting) is None
    assert how(promoted, "git revert --no-edit HEAD") is not None


def test_nothing_promoted_has_not_landed(session: HandMade) -> None:
    assert how(session) is None


def test_the_answer_is_remembered(promoted: HandMade, monkeypatch: pytest.MonkeyPatch) -> None:
    assert how(promoted, f"git merge -q {WORK}") == "merged"
    monkeypatch.setattr(module, "commit_landed", None)
    assert how(promoted) == "merged"


def test_the_repository_gets_no_objects(promoted: HandMade) -> None:
    def objects() -> bytes:
        return git("count-objects", "-v", cwd=promoted.repo)

    subprocess.run(["sh", "-ec", OTHERS_GO_ON], cwd=promoted.repo, check=True)
    before = objects()
    assert how(promoted) is None
    assert objects() == before


def test_unrelated_history(promoted: HandMade) -> None:
    git("checkout", "-q", "--orphan", "alone", cwd=promoted.repo)
    git("commit", "-q", "-m", "alone", cwd=promoted.repo)
    alone = Oid(git("rev-parse", "alone", cwd=promoted.repo).decode())
    assert commit_landed(promoted.ws, Oid(str(promoted.record.promoted)), alone) is None
