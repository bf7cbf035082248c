"""npm, TypeScript and jest in a session: packages from the registry, compilers that watch, as natively."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.software import Pair, needs, output_of, unavailable
from tests.support.trees import tree

pytestmark = [pytest.mark.fuse, pytest.mark.slow]

PACKAGES = {"jest": "29.7.0", "typescript": "5.4.5", "@types/node": "20.12.7", "esbuild": "0.21.5"}
FILES = {
    "package.json": json.dumps(
        {"name": "demo", "version": "1.0.0", "private": True, "scripts": {"test": "jest", "build": "tsc"},
         "devDependencies": PACKAGES}
    ),
    "tsconfig.json": json.dumps(
        {"compilerOptions": {"target": "ES2020", "module": "commonjs", "outDir": "dist", "strict": True,
                             "incremental": True, "types": ["node"]}, "include": ["src"]}
    ),
    "src/add.ts": "export function add(a: number, b: number): number {\n  return a + b;\n}\n",
    "src/main.ts": 'import { add } from "./add";\nconsole.log(add(1, 2));\n',
    "test/add.test.js": "const { add } = require('../dist/add');\ntest('adds', () => expect(add(1, 2)).toBe(3));\n",
    "test/snapshot.test.js": "test('snapshot', () => expect({ a: [1, 2] }).toMatchSnapshot());\n",
    "test/wrong.test.js": "test('wrong', () => expect(1).toBe(2));\n",
    ".gitignore": "node_modules/\ndist/\n*.tsbuildinfo\n",
}  # fmt: skip
NPM = "npm --no-audit --no-fund --loglevel=error"


@pytest.fixture(scope="module")
def downloaded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with a lock file, made by npm, and its cache."""
    needs("node", "npm")
    directory = tmp_path_factory.mktemp("npm")
    (directory / "package.json").write_text(FILES["package.json"])
    command = ["npm", "install", "--no-audit", "--no-fund", "--cache", str(directory / "cache")]
    done = subprocess.run(command, cwd=directory, capture_output=True, check=False)
    if done.returncode != 0:
        unavailable(f"npm cannot install packages: {os.fsdecode(done.stderr)[-300:]}")
    return directory


@pytest.fixture
def pair(tmp_path: Path, downloaded: Path, monkeypatch: pytest.MonkeyPatch) -> Pair:
    """A session and a native work tree in which `npm ci` ran."""
    monkeypatch.setenv("npm_config_cache", str(downloaded / "cache"))
    monkeypatch.setenv("CI", "true")
    made = Pair.of(tmp_path, {**FILES, "package-lock.json": (downloaded / "package-lock.json").read_bytes()})
    made.run(f"{NPM} ci", masked=r"in \d+\S+", timeout=300)
    return made


def test_packages(pair: Pair) -> None:
    installed = pair.compare()
    assert b"node_modules/.bin/tsc" in installed and len(installed) > 3000
    pair.run(f"{NPM} ci; {NPM} ls --all; git status --short", masked=r"in \d+\S+", timeout=300)
    pair.run(f"{NPM} uninstall esbuild; {NPM} ls", masked=r"in \d+\S+", timeout=300)
    assert pair.compare() == tree(pair.native)
    pair.assert_whole()


def test_building_and_jest(pair: Pair) -> None:
    told = pair.run("npx tsc; node dist/main.js; npx tsc --listEmittedFiles; ls dist")
    assert told == "3\nadd.js\nmain.js\ntsconfig.tsbuildinfo\nstatus 0\n"
    for options in ("--ci=false", "--runInBand", "--ci --onlyFailures"):
        jest = f"npx jest --cacheDirectory=.jest {options}"
        told = pair.run(f"{jest} >log 2>&1 || echo $?; grep '^[TS].*:' log; rm log", masked="Time:.*")
        assert "1 failed" in told
    assert b"test/__snapshots__/snapshot.test.js.snap" in tree(pair.session)
    pair.run("npx esbuild --bundle --platform=node src/main.ts --outfile=dist/bundle.js --log-level=error")
    pair.run("rm -r .jest")
    pair.compare()
    pair.assert_whole()


@pytest.fixture
def compiler(pair: Pair) -> Iterator[subprocess.Popen[str]]:
    """`tsc --watch` in the session."""
    command = ["timeout", "300", "node", "node_modules/typescript/bin/tsc", "--watch", "--preserveWatchOutput"]
    with subprocess.Popen(command, cwd=pair.session, stdout=subprocess.PIPE, text=True) as process:
        yield process
        process.terminate()


def wait_for(compiler: subprocess.Popen[str], found: str, edit: str = "") -> None:
    """Wait until the compiler has found so many errors: it may take two runs over what one edit changes."""
    assert compiler.stdout is not None
    assert any(found in line for line in compiler.stdout), f"the compiler did not see: {edit}"


def test_a_watching_compiler_sees_every_save(pair: Pair, compiler: subprocess.Popen[str]) -> None:
    wait_for(compiler, "Found 0 errors")
    for edit, found in (
        ("sed -i 's/a + b/a + c/' src/add.ts", "Found 1 error"),
        ("git checkout -q src/add.ts", "Found 0 errors"),
        ("echo 'export const x: number = 1;' >>src/add.ts", "Found 0 errors"),
        ("echo 'export const y: number = true;' >src/new.ts", "Found 1 error"),
        ("rm src/new.ts", "Found 0 errors"),
        ("mv src/add.ts src/sum.ts", "Found 1 error"),
        ("sed 's/add\"/sum\"/' src/main.ts >src/.tmp; mv src/.tmp src/main.ts", "Found 0 errors"),
    ):
        pair.run(edit)
        wait_for(compiler, found, edit)
    assert output_of("node dist/main.js", pair.session) == "3\nstatus 0\n"
