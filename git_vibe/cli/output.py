"""Everything that reaches the terminal: data on stdout, talk on stderr, one JSON object with `--json`."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TextIO

from git_vibe.errors import VibeError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

PROGRESS_AFTER = 2.0
"""Seconds of work before progress is shown."""

_COLOURS = {"red": "31", "green": "32", "yellow": "33", "bold": "1"}


class StdoutClosed(Exception):
    """The reader of our standard output is gone (`git vibe status | head -1`)."""


class Output:
    """Where a command puts its result and its words.

    In JSON mode `result()` only remembers the data; `finish()` or `fail()` then prints the one object.
    """

    def __init__(self, *, json_wanted: bool = False) -> None:
        self.json = json_wanted
        self.quiet = False
        self.verbose = False
        self.debug = False
        self.color: str | None = None
        self.hints_wanted: Callable[[], bool] = lambda: True
        self._progress_wanted = True
        self._data: Any = None

    def configure(self, args: argparse.Namespace) -> None:
        """Take over the global options."""
        self.json = args.json
        self.quiet = args.quiet
        self.verbose = args.verbose
        self.debug = args.debug or os.environ.get("GIT_TRACE_VIBE", "0") not in ("0", "", "false")
        self.color = args.color
        self._progress_wanted = not (args.no_progress or args.quiet or args.json)

    def result(self, data: Any, text: str = "") -> None:
        """The command's answer: `data` for JSON, `text` for people (a final newline is added when missing)."""
        if self.json:
            self._data = data
        elif text:
            self._write(text if text.endswith("\n") else text + "\n")

    def note(self, text: str) -> None:
        """Tell what was done; `--quiet` silences it."""
        if not self.quiet:
            self._say(text)

    def detail(self, text: str) -> None:
        """Tell what only `--verbose` wants to know."""
        if text and (self.verbose or self.debug):
            self._say(text)

    def warning(self, text: str) -> None:
        """Tell what the user should know even with `--quiet`."""
        self._say(f"warning: {text}")

    def warnings(self, texts: Iterable[str]) -> None:
        """Several warnings."""
        for text in texts:
            self.warning(text)

    def advise(self, text: str) -> None:
        """Mere advice: silenced by `--quiet`, `--json` and advice.vibeHints=false."""
        if not (self.quiet or self.json) and self.hints_wanted():
            self._hint(text)

    def complain(self, error: VibeError) -> None:
        """Tell about a failure that does not end the command."""
        self._say(f"git vibe: {error.message}")
        self._hint(error.suggestion)

    def fail(self, error: VibeError) -> None:
        """End with a failure: tell about it, in JSON mode on stdout too."""
        self.complain(error)
        if self.json:
            self._print_object(describe(error))

    def fail_quietly(self, code: str, message: str) -> None:
        """End in JSON mode with an error that needs no words on the terminal."""
        if self.json:
            self._print_object({"code": code, "message": message, "suggestion": "", "retryable": True})

    def finish(self) -> None:
        """End well: print the JSON object when it is wanted."""
        if self.json:
            self._print_object(None)

    def table(self, rows: Sequence[Sequence[object]], headers: Sequence[str]) -> str:
        """Rows as aligned text."""
        from tabulate import tabulate  # 30 ms that only tables need to pay

        return tabulate(rows, headers=headers, tablefmt="plain", disable_numparse=True)

    def paint(self, text: str, colour: str) -> str:
        """`text` in a colour where stdout shows colours."""
        return f"\x1b[{_COLOURS[colour]}m{text}\x1b[m" if text and self._colourful() else text

    @contextlib.contextmanager
    def working(self, title: str) -> Iterator[None]:
        """Show on a terminal that the block is still at work when it takes longer than two seconds."""
        if not (self._progress_wanted and sys.stderr.isatty()):
            yield
            return
        from git_vibe.cli.ticker import Ticker

        with Ticker(title, after=PROGRESS_AFTER, write=lambda text: self._put(sys.stderr, text)):
            yield

    @contextlib.contextmanager
    def captured(self) -> Iterator[list[str]]:
        """Collect what child processes write to stdout in the block; the list holds the text afterwards."""
        import tempfile

        sys.stdout.flush()
        collected: list[str] = []
        saved = os.dup(1)
        with tempfile.TemporaryFile() as file:
            os.dup2(file.fileno(), 1)
            try:
                yield collected
            finally:
                os.dup2(saved, 1)
                os.close(saved)
            file.seek(0)
            collected.append(os.fsdecode(file.read()))

    def _colourful(self) -> bool:
        if self.json or self.color == "never":
            return False
        return self.color == "always" or (sys.stdout.isatty() and "NO_COLOR" not in os.environ)

    def _print_object(self, error: Mapping[str, Any] | None) -> None:
        import json

        self._write(json.dumps({"ok": error is None, "data": self._data, "error": error}) + "\n")

    def _write(self, text: str) -> None:
        try:
            sys.stdout.buffer.write(text.encode(errors="surrogateescape"))
            sys.stdout.buffer.flush()
        except BrokenPipeError:
            raise StdoutClosed from None

    def _hint(self, text: str) -> None:
        for line in text.splitlines():
            self._say(f"hint: {line}")

    def _say(self, text: str) -> None:
        self._put(sys.stderr, text + "\n")

    def _put(self, stream: TextIO, text: str) -> None:
        with contextlib.suppress(OSError):
            stream.write(text.encode(errors="surrogateescape").decode(errors="backslashreplace"))
            stream.flush()


def describe(error: VibeError) -> dict[str, Any]:
    """An error as the JSON contract has it."""
    return {
        "code": error.code,
        "message": error.message,
        "suggestion": error.suggestion,
        "retryable": error.retryable,
    }
