"""What watches files in a session is told of every change, as natively: by inotify and by looking at times."""

from __future__ import annotations

import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.inotify import Watch
from tests.support.software import Pair, output_of

pytestmark = pytest.mark.fuse

FILES = {
    "app/main.py": "VALUE = 1\n",
    "app/other.py": "VALUE = 2\n",
    "app/static/index.html": "first\n",
    ".gitignore": "__pycache__/\n",
}

CHANGES = {
    "writing": "echo 'VALUE = 3' >app/main.py",
    "appending": "echo 'VALUE = 3' >>app/main.py",
    "appending twice": "echo 'VALUE = 3' >>app/main.py; echo 'VALUE = 4' >>app/main.py",
    "an atomic save": "echo 'VALUE = 3' >app/.new; mv app/.new app/main.py",
    "a save with a backup": "mv app/main.py app/main.py~; echo 'VALUE = 3' >app/main.py; rm app/main.py~",
    "sed -i": "cd app; sed -n p main.py >tmp; chmod --reference=main.py tmp; mv tmp main.py",
    "removing": "rm app/main.py",
    "removing and making": "rm app/main.py; touch app/main.py",
    "touching": "touch app/main.py",
    "a mode": "chmod 600 app/main.py",
    "a hard link": "ln app/main.py app/linked.py; echo '#' >>app/linked.py; rm app/linked.py",
    "a directory": "mkdir app/new; rmdir app/new; mv app/static app/moved; mv app/moved app/static",
    "cutting off": "truncate -s 3 app/main.py; truncate -s 0 app/main.py",
    "git": "git rm -q app/main.py; git reset -q --hard; rm app/other.py; git checkout -q app/other.py",
}

SERVER = """
import http.server, os, socketserver
class Handler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args): pass
with socketserver.TCPServer(("127.0.0.1", 0), Handler) as server:
    print(server.server_address[1], flush=True)
    server.serve_forever()
"""

RELOADER = """
import importlib, os, sys
sys.path.insert(0, os.getcwd())
sys.dont_write_bytecode = True
import app.main as module
seen = None
while module.VALUE < 9:
    times = [os.stat(path).st_mtime_ns for path in ("app/main.py", "app/other.py")]
    if times != seen:
        seen = times
        importlib.invalidate_caches()
        print(importlib.reload(module).VALUE, flush=True)
"""


@pytest.fixture
def pair(tmp_path: Path) -> Pair:
    return Pair.of(tmp_path, FILES)


@contextmanager
def running(top: Path, program: str) -> Iterator[Iterator[str]]:
    """A Python program that runs in `top`; the lines it prints."""
    command = [sys.executable, "-c", program]
    with subprocess.Popen(command, cwd=top, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield iter(process.stdout)
        finally:
            process.kill()


def watched(top: Path, change: str) -> list[str]:
    """What a watcher of the directories and of one file is told when a shell makes a change."""
    with Watch(*(path for path in (top / "app", top / "app/static", top / "app/main.py") if path.exists())) as watch:
        assert output_of(change, top) == "status 0\n"
        return watch.events(seconds=5)


def test_inotify(pair: Pair) -> None:
    """Each change is made to files that are clean, and once more to dirty ones."""
    for what, change in CHANGES.items():
        for state in ("clean", "dirty"):
            expected = watched(pair.native, change)
            assert expected
            assert watched(pair.session, change) == expected, f"{what}, {state}"
            pair.run("mkdir -p app/static; touch app/main.py app/other.py")
        pair.compare()
        pair.run("git checkout -q . && git clean -fdq")


def test_a_server_that_reloads(pair: Pair) -> None:
    with running(pair.session, RELOADER) as lines:
        assert next(lines) == "1\n"
        for value in (2, 3, 9):
            pair.run(f"echo 'VALUE = {value}' >app/.new; mv app/.new app/main.py")
            assert next(lines) == f"{value}\n"


def test_a_server_of_files(pair: Pair) -> None:
    with running(pair.session, SERVER) as lines:
        address = f"http://127.0.0.1:{next(lines).strip()}/app/static/index.html"

        def served() -> bytes:
            with urllib.request.urlopen(address, timeout=20) as answer:
                content: bytes = answer.read()
                return content

        assert served() == b"first\n"
        pair.run("echo second >app/static/index.html")
        assert served() == b"second\n"
        pair.run("git checkout -q .")
        assert served() == b"first\n"


def test_tail_follows(pair: Pair) -> None:
    command = ["tail", "-n1", "-F", "-s0.1", "--max-unchanged-stats=1", "app/main.py"]
    with subprocess.Popen(command, cwd=pair.session, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as tail:
        try:
            assert tail.stdout is not None and tail.stdout.readline() == b"VALUE = 1\n"
            pair.run("echo appended >>app/main.py")
            assert tail.stdout.readline() == b"appended\n"
            pair.run("mv app/main.py app/old.py; echo rotated >app/main.py")
            assert tail.stdout.readline() == b"rotated\n"
        finally:
            tail.kill()
