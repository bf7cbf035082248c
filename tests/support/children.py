"""Doing something in another process, perhaps as another user."""

from __future__ import annotations

import os
import pickle
import traceback
from collections.abc import Callable
from typing import NamedTuple


class User(NamedTuple):
    """Numbers of a user, of its group and of the other groups it is in."""

    uid: int
    gid: int
    groups: tuple[int, ...] = ()

    def become(self) -> None:
        """Give up being root for good."""
        os.setgroups(self.groups)
        os.setresgid(self.gid, self.gid, self.gid)
        os.setresuid(self.uid, self.uid, self.uid)


def in_child(action: Callable[[], object], user: User | None = None) -> object:
    """What an action gives in a process of its own; an OSError it ends with is raised here."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(reading)
        _answer(action, user, writing)
    os.close(writing)
    with open(reading, "rb") as answer:
        data = answer.read()
    os.waitpid(pid, 0)
    assert data, "the child died"
    result = pickle.loads(data)
    if isinstance(result, OSError):
        raise result
    return result


def _answer(action: Callable[[], object], user: User | None, writing: int) -> None:
    """Do it, write the result to the pipe and end without anything a test run would do at its end."""
    try:
        if user is not None:
            user.become()
        try:
            result = action()
        except OSError as error:
            result = OSError(error.errno, error.strerror)
        os.write(writing, pickle.dumps(result))
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(0)
