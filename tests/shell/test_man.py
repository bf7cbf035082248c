"""The committed man pages are what the program says, and man reads them without a complaint."""

from __future__ import annotations

import argparse
import importlib.util
import os
import shutil
import subprocess
from pathlib import Path
from types import ModuleType

import pytest

from tests.support.gitrepo import GitRepo

MAN = Path(__file__).parents[2] / "man"
PAGES = sorted(str(path.relative_to(MAN)) for path in MAN.glob("man*/*"))


def generator() -> ModuleType:
    """man/generate.py as a module."""
    spec = importlib.util.spec_from_file_location("generate", MAN / "generate.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_committed_pages_are_up_to_date(tmp_path: Path) -> None:
    generator().main(tmp_path)
    written = {str(path.relative_to(tmp_path)): path.read_bytes() for path in tmp_path.glob("man*/*")}
    assert {name: (MAN / name).read_bytes() for name in PAGES} == written


@pytest.mark.shell
@pytest.mark.parametrize("name", PAGES)
def test_man_has_nothing_to_complain_about(name: str) -> None:
    if shutil.which("man") is None:
        pytest.skip("man is not installed")
    done = subprocess.run(
        ["man", "--warnings=w", "-l", str(MAN / name)],
        env={**os.environ, "MANPAGER": "cat", "MANROFFSEQ": "", "MANWIDTH": "100"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_every_option_is_on_its_page() -> None:
    module = generator()
    for name, parser in module.command_parsers().items():
        page = MAN / "man1" / f"git-vibe-{name}.1"
        if page.exists():
            text = page.read_text().replace("\\-", "-")
            assert [option for option in options(parser) if f"\\fB{option}\\fR" not in text] == []


def options(parser: argparse.ArgumentParser) -> list[str]:
    """All option names of a parser and of those below it."""
    own = [name for action in parser._actions for name in action.option_strings]
    nested = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    return own + [name for action in nested for below in action.choices.values() for name in options(below)]


@pytest.mark.shell
def test_git_finds_the_page(repo: GitRepo, monkeypatch: pytest.MonkeyPatch) -> None:
    if shutil.which("man") is None:
        pytest.skip("man is not installed")
    monkeypatch.setenv("MANPATH", str(MAN))
    monkeypatch.setenv("MANPAGER", "cat")
    assert "isolated, writable, instant views" in repo.git("vibe", "--help")
    done = subprocess.run(["man", "git-vibe-spawn"], capture_output=True, text=True, check=True)
    assert "create or join a session" in done.stdout
