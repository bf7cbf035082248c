"""Programs, sockets, fifos and devices."""

# mypy: disable-error-code="func-returns-value"

from __future__ import annotations

import errno
import os
import shutil
import socket
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from git_vibe.store.layer import RENAME_NOREPLACE
from tests.mount.conftest import Mounted
from tests.support.beside import Pair, Script, opened, outcome
from tests.support.operations import renameat2

pytestmark = pytest.mark.fuse

PROGRAM = Path(shutil.which("sleep") or "/bin/sleep").resolve()
SHELL = Path(shutil.which("sh") or "/bin/sh").resolve()


def run(*command: object) -> tuple[int, bytes]:
    """How a program ends and what it says."""
    done = subprocess.run([os.fspath(str(word)) for word in command], capture_output=True, check=False)
    return done.returncode, done.stdout


def install(top: Path, name: str = "program", program: Path = PROGRAM) -> Path:
    """A copy of a binary."""
    shutil.copyfile(program, top / name)
    (top / name).chmod(0o755)
    return top / name


PROGRAMS: dict[str, Script] = {
    "a script": lambda top: run(top / "tool"),
    "a changed script": lambda top: ((top / "tool").write_text("#!/bin/sh\necho changed\n"), run(top / "tool")),
    "a script through a link": lambda top: ((top / "to").symlink_to("tool"), run(top / "to")),
    "a moved script": lambda top: (os.rename(top / "tool", top / "full/x"), run(top / "full/x")),
    "no longer executable": lambda top: ((top / "tool").chmod(0o644), run(top / "tool")),
    "now executable": lambda top: ((top / "file").chmod(0o755), run(top / "file")),
    "a binary": lambda top: run(install(top, program=SHELL), "-c", "echo from a binary"),
    "an interpreter": lambda top: interpreted(top),
    "in a directory on the path": lambda top: run("env", f"PATH={top}", "/bin/sh", "-c", "tool"),
    "a descriptor": lambda top: by_descriptor(top),
}


def interpreted(top: Path) -> object:
    """A script whose interpreter lies beside it."""
    shell = install(top, "shell", SHELL)
    (top / "script").write_text(f"#!{shell}\necho interpreted\n")
    (top / "script").chmod(0o755)
    done = run(top / "script")
    (top / "script").unlink()
    return done


def by_descriptor(top: Path) -> object:
    """A program that is run by its descriptor after its name is gone."""
    with opened(install(top, program=SHELL), os.O_PATH) as fd:
        (top / "program").unlink()
        done = subprocess.run([f"/proc/self/fd/{fd}", "-c", "echo"], capture_output=True, check=False, pass_fds=[fd])
        return done.returncode, done.stdout


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_runs(everywhere: Pair, name: str) -> None:
    everywhere.same(PROGRAMS[name])


def test_a_running_program_is_not_overwritten(pair: Pair) -> None:
    def script(top: Path) -> object:
        program = install(top)
        with subprocess.Popen([program, "100"]) as process:
            actions: list[Script] = [
                lambda _: os.open(program, os.O_WRONLY),
                lambda _: os.truncate(program, 0),
                lambda _: program.chmod(0o700),
                lambda _: os.rename(program, top / "moved"),
                lambda _: (top / "moved").unlink(),
                lambda _: install(top).name,
            ]
            seen = [outcome(action, top) for action in actions]
            process.terminate()
        return seen, run(program, "0")

    pair.same(script)


def test_a_program_that_is_being_written_does_not_run(pair: Pair) -> None:
    def script(top: Path) -> object:
        program = install(top)
        with opened(program, os.O_WRONLY):
            return outcome(lambda _: run(program, "0"), top)

    pair.same(script)


