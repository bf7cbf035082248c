"""SQLite in a session: WAL with its shared memory, several processes, locks, kills in the middle, as natively."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from tests.support.gitrepo import GitRepo
from tests.support.runner import Vibe
from tests.support.software import Pair, needs
from tests.support.waiting import wait_until

pytestmark = pytest.mark.fuse

MODES = ("wal", "delete", "truncate", "persist")
WRITERS, ROWS = 3, 30

WRITER = """
import sqlite3, sys
path, writer, rows, mode = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
with sqlite3.connect(path, timeout=60, isolation_level=None) as database:
    database.execute(f"pragma journal_mode={mode}")
    database.execute("pragma synchronous=normal")
    for row in range(rows):
        database.execute("begin immediate")
        database.execute("update counter set value = value + 1")
        database.execute("insert into log values (?, ?, (select value from counter))", (writer, row))
        database.execute("commit")
        print(row, flush=True)
"""


def make_database(path: Path, mode: str = "wal") -> None:
    """A database with a counter and a log."""
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        assert database.execute(f"pragma journal_mode={mode}").fetchone() == (mode,)
        database.executescript("create table counter(value); insert into counter values (0);")
        database.execute("create table log(writer, row, value)")


def query(path: Path, statement: str) -> list[tuple[object, ...]]:
    """What a new connection finds."""
    with closing(sqlite3.connect(path, timeout=60)) as database:
        return database.execute(statement).fetchall()


def start_writer(path: Path, number: int, *, rows: int = ROWS, mode: str = "wal") -> subprocess.Popen[bytes]:
    command = [sys.executable, "-c", WRITER, str(path), str(number), str(rows), mode]
    return subprocess.Popen(command, stdout=subprocess.PIPE)


def ended(writer: subprocess.Popen[bytes]) -> int:
    """The status a writer ends with."""
    with writer:
        writer.communicate()
    return writer.returncode


@pytest.fixture
def committed(repo: GitRepo, vibe: Vibe) -> Path:
    """A session's database that is clean: it was committed."""
    make_database(repo.path / "app.db")
    repo.commit()
    return Path(vibe("spawn", "alpha")) / "app.db"


@pytest.mark.parametrize("mode", MODES)
def test_writers_do_not_lose_each_others_rows(mode: str, alpha: Path) -> None:
    path = alpha / "app.db"
    make_database(path, mode)
    writers = [start_writer(path, number, mode=mode) for number in range(WRITERS)]
    assert [ended(writer) for writer in writers] == [0] * WRITERS
    assert query(path, "select value from counter") == [(WRITERS * ROWS,)]
    assert query(path, "select count(*), count(distinct value), max(value) from log") == [(WRITERS * ROWS,) * 3]
    assert query(path, "pragma integrity_check") == [("ok",)]


def test_a_reader_keeps_its_picture_while_others_write(committed: Path) -> None:
    with closing(sqlite3.connect(committed, isolation_level=None)) as reader:
        reader.execute("begin")
        assert reader.execute("select value from counter").fetchone() == (0,)
        assert ended(start_writer(committed, 1)) == 0
        assert reader.execute("select value from counter").fetchone() == (0,)
        reader.execute("commit")
        assert reader.execute("select value from counter").fetchone() == (ROWS,)


def test_the_second_writer_is_told_that_the_database_is_locked(committed: Path) -> None:
    with closing(sqlite3.connect(committed, isolation_level=None)) as first:
        first.execute("begin immediate")
        with closing(sqlite3.connect(committed, timeout=0, isolation_level=None)) as second:
            with pytest.raises(sqlite3.OperationalError, match="locked"):
                second.execute("begin immediate")
            first.execute("rollback")
            second.execute("begin immediate")


def test_a_killed_writer_leaves_what_it_committed(committed: Path) -> None:
    with start_writer(committed, 1, rows=100_000) as writer:
        assert writer.stdout is not None
        told = [writer.stdout.readline() for _ in range(20)]
        writer.send_signal(signal.SIGKILL)
    [(rows,)] = query(committed, "select count(*) from log")
    assert isinstance(rows, int) and rows >= len(told)
    assert query(committed, "select value from counter") == [(rows,)]
    assert query(committed, "pragma integrity_check") == [("ok",)]
    assert ended(start_writer(committed, 2)) == 0


def test_shared_memory_is_shared(committed: Path) -> None:
    """The index of the WAL lies in a mapped file: what one process writes there the others see without a read(2)."""
    with closing(sqlite3.connect(committed, isolation_level=None)) as reader:
        assert reader.execute("select count(*) from log").fetchone() == (0,)
        assert "app.db-shm" in Path("/proc/self/maps").read_text()
        with start_writer(committed, 1):
            wait_until(lambda: reader.execute("select count(*) from log").fetchone() == (ROWS,), what="the last row")
        assert "app.db-shm" in Path("/proc/self/maps").read_text()


def test_what_is_left_is_what_a_native_database_is(tmp_path: Path) -> None:
    pair = Pair.of(tmp_path, {"schema.sql": "create table t(a integer primary key, b text);\n"})
    script = f"""{sys.executable} -c '
import sqlite3
with sqlite3.connect("a.db", isolation_level=None) as database:
    print(database.execute("pragma journal_mode=wal").fetchone())
    print(database.execute("pragma mmap_size=1000000").fetchone())
    database.executescript(open("schema.sql").read())
    database.execute("begin")
    database.executemany("insert into t(b) values (?)", (("x" * (n % 97),) for n in range(3000)))
    database.execute("commit")
    print(database.execute("pragma wal_checkpoint(truncate)").fetchone())
    database.execute("delete from t where a % 3")
    database.execute("vacuum")
    database.execute("vacuum into \\"b.db\\"")
database.close()
'"""
    pair.run(script)
    assert {b"a.db", b"b.db"} == set(pair.compare()) - {b"schema.sql"}
    pair.assert_whole()


@pytest.mark.slow
def test_the_shell_of_sqlite(tmp_path: Path) -> None:
    needs("sqlite3")
    pair = Pair.of(tmp_path, {"data.csv": "".join(f"{n},{n * n}\n" for n in range(2000))})
    told = pair.run("""
        sqlite3 a.db 'pragma journal_mode=wal; create table t(a,b)' '.mode csv' '.import data.csv t'
        for n in 1 2 3 4; do sqlite3 -cmd '.timeout 20000' a.db "update t set b=b+$n where a % 4 = $n" & done; wait
        sqlite3 a.db 'select sum(b) from t; pragma integrity_check' '.backup b.db' '.clone c.db'
        sqlite3 b.db .dump | cksum
    """)
    assert "ok\n" in told and told.endswith("status 0\n")
    pair.run("rm *.db", masked=".*")
    pair.assert_whole()
