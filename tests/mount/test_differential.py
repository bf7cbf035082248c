"""Random operations through the kernel on a mount and on a plain directory must give the same."""

from __future__ import annotations

import os
import random
import shutil
from pathlib import Path

import pytest

from git_vibe.daemon.client import sealed_layers
from tests.mount.conftest import Mounted
from tests.support.operations import Native, link_groups, perform, random_operation, see

STEPS = 500

pytestmark = pytest.mark.fuse


@pytest.fixture
def plain(fresh: Mounted, top: Path) -> Path:
    """A plain copy of what the mount shows now, without `.git`."""
    copy = top / f"copy-of-{fresh.record.name}"
    shutil.copytree(fresh.path, copy, symlinks=True, ignore=lambda folder, names: [n for n in names if n == ".git"])
    return copy


@pytest.mark.parametrize("seed", range(6))
def test_random_operations(fresh: Mounted, plain: Path, seed: int) -> None:
    rng = random.Random(seed)
    native, served = Native(str(plain)), Native(str(fresh.path))
    names = dict(zip("abcd", ("src", "clean", "a", "01"), strict=True)) if seed % 2 else {}
    done: list[str] = []
    try:
        for step in range(STEPS):
            operation = random_operation(rng, names)
            done.append(str(operation))
            expected = perform(native, operation)
            assert perform(served, operation) == expected, expected
            if step % 50 == 49:
                compare(fresh, plain)
            if step % 100 == 70:
                done.append("seal, unseal")
                with sealed_layers(fresh.workspace.layout, fresh.record.name):
                    compare(fresh, plain)
        compare(fresh, plain)
    except Exception as error:
        raise AssertionError(f"seed {seed}, after\n" + "\n".join(done) + f"\n{error!r}") from error
    finally:
        native.close_all()
        served.close_all()
    mtimes_agree_with_listing(fresh.path)


def compare(fresh: Mounted, plain: Path) -> None:
    """Both show the same tree."""
    assert see(str(fresh.path)) == see(str(plain))
    assert link_groups(str(fresh.path)) == link_groups(str(plain))


def mtimes_agree_with_listing(top: Path) -> None:
    """What a listing says of an entry is what stat says of it."""
    for folder, _, _ in os.walk(top):
        with os.scandir(folder) as entries:
            for entry in entries:
                assert entry.inode() == entry.stat(follow_symlinks=False).st_ino == os.lstat(entry.path).st_ino
