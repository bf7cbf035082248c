"""Running a shell, a command or an agent in a session's mount."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import FrameType

from git_vibe.errors import AgentNotFound, MountFailed
from git_vibe.git.command import scrubbed_environment
from git_vibe.session.envfile import read_env_file
from git_vibe.session.excludes import exclude_settings
from git_vibe.session.workspace import Workspace
from git_vibe.store.record import SessionRecord

Environment = Mapping[str, str]


def find_program(name: str, environ: Environment, cwd: Path) -> str:
    """Absolute path of a program on PATH, or at a path relative to `cwd`. Raises AgentNotFound."""
    wanted = str(cwd / Path(name).expanduser()) if "/" in name else name
    found = shutil.which(wanted, path=environ.get("PATH", os.defpath))
    if found is None:
        raise AgentNotFound(
            f"'{name}' is not an executable program", "check the spelling, your PATH, and its mode bits"
        )
    return os.path.abspath(found)


def shell_command(environ: Environment, line: str | None) -> tuple[str, ...]:
    """The user's shell, to run `line` or to talk to."""
    shell = environ.get("SHELL") or "/bin/sh"
    return (shell,) if line is None else (shell, "-c", line)


def session_environment(ws: Workspace, record: SessionRecord, environ: Environment) -> dict[str, str]:
    """What a child sees: `environ`, then the context's `.env`, then the session's `env`, then git-vibe's own."""
    merged = {
        **environ,
        **read_env_file(ws.layout.context / ".env"),
        **read_env_file(ws.paths(record.name).env),
    }
    merged.update(exclude_settings(ws, record, merged))
    bound_elsewhere = os.environ.keys() - scrubbed_environment().keys()
    kept = {key: value for key, value in merged.items() if key not in bound_elsewhere}
    return {**kept, "GIT_VIBE_SESSION": record.name, "GIT_VIBE_MOUNT": record.mount, "PWD": record.mount}


def run_in_session(
    ws: Workspace, record: SessionRecord, argv: Sequence[str], environ: Environment, *, stdout_to_stderr: bool = False
) -> int:
    """Run `argv` in the session's mount on the user's terminal; its exit status, or 128+N when signal N ended it.

    Raises AgentNotFound or MountFailed.
    """
    child_environment = session_environment(ws, record, environ)
    with _signals_left_to_the_child() as forward_to:
        try:
            child = subprocess.Popen(
                argv, cwd=record.mount, env=child_environment, stdout=2 if stdout_to_stderr else None
            )
        except OSError as error:
            raise _cannot_run(record, argv[0], error) from None
        forward_to.append(child)
        status = child.wait()
    return status if status >= 0 else 128 - status


def _cannot_run(record: SessionRecord, program: str, error: OSError) -> Exception:
    if error.filename == record.mount:
        return MountFailed(f"{record.mount}: {error.strerror}", "run `git vibe doctor`")
    return AgentNotFound(
        f"cannot run '{program}': {error.strerror}", "check the spelling, your PATH, and its mode bits"
    )


@contextlib.contextmanager
def _signals_left_to_the_child() -> Iterator[list[subprocess.Popen[bytes]]]:
    """Outlive what the terminal sends to the whole group, and hand on what is sent to us alone.

    A handler function, unlike SIG_IGN, is not inherited by the child.
    """
    children: list[subprocess.Popen[bytes]] = []

    def outlive(number: int, frame: FrameType | None) -> None:
        pass

    def hand_on(number: int, frame: FrameType | None) -> None:
        for child in children:
            child.send_signal(number)

    handlers = {signal.SIGINT: outlive, signal.SIGQUIT: outlive, signal.SIGTERM: hand_on, signal.SIGHUP: hand_on}
    before = {number: signal.getsignal(number) for number in handlers}
    try:
        for number, handler in handlers.items():
            if before[number] is not signal.SIG_IGN:
                signal.signal(number, handler)
        yield children
    finally:
        for number, previous in before.items():
            signal.signal(number, previous)
