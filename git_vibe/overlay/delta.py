"""The layers of one session as the view writes them: paths, the top layer, temporary files, whiteouts."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from git_vibe.store.atomic import create_dir_atomically, remove_dir_atomically, remove_tree, temporary_name
from git_vibe.store.faults import reached
from git_vibe.store.layer import accessible, make_whiteout, remove_path, rename_into_place
from git_vibe.store.layout import ADOPTED
from git_vibe.types import LayerId


class Delta:
    """All layers below `directory` (the session's `layers`); the last of `ids` is the top layer.

    `turns` counts how often a layer became the top one.
    """

    def __init__(self, directory: Path, ids: list[LayerId]) -> None:
        self._directory = directory
        self.ids = ids
        self.turns = 0
        self._roots = {layer: self._root(layer) for layer in ids}
        self.use_top(ids[-1])

    def _root(self, layer: LayerId) -> bytes:
        return os.fsencode(self._directory / layer.dirname / "tree")

    def use_top(self, layer: LayerId) -> None:
        """Make `layer`, which must exist, the one that is written to."""
        self.top = layer
        self.turns += 1
        self._roots[layer] = self.root = self._root(layer)
        self.work = os.fsencode(self._directory / layer.dirname / "work")

    def push(self, prepare: Callable[[bytes], None]) -> LayerId:
        """Create an empty layer above all others, whose root `prepare` dresses, and make it the top one."""
        layer = LayerId(self.ids[-1] + 1)
        with create_dir_atomically(self._directory / layer.dirname) as directory:
            (directory / "tree").mkdir()
            (directory / "work").mkdir(mode=0o700)
            prepare(os.fsencode(directory / "tree"))
            reached("seal.staged")
        reached("seal.pushed")
        self.ids.append(layer)
        self.use_top(layer)
        return layer

    def adopt(self, staged: Path) -> None:
        """Put a prepared layer on top: the directory `staged` with `tree` and `work`, marked to stay one of its own."""
        layer = LayerId(self.ids[-1] + 1)
        (staged / ADOPTED).touch()
        os.rename(staged, self._directory / layer.dirname)
        reached("adopt.placed")
        self.ids.append(layer)
        self.use_top(layer)

    def is_adopted(self, layer: LayerId) -> bool:
        """Whether a layer was adopted and not merged in since."""
        return (self._directory / layer.dirname / ADOPTED).exists()

    def merge_adopted(self) -> None:
        """Let adopted layers be layers like any other."""
        for layer in self.ids:
            (self._directory / layer.dirname / ADOPTED).unlink(missing_ok=True)

    @contextlib.contextmanager
    def without(self, layers: Sequence[LayerId]) -> Iterator[None]:
        """Take the topmost layers away, one rename each from the top down; their files vanish after the block."""
        aside = [temporary_name(self._directory / layer.dirname, ".old") for layer in layers]
        for layer, path in reversed(list(zip(layers, aside, strict=True))):
            os.rename(self._directory / layer.dirname, path)
            self.ids.remove(layer)
            reached("pop.renamed")
        self.use_top(self.ids[-1])
        yield
        for path in aside:
            remove_tree(path)

    def drop_top(self) -> None:
        """Remove the top layer, which must be empty, and make the one below it the top."""
        gone = self.ids.pop()
        self.use_top(self.ids[-1])
        reached("unseal.folded")
        remove_dir_atomically(self._directory / gone.dirname)

    def path(self, layer: LayerId, relative: bytes) -> bytes:
        """Absolute path of `relative` (with its leading slash) in a layer."""
        return self._roots[layer] + relative

    def temporary(self) -> bytes:
        """A fresh path in the top layer's directory for temporary files."""
        return self.work + b"/" + os.urandom(8).hex().encode()

    def whiteout(self, relative: bytes) -> None:
        """Hide a name in the top layer, replacing what the layer has there."""
        make_whiteout(self.work, self.root + relative)

    def place(self, relative: bytes, make: Callable[[bytes], None], *, over_whiteout: bool) -> None:
        """Create something at a path of the top layer by calling `make` with the path to create it at."""
        if not over_whiteout:
            make(self.root + relative)
            return
        with self.staged(relative) as temporary:
            make(temporary)

    @contextlib.contextmanager
    def staged(self, relative: bytes) -> Iterator[bytes]:
        """Yield a temporary path; what was made there replaces `relative` at the end, or vanishes on an error."""
        temporary = self.temporary()
        try:
            yield temporary
        except BaseException:
            remove_path(temporary)
            raise
        reached("place.staged")
        rename_into_place(temporary, self.root + relative)

    def clean_work(self) -> None:
        """Remove what a killed worker left: half-made and half-removed layers, temporary files in any layer."""
        for path in [*self._directory.glob(".new-*"), *self._directory.glob(".old-*")]:
            remove_tree(path)
        for layer in self.ids:
            work = self._directory / layer.dirname / "work"
            for name in os.listdir(os.fsencode(work)):
                remove_path(os.fsencode(work) + b"/" + name)


@contextlib.contextmanager
def undisturbed(path: bytes) -> Iterator[None]:
    """Let a directory be changed and restore its times after the block: the view stays, only its bytes move."""
    before = os.stat(path)
    try:
        with accessible(path):
            yield
    finally:
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
