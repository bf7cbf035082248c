"""`git vibe …` as a user types it, in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

TIMEOUT = 60.0
"""Seconds after which a command that does not end fails its test."""


class Done(NamedTuple):
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def data(self) -> Any:
        """The `data` of the one JSON object on stdout."""
        return json.loads(self.out)["data"]

    @property
    def error(self) -> Any:
        """The `error` of the one JSON object on stdout."""
        return json.loads(self.out)["error"]


class Vibe:
    """Runs `git vibe` in `cwd`. Calling it expects success; `fails` expects a status; `run` expects nothing."""

    def __init__(self, cwd: Path) -> None:
        self.cwd = cwd

    def __call__(self, *args: str, cwd: Path | None = None, env: Mapping[str, str] | None = None) -> str:
        """Standard output, without the last newline, of a command that must succeed."""
        done = self.run(*args, cwd=cwd, env=env)
        assert done.code == 0, f"git vibe {' '.join(args)} ended with {done.code}:\n{done.out}{done.err}"
        return done.out.removesuffix("\n")

    def fails(self, *args: str, code: int = 1, cwd: Path | None = None, env: Mapping[str, str] | None = None) -> str:
        """Standard error of a command that must end with status `code` and say nothing on standard output."""
        done = self.run(*args, cwd=cwd, env=env)
        assert done.code == code, f"git vibe {' '.join(args)} ended with {done.code}:\n{done.out}{done.err}"
        assert done.out == ""
        return done.err

    def data(self, *args: str, cwd: Path | None = None) -> Any:
        """The JSON data of a command that must succeed."""
        done = self.run(*args, "--json", cwd=cwd)
        assert done.code == 0, f"git vibe {' '.join(args)} ended with {done.code}:\n{done.out}{done.err}"
        return done.data

    def run(
        self,
        *args: str,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
        stdin: bytes = b"",
        timeout: float = TIMEOUT,
    ) -> Done:
        """How a command ends, whatever it does."""
        done = subprocess.run(
            ["git", "vibe", *args],
            cwd=cwd or self.cwd,
            env={**os.environ, **(env or {})},
            input=stdin,
            capture_output=True,
            check=False,
            timeout=timeout,
        )
        return Done(done.returncode, os.fsdecode(done.stdout), os.fsdecode(done.stderr))

    def start(self, *args: str, cwd: Path | None = None, **options: Any) -> subprocess.Popen[bytes]:
        """Start a command without waiting for it."""
        pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        return subprocess.Popen(["git", "vibe", *args], cwd=cwd or self.cwd, **{**pipes, **options})

    def together(self, *commands: Sequence[str]) -> list[Done]:
        """How commands end that run at the same time, in the order they were given."""
        return [finished(process) for process in [self.start(*command) for command in commands]]


def finished(process: subprocess.Popen[bytes], timeout: float = TIMEOUT) -> Done:
    """How a command ends that was started before."""
    with process:
        out, err = process.communicate(timeout=timeout)
    return Done(process.returncode, os.fsdecode(out), os.fsdecode(err))
