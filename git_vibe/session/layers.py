"""Where the files of a session's layers lie."""

from __future__ import annotations

import os
from collections.abc import Sequence

from git_vibe.store.layout import SessionPaths
from git_vibe.store.record import layer_ids
from git_vibe.types import LayerId


def layer_trees(paths: SessionPaths, layers: Sequence[LayerId] | None = None) -> list[bytes]:
    """Paths of the `tree` directories of `layers` (by default all), from the lowest to the top one."""
    ids = layer_ids(paths) if layers is None else layers
    return [os.fsencode(paths.layer(layer) / "tree") for layer in ids]
