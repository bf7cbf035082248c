"""stdout is data, stderr is talk."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from git_vibe.cli.output import Output
from git_vibe.errors import SessionBusy, VibeError


def test_text_goes_to_stdout_and_notes_to_stderr(capfd: pytest.CaptureFixture[str]) -> None:
    output = Output()
    output.result({"a": 1}, "text")
    output.note("note")
    output.finish()
    assert capfd.readouterr() == ("text\n", "note\n")


def test_json_is_exactly_one_object(capfd: pytest.CaptureFixture[str]) -> None:
    output = Output(json_wanted=True)
    output.result({"a": 1}, "text")
    output.finish()
    assert json.loads(capfd.readouterr().out) == {"ok": True, "data": {"a": 1}, "error": None}


def test_a_failure_is_told_on_both(capfd: pytest.CaptureFixture[str]) -> None:
    output = Output(json_wanted=True)
    output.result({"seen": 1})
    output.fail(SessionBusy("it is busy", "wait\nor not"))
    seen = capfd.readouterr()
    error = {"code": "SESSION_BUSY", "message": "it is busy", "suggestion": "wait\nor not", "retryable": True}
    assert json.loads(seen.out) == {"ok": False, "data": {"seen": 1}, "error": error}
    assert seen.err == "git vibe: it is busy\nhint: wait\nhint: or not\n"


def test_quiet_silences_notes_but_no_warnings(capfd: pytest.CaptureFixture[str]) -> None:
    output = Output()
    output.quiet = True
    output.note("note")
    output.advise("advice")
    output.warning("careful")
    assert capfd.readouterr() == ("", "warning: careful\n")


def test_advice_can_be_turned_off(capfd: pytest.CaptureFixture[str]) -> None:
    output = Output()
    output.hints_wanted = lambda: False
    output.advise("advice")
    output.fail(VibeError("bad", "an answer to an error"))
    assert capfd.readouterr().err == "git vibe: bad\nhint: an answer to an error\n"


def test_bytes_that_are_no_text_pass_unchanged(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    Output().result({}, os.fsdecode(b"M caf\xe9\n"))
    assert capfdbinary.readouterr().out == b"M caf\xe9\n"


def test_what_children_print_can_be_captured(capfd: pytest.CaptureFixture[str]) -> None:
    with Output().captured() as collected:
        subprocess.run([sys.executable, "-c", "print('from a child')"], check=True)
    assert collected == ["from a child\n"]
    assert capfd.readouterr().out == ""


def test_colours_only_where_they_are_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    output = Output()
    assert output.paint("x", "red") == "x"
    output.color = "always"
    assert output.paint("x", "red") == "\x1b[31mx\x1b[m"
