"""A disk whose power can be cut: an ext4 file system in an image on a loop device.

What its kernel has sent to the loop device is in the image; what it only has in memory is not. So a copy of the image
is what is left after a power cut. Needs root and loop devices.
"""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

from tests.support.mounts import sweep

COMMIT_SECONDS = 1
SIZE = 96 << 20


class Disk:
    """The file system at `top`; its images are kept in `where`."""

    def __init__(self, top: Path, where: Path) -> None:
        self.top = top
        self._image = where / "disk"
        self._cuts = 0

    def make(self) -> bool:
        """Create and mount it; False where this machine cannot."""
        self.top.mkdir()
        with open(self._image, "wb") as file:
            file.truncate(SIZE)
        made = subprocess.run(["mkfs.ext4", "-q", "-F", self._image], capture_output=True, check=False)
        return made.returncode == 0 and self._mount()

    def let_it_commit(self) -> None:
        """Wait until names are on disk; bytes that nobody asked for stay in memory much longer."""
        time.sleep(COMMIT_SECONDS + 1.5)

    def cut_power(self) -> None:
        """Lose everything that is not on disk, and all processes, and come back."""
        self._cuts += 1
        copy = self._image.with_name(f"disk{self._cuts}")
        subprocess.run(["cp", "--sparse=always", self._image, copy], check=True)
        sweep(self.top)
        self.unmount()
        self._image = copy
        assert self._mount()

    def unmount(self) -> None:
        """Take it away."""
        subprocess.run(["umount", "-l", self.top], capture_output=True, check=False)

    def _mount(self) -> bool:
        command = ["mount", "-o", f"loop,commit={COMMIT_SECONDS}", str(self._image), str(self.top)]
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
