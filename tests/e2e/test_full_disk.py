"""A full disk: what does not fit is refused with the error every program knows, and nothing that fitted is lost."""

from __future__ import annotations

import errno
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.gitrepo import GitRepo
from tests.support.machines import mounted_disk
from tests.support.runner import Vibe
from tests.support.soundness import assert_sound

pytestmark = pytest.mark.fuse

CHUNK = bytes(range(256)) * 256
WORDS = re.compile("No space left on device|Out of diskspace")


@pytest.fixture
def small(repo: GitRepo, tmp_path: Path) -> Iterator[GitRepo]:
    """The repository on a disk of 12 MiB."""
    with mounted_disk(tmp_path / "disk", "tmpfs", "size=12m") as disk:
        repo.git("clone", "--quiet", "--no-hardlinks", ".", str(disk / "repo"))
        yield GitRepo(disk / "repo")


def fill(path: Path) -> int:
    """Write until nothing more fits; the number of bytes that did. Whole chunks are buffered nowhere."""
    written = 0
    with pytest.raises(OSError) as caught, open(path, "wb", buffering=0) as file:
        while True:
            written += file.write(CHUNK)
    assert caught.value.errno == errno.ENOSPC
    return written


def undisturbed(repo: GitRepo) -> tuple[dict[str, str], str]:
    """What a command that failed must leave as it was; there is no room for git to refresh its index."""
    return repo.refs(), repo.git("--no-optional-locks", "status", "--porcelain")


def test_writing_in_a_session(small: GitRepo) -> None:
    vibe = Vibe(small.path)
    alpha = Path(vibe("spawn", "alpha"))
    (alpha / "before").write_text("kept\n")
    written = fill(alpha / "big.log")
    assert (alpha / "big.log").read_bytes()[:written] == (CHUNK * (written // len(CHUNK) + 1))[:written]
    fill(alpha / "more")
    with pytest.raises(OSError, match="No space left on device"):
        (alpha / "README").write_text("x" * 99999)
    assert (alpha / "before").read_text() == "kept\n"
    (alpha / "big.log").unlink()
    (alpha / "README").write_text("edited\n")
    vibe("promote", "alpha")
    assert small.git("show", "refs/vibes/alpha:before") == "kept"
    assert small.git("show", "refs/vibes/alpha:README") == "edited"
    assert_sound(vibe, small)


def test_a_failed_copy_up_leaves_the_file(small: GitRepo) -> None:
    small.commit({"large": CHUNK * 20})
    vibe = Vibe(small.path)
    alpha = Path(vibe("spawn", "alpha"))
    fill(alpha / "big.log")
    with pytest.raises(OSError) as caught, open(alpha / "large", "r+b") as file:
        file.write(b"x")
        file.flush()
    assert caught.value.errno == errno.ENOSPC
    assert (alpha / "large").read_bytes() == CHUNK * 20
    (alpha / "big.log").unlink()
    assert vibe.data("status", "alpha")["files"] == []


@pytest.mark.parametrize("command", ["promote", "close --force", "commit"])
def test_bringing_back(command: str, small: GitRepo) -> None:
    vibe = Vibe(small.path)
    alpha = Path(vibe("spawn", "alpha"))
    (alpha / "data").write_bytes(CHUNK)
    fill(alpha / "big.log")
    before = undisturbed(small)
    done = vibe.run(*command.split(), "alpha")
    assert done.code == 1, done
    assert WORDS.search(done.err) and "Traceback" not in done.err and "unexpected" not in done.err
    assert undisturbed(small) == before
    alpha = Path(vibe("spawn", "alpha"))
    assert (alpha / "data").read_bytes() == CHUNK
    (alpha / "big.log").unlink()
    vibe(*command.split(), "alpha")
    kept = [ref for ref in small.refs("refs/vibe") | small.refs("refs/vibes") if "base" not in ref]
    assert small.git_bytes("show", f"{kept[0]}:data") == CHUNK
    assert_sound(vibe, small)


@pytest.mark.parametrize("command", ["init", "spawn alpha"])
def test_starting(command: str, small: GitRepo) -> None:
    vibe = Vibe(small.path)
    filler = small.path.parent / "filler"
    fill(filler)
    done = vibe.run(*command.split())
    assert done.code == 1, done
    assert WORDS.search(done.err) and "Traceback" not in done.err and "unexpected" not in done.err
    filler.unlink()
    assert_sound(vibe, small)
    vibe(*command.split())
    assert_sound(vibe, small)
