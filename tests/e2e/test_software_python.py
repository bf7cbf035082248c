"""Python in a session: virtual environments, installing the session itself, byte code, pytest, as natively."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.support.software import Pair, needs

pytestmark = pytest.mark.fuse

PYPROJECT = """\
[build-system]
requires = ["{backend}"]
build-backend = "{module}"
[project]
name = "demo"
version = "1.0"
dependencies = []
[project.scripts]
demo = "demo.cli:main"
"""

TESTS = """\
import pytest
from demo.core import add

@pytest.mark.parametrize("n", range(12))
def test_add(n): assert add(n, 1) == n + 1

def test_wrong(): assert add(1, 1) == 3
def test_never_reached(tmp_path): (tmp_path / "x").write_text("x")
"""

FILES = {
    "pyproject.toml": PYPROJECT.format(backend="hatchling", module="hatchling.build"),
    "setup.cfg": "[metadata]\nname = demo\n",
    "src/demo/__init__.py": "",
    "src/demo/core.py": "def add(a, b):\n    return a + b\n",
    "src/demo/cli.py": "from demo.core import add\n\ndef main():\n    print('sum', add(1, 2))\n",
    "tests/conftest.py": "",
    "tests/test_core.py": TESTS,
    ".gitignore": "__pycache__/\n.venv/\n*.egg-info/\n.pytest_cache/\n",
}

PYTEST = f"PYTEST_DISABLE_PLUGIN_AUTOLOAD=1 {sys.executable} -m pytest -q --color=no"
SECONDS = r"in \d+\.\d+s"


@pytest.fixture
def pair(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Pair:
    monkeypatch.delenv("PYTHONDONTWRITEBYTECODE")
    monkeypatch.setenv("PYTHONPATH", "src")
    return Pair.of(tmp_path, FILES)


def test_byte_code_is_written_once(pair: Pair) -> None:
    told = pair.run(f"""
        {sys.executable} -m compileall -q --invalidation-mode checked-hash src; find . -name '*.pyc' | sort
        {sys.executable} -m demo.cli; {sys.executable} -c 'import demo.core; print(demo.core.__cached__)'
        echo 'def add(a, b): return 7' >src/demo/core.py; {sys.executable} -c 'import demo.cli; demo.cli.main()'
    """)
    assert told.endswith("sum 7\nstatus 0\n")
    pair.compare()
    pair.assert_whole()


def test_byte_code_follows_the_times_of_sources(pair: Pair) -> None:
    look = f"{sys.executable} -v -c 'import demo.core' 2>&1 | grep -c 'matches .*src/demo/core' || true"
    touch = "touch -d '+9 seconds' src/demo/core.py"
    told = pair.run(f"{look}; {look}; {touch}; {look}; {look}; git checkout -q .; {look}")
    assert told == "0\n1\n0\n1\n0\nstatus 0\n"


def test_pytest_and_its_cache(pair: Pair) -> None:
    told = pair.run(
        f"""
        {PYTEST} tests || echo $?; cat .pytest_cache/v/cache/lastfailed
        {PYTEST} -x tests || echo $?; {PYTEST} --lf tests || echo $?
        sed -i 's/== 3/== 2/' tests/test_core.py; {PYTEST} --lf tests; {PYTEST} --ff tests; {PYTEST} --cache-show
    """,
        masked=SECONDS,
    )
    assert "1 failed, 13 passed" in told and "14 passed" in told
    pair.compare(lambda path: b"__pycache__" in path)
    pair.assert_whole()


def test_a_virtual_environment_made_inside(pair: Pair) -> None:
    told = pair.run("""
        python3 -m venv --without-pip .venv; .venv/bin/python -c 'import sys; print(sys.prefix)'
        . .venv/bin/activate; python -c 'import demo.cli; demo.cli.main()'; git status --short
    """)
    assert told == "TOP/.venv\nsum 3\nstatus 0\n"
    pair.compare(lambda path: b"__pycache__" in path)
    pair.assert_whole()


def test_an_installed_package_follows_the_session(pair: Pair) -> None:
    """What `pip install -e` writes into an environment, without pip: a path file and a program."""
    told = pair.run("""
        unset PYTHONPATH; python3 -m venv --without-pip .venv; site=$(echo .venv/lib/python*/site-packages)
        echo "$PWD/src" >$site/demo.pth; .venv/bin/python -m demo.cli; echo 'print("edited")' >>src/demo/cli.py
        .venv/bin/python -c 'import demo.cli; print(demo.cli.__file__)'
    """)
    assert told == "edited\nTOP/src/demo/cli.py\nstatus 0\n"


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["hatchling:hatchling.build", "setuptools:setuptools.build_meta"])
def test_pip_installs_the_session_itself(backend: str, pair: Pair) -> None:
    name, module = backend.split(":")
    text = PYPROJECT.format(backend=name, module=module).replace("dependencies = []", 'dependencies = ["tabulate"]')
    for top in (pair.session, pair.native):
        (top / "pyproject.toml").write_text(text)
    told = pair.run(
        """
        unset PYTHONPATH; export PIP_DISABLE_PIP_VERSION_CHECK=1; python3 -m venv .venv; . .venv/bin/activate
        pip install --quiet -e .; demo; pip list --format=freeze | grep -v setuptools; pip check
        sed -i s/sum/total/ src/demo/cli.py; demo; pip install --quiet .; demo
        pip uninstall -qy demo; git status --short
    """,
        timeout=600,
    )
    assert "sum 3\n" in told and told.count("total 3\n") == 2
    pair.compare(_is_compiled_or_dated)
    pair.assert_whole()


def _is_compiled_or_dated(path: bytes) -> bool:
    return b"__pycache__" in path or path.endswith((b"direct_url.json", b"/RECORD"))


@pytest.mark.slow
def test_pytest_with_several_processes(pair: Pair) -> None:
    told = pair.run(
        f"""
        {sys.executable} -m venv --system-site-packages .venv; . .venv/bin/activate
        pip install --quiet pytest pytest-xdist; for n in $(seq 40); do cp tests/test_core.py tests/test_$n.py; done
        python -m pytest -q -n 2 --color=no tests | tail -1
    """,
        masked=SECONDS,
        timeout=300,
    )
    assert "41 failed, 533 passed" in told
    pair.run("rm -r .venv .pytest_cache")
    pair.compare(lambda path: b"__pycache__" in path)
    pair.assert_whole()


@pytest.mark.slow
def test_linters_keep_their_caches(pair: Pair) -> None:
    needs("ruff", "mypy")
    told = pair.run(
        """
        ruff check src || true; ruff format src; ruff format --check src; mypy --strict src || true
        mypy --strict src | tail -1; ruff check --fix --select I src tests || true; git diff
    """
    )
    assert "Found " in told
    pair.run("rm -r .mypy_cache .ruff_cache")
    pair.compare()
    pair.assert_whole()
