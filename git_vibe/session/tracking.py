"""What the index of a session tracks, and where it departs from the commit that clean files are read from.

As long as nobody ran `git add` in the session, its index has the very entries it was spawned with. Comparing a few
megabytes tells that, and saves git from listing a large index and from reading all trees of the commit.
"""

from __future__ import annotations

import os

from git_vibe.git.refs import has_replacements
from git_vibe.git.tracked import Difference, Tracked, Untouched, differences, has_entries_of, read_tracked
from git_vibe.session.conversion import is_plain
from git_vibe.session.scratch import Scratch


def tracked_files(scratch: Scratch) -> Tracked:
    """What the session's index tracks."""
    if is_untouched(scratch):
        return Untouched(scratch.sink.tree_of(scratch.record.clean), scratch.sink.read_tree)
    return read_tracked(cwd=scratch.worktree, env=scratch.environment)


def index_differences(scratch: Scratch) -> list[Difference]:
    """Clean files that the session's index has otherwise."""
    if is_untouched(scratch):
        return []
    return differences(scratch.record.clean, cwd=scratch.worktree, env=scratch.environment)


def is_untouched(scratch: Scratch) -> bool:
    """Whether the index certainly has just the files of the commit that clean files are read from."""
    if scratch.untouched is None:
        key, common = scratch.record.base_key, scratch.ws.layout.common_dir
        spawned_with = scratch.ws.layout.base_cache(key) / f"index-{os.geteuid()}-{os.getegid()}"
        comparable = is_plain(key) and not has_replacements(common)
        scratch.untouched = comparable and has_entries_of(scratch.index, spawned_with)
    return scratch.untouched
