"""Reading ahead across files: the kernel is given the content of clean neighbours before it asks.

A tool that reads one small file after the other pays four round trips for each: open, read, the attributes that
reading made stale, release. Content that is in the page cache already saves two of them. Such tools read in the order
of the base table. So while each read lies a little behind the one before, the files behind it in its directory, which
the kernel knows from the listing, are pushed, twice as many each time; anything else starts anew with none.

Pushing into the page cache waits for the page's lock, and whoever holds it may be waiting for this very process. That
cannot happen to a file that is not open: only reads and writes through a handle lock pages. And a clean blob never
changes, so what is pushed while no handle exists cannot be older than what is there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from git_vibe.errors import ObjectMissing
from git_vibe.overlay.view import View

FILE_BYTES = 128 << 10
BATCH_BYTES = 1 << 20
BATCH_FILES = 64
STRIDE = 64
"""How many rows a read may lie behind the last one and still count as going through the files in order."""

Store = Callable[[int, int, bytes], None]
"""Puts bytes at an offset of an inode into the kernel's page cache; raises OSError when it does not know the inode."""


class Readahead:
    """Decides what to push after a read that the page cache could not answer."""

    def __init__(self, view: View, store: Store) -> None:
        self._view = view
        self._store = store
        self._files = 0
        self._next = -STRIDE

    def missed(self, ino: int) -> None:
        """The kernel asked for the content of the open file `ino`."""
        row = self._view.base_row(ino)
        if row is None or row == self._next - 1:
            return
        goes_on = 0 <= row - self._next < STRIDE
        self._files = min(2 * self._files or 4, BATCH_FILES) if goes_on else 0
        self._next = row + 1
        self._push(row)

    def _push(self, row: int) -> None:
        """Push up to `_files` files behind a row and remember how far that went."""
        left = BATCH_BYTES
        for sibling in self._siblings_behind(row):
            left -= self._view.table.size[sibling]
            if left < 0 or not self._push_file(sibling):
                return
            self._next = sibling + 1

    def _siblings_behind(self, row: int) -> Iterator[int]:
        table, here, left = self._view.table, row + 1, self._files
        directory = table.parent[row]
        while here < directory + table.span[directory] and left > 0:
            if self._may_push(here):
                left -= 1
                yield here
            here += table.span[here]

    def _may_push(self, row: int) -> bool:
        """Whether a row is a small clean file that nobody has open."""
        inodes, table = self._view.inodes, self._view.table
        is_file = table.mode[row] & 0o170000 == 0o100000
        is_small = 0 < table.size[row] <= FILE_BYTES
        is_blob = is_file and not table.converted[row]
        return is_blob and is_small and row + 1 not in inodes.nodes and row + 1 not in inodes.opens

    def _push_file(self, row: int) -> bool:
        """Push one file; tell whether it makes sense to go on."""
        try:
            self._store(row + 1, 0, self._view.content.whole(self._view.table.oid(row)))
        except (OSError, ObjectMissing):
            return False
        return True