def test_a_library_is_loaded_from_the_mount(pair: Pair) -> None:
    library = next(Path("/").glob("lib*/*/libm.so.6")).resolve()
    copy = install(pair.mount, "library.so", library)
    # in a process of its own: the code of a library must outlive the mount
    script = "import ctypes, sys; print(ctypes.CDLL(sys.argv[1]).abs(-7))"
    done = subprocess.run([sys.executable, "-c", script, copy], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("7\n", "")


# Fifos and sockets


def test_a_fifo_passes_bytes(everywhere: Pair) -> None:
    def script(top: Path) -> object:
        os.mkfifo(top / "full" / "fifo", 0o640)
        nobody = outcome(lambda _: os.open(top / "full" / "fifo", os.O_WRONLY | os.O_NONBLOCK), top)
        with opened(top / "full" / "fifo", os.O_RDONLY | os.O_NONBLOCK) as reader:
            os.rename(top / "full" / "fifo", top / "moved")
            with opened(top / "moved", os.O_WRONLY) as writer:
                os.write(writer, b"through")
                return nobody, os.read(reader, 100), os.fstat(reader).st_mode

    everywhere.same(script)


def test_a_fifo_waits_for_its_other_end(pair: Pair) -> None:
    os.mkfifo(pair.mount / "fifo")
    writer = threading.Thread(target=(pair.mount / "fifo").write_bytes, args=(b"late",))
    writer.start()
    assert (pair.mount / "fifo").read_bytes() == b"late"
    writer.join()


@pytest.mark.parametrize("kind", [socket.SOCK_STREAM, socket.SOCK_SEQPACKET])
def test_a_socket_accepts(pair: Pair, kind: socket.SocketKind) -> None:
    def script(top: Path) -> object:
        path = str(top / "socket")
        with socket.socket(socket.AF_UNIX, kind) as server, socket.socket(socket.AF_UNIX, kind) as client:
            server.bind(path)
            again = outcome(lambda _: client.bind(path), top)
            refused = outcome(lambda _: client.connect(path), top)
            server.listen()
            os.chmod(path, 0o600)
            os.rename(path, f"{path}-moved")
            client.connect(f"{path}-moved")
            client.sendall(b"hello")
            connection, _ = server.accept()
            with connection:
                return again, refused, connection.recv(10), stat.S_ISSOCK(os.lstat(f"{path}-moved").st_mode)

    pair.same(script)


def test_nobody_listens_any_more(pair: Pair) -> None:
    def script(top: Path) -> object:
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(str(top / "socket"))
            server.listen()
        with socket.socket(socket.AF_UNIX) as client:
            return outcome(lambda _: client.connect(str(top / "socket")), top)

    assert pair.same(script) == "ECONNREFUSED"


# Devices

DEVICES = {
    "null": (stat.S_IFCHR | 0o666, os.makedev(1, 3)),
    "a disk": (stat.S_IFBLK | 0o600, os.makedev(7, 0)),
    "a file": (stat.S_IFREG | 0o640, 0),
    "a socket": (stat.S_IFSOCK | 0o640, 0),
    "a fifo": (stat.S_IFIFO | 0o640, 0),
    "a directory": (stat.S_IFDIR | 0o750, 0),
    "nonsense": (0o170000, 0),
}


@pytest.mark.parametrize("name", DEVICES)
def test_a_node_is_made_as_natively(everywhere: Pair, name: str) -> None:
    mode, device = DEVICES[name]

    def script(top: Path) -> object:
        os.mknod(top / "full" / "node", mode, device)
        status = os.lstat(top / "full" / "node")
        os.rename(top / "full" / "node", top / "moved")
        return status.st_mode, status.st_rdev, os.lstat(top / "moved").st_rdev

    everywhere.same(script)


def test_a_device_cannot_be_opened(pair: Pair) -> None:
    """As on every file system that is mounted with `nodev`."""
    os.mknod(pair.mount / "null", 0o666 | stat.S_IFCHR, os.makedev(1, 3))
    assert outcome(lambda top: os.open(top / "null", os.O_RDONLY), pair.mount) == "EACCES"


def test_nobody_may_make_a_whiteout(mounted: Mounted) -> None:
    with pytest.raises(OSError) as caught:
        os.mknod(mounted.path / "hole", stat.S_IFCHR | 0o600, os.makedev(0, 0))
    assert caught.value.errno == errno.EPERM
    (mounted.path / "file").touch()
    renameat2(str(mounted.path / "file"), str(mounted.path / "hole"), RENAME_NOREPLACE)
