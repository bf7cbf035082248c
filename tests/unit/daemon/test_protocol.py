"""The wire between the processes."""

from __future__ import annotations

import json
import socket
import threading
from pathlib import Path

import pytest

from git_vibe.daemon import protocol
from git_vibe.errors import DaemonUnavailable, FuseUnavailable, MountFailed, VibeError


def served(path: Path, answer: bytes) -> threading.Thread:
    """A thread that takes one connection at `path`, reads a line and sends `answer`."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(str(path))
    listener.listen(1)

    def serve() -> None:
        connection, _ = listener.accept()
        with listener, connection, connection.makefile("rb") as stream:
            stream.readline()
            connection.sendall(answer)

    thread = threading.Thread(target=serve)
    thread.start()
    return thread


@pytest.fixture
def address(tmp_path: Path) -> Path:
    return tmp_path / "s"


def test_an_answer_comes_back(address: Path) -> None:
    thread = served(address, protocol.encode({"ok": True, "layers": [1, 2]}))
    assert protocol.call(address, {"op": "seal"}) == {"ok": True, "layers": [1, 2]}
    thread.join()


@pytest.mark.parametrize("kind", [VibeError, MountFailed, FuseUnavailable])
def test_an_error_comes_back_as_its_class(address: Path, kind: type[VibeError]) -> None:
    thread = served(address, protocol.encode(protocol.failure(kind("what", "do this"))))
    with pytest.raises(VibeError) as caught:
        protocol.call(address, {"op": "mount"})
    thread.join()
    assert type(caught.value) is kind
    assert (caught.value.message, caught.value.suggestion) == ("what", "do this")


def test_an_unknown_error_is_still_an_error() -> None:
    error = protocol.error_from({"code": "FROM_THE_FUTURE", "message": "m", "suggestion": ""})
    assert (type(error), error.message) == (VibeError, "m")


def test_a_hung_up_line_is_no_answer(address: Path) -> None:
    thread = served(address, b"")
    with pytest.raises(DaemonUnavailable):
        protocol.call(address, {"op": "status"})
    thread.join()


def test_nobody_there_is_an_os_error(address: Path) -> None:
    with pytest.raises(OSError):
        protocol.call(address, {"op": "status"})


def test_a_message_is_one_line() -> None:
    assert json.loads(protocol.encode({"text": "a\nb"})) == {"text": "a\nb"}
    assert protocol.encode({"text": "a\nb"}).count(b"\n") == 1
