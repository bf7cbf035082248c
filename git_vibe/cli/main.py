# PYTHON_ARGCOMPLETE_OK
"""The entry point of `git vibe`: parse, run one command, and the single boundary where every error ends."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from types import FrameType

from git_vibe.cli.context import Context, Terminated
from git_vibe.cli.output import Output, StdoutClosed
from git_vibe.errors import EXIT_INTERRUPTED, EXIT_REFUSED, UsageError, VibeError
from git_vibe.types import RECURSION_LIMIT

EXIT_PIPE_CLOSED = 128 + signal.SIGPIPE

_STOPS: dict[int, type[BaseException]] = {signal.SIGINT: KeyboardInterrupt, signal.SIGTERM: Terminated}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command line and return the exit status of the process."""
    if "_ARGCOMPLETE" in os.environ:
        from git_vibe.cli.completers import answer_the_shell

        answer_the_shell()
    sys.setrecursionlimit(RECURSION_LIMIT)
    words = list(sys.argv[1:] if argv is None else argv)
    output = Output(json_wanted="--json" in _own_words(words))
    try:
        return _run_guarded(words, output)
    except StdoutClosed:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return EXIT_PIPE_CLOSED


def _own_words(words: list[str]) -> list[str]:
    return words[: words.index("--")] if "--" in words else words


@contextlib.contextmanager
def _undoing_when_told_to_end() -> Iterator[None]:
    """Make the first SIGINT or SIGTERM in the block an exception; afterwards, with nothing to undo, they just kill."""
    wanted = [number for number in _STOPS if signal.getsignal(number) is not signal.SIG_IGN]
    for number in wanted:
        signal.signal(number, _stop)
    try:
        yield
    finally:
        for number in wanted:
            if signal.getsignal(number) is _stop:
                signal.signal(number, signal.SIG_DFL)


def _stop(number: int, frame: FrameType | None) -> None:
    """Raise once: git hands on to us what the terminal sent to us, too, and a second one must not end the undoing."""
    for each in _STOPS:
        signal.signal(each, signal.SIG_IGN)
    raise _STOPS[number]


def _run_guarded(words: list[str], output: Output) -> int:
    try:
        with _undoing_when_told_to_end():
            status = _run(words, output)
            output.finish()
    except VibeError as error:
        output.fail(error)
        return error.exit_status
    except (KeyboardInterrupt, Terminated) as stop:
        output.fail_quietly("INTERRUPTED", "interrupted")
        return EXIT_INTERRUPTED if isinstance(stop, KeyboardInterrupt) else 128 + signal.SIGTERM
    except (StdoutClosed, SystemExit):
        raise
    except Exception as error:
        from git_vibe.cli.crash import report

        report(error, output)
        return EXIT_REFUSED
    return status


def _run(words: list[str], output: Output) -> int:
    from git_vibe.cli.parser import Shown, parse  # takes long enough for a Ctrl-C, which ends in `_run_guarded`

    try:
        args = parse(words)
    except Shown as shown:
        output.result({shown.what: shown.text}, shown.text)
        return 0
    output.configure(args)
    if args.extras and not args.accepts_extras:
        raise UsageError(f"unrecognised arguments: {' '.join(args.extras)}", f"`{args.prog} -h` shows how it is used")
    status: int = args.run(args, Context(args, output))
    return status


if __name__ == "__main__":
    sys.exit(main())
