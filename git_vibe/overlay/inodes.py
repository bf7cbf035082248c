"""The nodes a view holds, by inode number, and how long they live."""

from __future__ import annotations

from git_vibe.overlay.nodes import COUNTED_INODES, LAYER_INODES, File, Node


class Inodes:
    """All nodes by inode number. A node lives while it has a name or the kernel remembers it."""

    def __init__(self) -> None:
        self.nodes: dict[int, Node] = {}
        self._hard_links: dict[int, File] = {}
        self._counted = COUNTED_INODES
        self._generation = 0

    def derived(self, host_inode: int) -> int:
        """Number of a file that exists only in layers, from the inode number of its layer file."""
        return LAYER_INODES + host_inode

    def unused(self, wanted: int) -> int:
        """`wanted`, or another number where a node has it already."""
        if wanted not in self.nodes:
            return wanted
        self._counted += 1
        return self.unused(self._counted)

    def counted(self) -> int:
        """A number of its own for something that has no layer file yet."""
        return self.unused(COUNTED_INODES)

    def add(self, node: Node) -> None:
        """Enter a node; its generation tells the kernel apart from an earlier owner of the number."""
        self._generation += 1
        node.generation = self._generation if node.ino >= LAYER_INODES else 0
        self.nodes[node.ino] = node

    def note_hard_link(self, host_inode: int, node: File) -> None:
        """Record which node has a layer file with more than one name."""
        self._hard_links[host_inode] = node

    def hard_linked(self, host_inode: int) -> File | None:
        """The node of a layer file that has more than one name, if one is alive."""
        node = self._hard_links.get(host_inode)
        return node if node is not None and self.nodes.get(node.ino) is node else None

    def remember(self, ino: int) -> None:
        """Count a reference that the kernel was given. Clean base files need no counting."""
        node = self.nodes.get(ino)
        if node is not None:
            node.lookups += 1

    def forget(self, ino: int, count: int) -> None:
        """Take back `count` references of the kernel."""
        node = self.nodes.get(ino)
        if node is not None:
            node.lookups = max(0, node.lookups - count)
            self.drop_if_unused(node)

    def drop_if_unused(self, node: Node) -> None:
        """Let go of a node that has no name and is unknown to the kernel."""
        if node.lookups > 0 or is_linked(node):
            return
        if isinstance(node, File):
            node.close()
        self.nodes.pop(node.ino, None)


def is_linked(node: Node) -> bool:
    """Whether the node has a name in the view."""
    if isinstance(node, File):
        return bool(node.links)
    return node.gone is None
