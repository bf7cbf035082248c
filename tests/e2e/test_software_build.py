"""Builds in a session make what they make natively, and afterwards only what has changed."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.software import Pair, needs

pytestmark = pytest.mark.fuse

MAKEFILE = """\
OBJECTS = main.o add.o out/sub.o
program: $(OBJECTS)
	$(CC) -o $@ $(OBJECTS)
-include *.d out/*.d
%.o: %.c
	$(CC) -MMD -c -o $@ $<
out/%.o: lib/%.c
	mkdir -p out
	$(CC) -MMD -Ilib -c -o $@ $<
main.o: parser.h
parser.h: grammar
	sed s/RULE/define/ grammar >$@.new
	mv -f $@.new $@
clean:
	rm -rf *.o *.d out program parser.h
"""

CMAKE = """\
cmake_minimum_required(VERSION 3.16)
project(demo C)
include_directories(.)
add_custom_command(OUTPUT parser.h COMMAND sed s/RULE/define/ ${CMAKE_SOURCE_DIR}/grammar > parser.h DEPENDS grammar)
add_library(sub STATIC lib/sub.c)
add_executable(program main.c add.c parser.h)
target_include_directories(program PRIVATE lib ${CMAKE_BINARY_DIR})
target_link_libraries(program sub)
enable_testing()
add_test(NAME runs COMMAND program)
"""

SOURCES = {
    "Makefile": MAKEFILE,
    "CMakeLists.txt": CMAKE,
    "grammar": "#RULE ANSWER 42\n",
    "add.h": "int add(int, int);\n",
    "add.c": '#include "add.h"\nint add(int a, int b) { return a + b; }\n',
    "lib/sub.h": "int sub(int, int);\n",
    "lib/sub.c": '#include "sub.h"\nint sub(int a, int b) { return a - b; }\n',
    "main.c": """\
#include <stdio.h>
#include "add.h"
#include "lib/sub.h"
#include "parser.h"
int main(void) { return printf("%d\\n", add(sub(3, 1), ANSWER)) < 0; }
""",
    ".gitignore": "*.o\n*.d\nout/\nprogram\nparser.h\n",
}

CHANGES = {
    "nothing": "true",
    "a source": "touch -d '+2 seconds' add.c",
    "a header": "touch -d '+2 seconds' lib/sub.h",
    "what a source is made from": "echo '#RULE MORE 1' >>grammar; touch -d '+2 seconds' grammar",
    "a source by an atomic save": "sed -i 's/a + b/b + a/' add.c; touch -d '+2 seconds' add.c",
    "a source that git restores": "echo '#error' >add.c; git checkout add.c; touch -d '+2 seconds' add.c",
    "an object that is gone": "rm out/sub.o",
    "the directory of objects": "mv out out2; rm -r out2",
}


@pytest.fixture
def pair(tmp_path: Path) -> Pair:
    needs("make", "cc")
    return Pair.of(tmp_path, SOURCES)


def test_clean_sources_are_older_than_what_is_made_of_them(pair: Pair) -> None:
    assert pair.run("make -s; make -q; make; ./program; find . -name '*.[ch]' -newer program | grep -v parser") == (
        "make: 'program' is up to date.\n44\nstatus 1\n"
    )
    assert len({path.stat().st_mtime_ns for path in pair.session.glob("**/*.c")}) == 1


@pytest.mark.parametrize("what", CHANGES)
def test_make_makes_what_changed(what: str, pair: Pair) -> None:
    pair.run("make -s")
    told = pair.run(f"{CHANGES[what]}; make; ./program; make -s clean; git status --short")
    assert "44\n" in told and ("cc" in told) == (what != "nothing")
    pair.compare()


def test_several_jobs(pair: Pair) -> None:
    pair.run("make -sj4 && ./program && make -q && cp -a . ../copy-$(basename $(dirname $PWD))")
    pair.run("cd ../copy-$(basename $(dirname $PWD)) && make -q && ./program")
    built = pair.compare()
    assert {b"program", b"out/sub.o", b"main.d"} <= built.keys()
    pair.run("rm .gitignore")
    pair.assert_whole()


def test_a_program_that_runs_is_rebuilt_only_by_rename(pair: Pair) -> None:
    told = pair.run("""
        make -s; cp /bin/sleep sleeper; ./sleeper 60 & trap "kill $!" EXIT
        until grep -q sleeper /proc/$!/comm; do :; done
        cp program sleeper 2>&1 || echo busy; cp program next; mv next sleeper; ./sleeper
    """)
    assert told == "cp: cannot create regular file 'sleeper': Text file busy\nbusy\n44\nstatus 0\n"


@pytest.mark.slow
@pytest.mark.parametrize("generator", ["Ninja", "Unix Makefiles"])
def test_cmake(generator: str, pair: Pair) -> None:
    needs("cmake", "ninja")
    pair.run(f"cmake -G '{generator}' -B out .", masked=r"\(\d+\.\ds\)|/tmp/\S+")
    build = "cmake --build out -j1; out/program"
    pair.run(build)
    for change in ("true", "touch add.c", "touch lib/sub.h", "echo '#RULE MORE 1' >>grammar", "rm out/libsub.a"):
        pair.run(f"{change}; {build}")
    pair.run("cd out && ctest", masked=r"\d+\.\d\d sec")
    left = {path for path in pair.compare(_is_log) if path.startswith(b"out/")}
    assert b"out/program" in left
    pair.run("cmake --build out --target clean; rm -r out")
    pair.assert_whole()


def _is_log(path: bytes) -> bool:
    """Whether a file of a build tells of times or is made from the hash of a path."""
    return b"/Temporary" in path or path.endswith(
        (b".ninja_log", b".ninja_deps", b".log", b"CTestCostData.txt", b"RuleHashes.txt", b"compiler_depend.make")
    )
