"""Requests that do not come from the kernel: commands ask a worker on its control socket, one line of JSON each."""

from __future__ import annotations

import json
import logging
import os
from functools import partial
from pathlib import Path

import trio

from git_vibe.daemon.protocol import Message, encode, failure
from git_vibe.errors import VibeError
from git_vibe.mount import wire
from git_vibe.mount.loop import Loop
from git_vibe.overlay.relayer import Changed, is_written, pop_layers, push_layer, touched
from git_vibe.overlay.seal import seal, unseal
from git_vibe.overlay.view import View
from git_vibe.types import LayerId

log = logging.getLogger(__name__)


async def control(view: View, loop: Loop, stream: trio.SocketStream) -> None:
    """Answer one control request."""
    line = b""
    while not line.endswith(b"\n"):
        received = await stream.receive_some(1 << 16)
        if not received:
            return
        line += received
    try:
        answer = await _answer(view, loop, json.loads(line))
    except VibeError as error:
        answer = failure(error)
    except Exception as error:
        log.exception("control request failed")
        answer = failure(VibeError(f"the worker failed: {error}", "its log says more"))
    await stream.send_all(encode(answer))


async def _answer(view: View, loop: Loop, request: Message) -> Message:
    """Carry out a control request between two requests of the kernel; tell the kernel what it changed."""
    answer, changed = handle_control(view, request)
    if changed is not None:
        await loop.aside(partial(_forget, loop, changed))
    return answer


def handle_control(view: View, request: Message) -> tuple[Message, Changed | None]:
    """Carry out a control request; returns the answer and what the kernel must forget."""
    match request["op"]:
        case "seal":
            return {"ok": True, "layers": seal(view)}, None
        case "unseal":
            unseal(view)
        case "push":
            return _push(view, request)
        case "pop":
            return _pop(view, request)
        case "merge":
            view.delta.merge_adopted()
            unseal(view)
        case unknown:
            raise VibeError(f"unknown control request {unknown!r}")
    return {"ok": True}, None


def _push(view: View, request: Message) -> tuple[Message, Changed | None]:
    """Put a prepared layer on top unless later writes touch one of its paths."""
    paths = [os.fsencode(path) for path in json.loads(Path(request["paths"]).read_bytes())]
    late = touched(view, LayerId(request["since"]), paths)
    if late:
        return {"ok": True, "touched": [os.fsdecode(path) for path in late]}, None
    return {"ok": True, "touched": []}, push_layer(view, Path(request["staged"]))


def _pop(view: View, request: Message) -> tuple[Message, Changed | None]:
    """Take layers away unless something was written that the caller has not seen."""
    if is_written(view, LayerId(request["since"])):
        return {"ok": True, "popped": False}, None
    return {"ok": True, "popped": True}, pop_layers(view, LayerId(request["last"]))


def _forget(loop: Loop, changed: Changed) -> None:
    """Have the kernel forget names and directories; may wait for requests to be answered."""
    for parent, name in changed.entries:
        loop.notify(wire.NOTIFY_INVAL_ENTRY, wire.pack_inval_entry(parent, name))
    for ino in changed.directories:
        loop.notify(wire.NOTIFY_INVAL_INODE, wire.pack_inval_inode(ino))
