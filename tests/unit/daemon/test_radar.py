"""When names of paths are reason enough to have the sessions compared."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from git_vibe.daemon import process
from git_vibe.daemon import radar as module
from git_vibe.daemon.radar import Radar
from git_vibe.store.layout import Layout


class Looks:
    """A radar whose looks end when a test says so; `count` is how many there were."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self.count = 0
        self.now = 1000.0
        self._ended: list[Callable[[], None]] = []
        self.radar = Radar(layout, lambda pid, then: self._ended.append(then))

    def start(self, *_: object) -> object:
        self.count += 1
        return subprocess.Popen([sys.executable, "-c", f"raise SystemExit({int(self.fails)})"])

    fails = False

    def look(self, *, took: float = 0.1, fails: bool = False) -> int:
        """Let everything that is due happen, and end it; return how many looks there were until now."""
        self.fails = fails
        self.now += 60
        self.radar.look()
        self.now += took
        self.end()
        return self.count

    def end(self) -> None:
        """The process that looks ends."""
        for then in self._ended:
            then()
        self._ended.clear()

    def found(self, changed: dict[str, list[str]], upstream: dict[str, list[str]] | None = None) -> None:
        """What a look left behind."""
        found = {"changed": changed, "upstream": upstream or {}, "overlaps": {}}
        self.layout.radar.write_text(json.dumps(found))
        os.utime(self.layout.radar, ns=(0, int(self.now * 1e9) + self.count))


@pytest.fixture
def looks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Looks:
    layout = Layout(tmp_path)
    for name in ("alpha", "beta"):
        (layout.sessions / name).mkdir(parents=True)
    made = Looks(layout)
    monkeypatch.setattr(process, "start_detached", made.start)
    monkeypatch.setattr(module, "_now", lambda: made.now)
    return made


def heard(looks: Looks) -> Looks:
    """Both sessions were heard of."""
    for name in ("alpha", "beta"):
        looks.radar.changed(name, [f"own-{name}"])
    looks.look()
    looks.count = 0
    return looks


def test_first_word_of_a_session_is_looked_into(looks: Looks) -> None:
    assert looks.radar.seconds() is None
    looks.radar.changed("alpha", ["a"])
    assert looks.radar.seconds() == pytest.approx(module.SOON)
    assert looks.look() == 1
    assert looks.radar.seconds() is None


def test_paths_of_one_session_are_no_reason(looks: Looks) -> None:
    heard(looks).radar.changed("alpha", ["a", "b"])
    looks.radar.changed("alpha", ["a", "c"])
    assert looks.radar.seconds() is None


@pytest.mark.parametrize("path", ["a", "tree/"])
def test_path_of_two_sessions_is_a_reason_once(looks: Looks, path: str) -> None:
    heard(looks).radar.changed("alpha", [path])
    looks.look()
    looks.count = 0
    looks.found({"alpha": [path], "beta": []})
    looks.radar.changed("beta", [path])
    assert looks.look() == 1
    assert looks.radar.seconds() is None


@pytest.mark.parametrize("kind", ["changed", "upstream"])
def test_what_the_last_look_found_counts(looks: Looks, kind: str) -> None:
    heard(looks).found({"beta": ["a"]} if kind == "changed" else {}, {"alpha": ["a"]} if kind == "upstream" else {})
    looks.radar.changed("alpha", ["a"])
    assert looks.look() == 1


def test_moved_branch_is_a_reason(looks: Looks) -> None:
    (looks.layout.common_dir / "HEAD").write_text("x")
    heard(looks)
    os.utime(looks.layout.common_dir / "HEAD", ns=(0, 0))
    looks.radar.changed("alpha", ["a"])
    assert looks.look() == 1


def test_next_look_is_put_off_by_what_the_last_one_took(looks: Looks) -> None:
    looks.radar.changed("alpha", ["a"])
    looks.look(took=2.0)
    looks.radar.changed("beta", ["a"])
    assert looks.radar.seconds() == pytest.approx(2.0 * module.SHARE)


def test_one_look_at_a_time(looks: Looks) -> None:
    looks.radar.changed("alpha", ["a"])
    looks.now += 1
    looks.radar.look()
    looks.radar.changed("beta", ["a"])
    assert looks.radar.seconds() is None
    looks.radar.look()
    assert looks.count == 1
    looks.end()
    assert looks.look() == 2


def test_failed_look_forgets_nothing(looks: Looks) -> None:
    looks.radar.changed("alpha", ["a"])
    looks.look(fails=True)
    assert looks.radar.changers("beta", ["a", "b"]) == {"a": ["alpha"], "b": []}
    looks.radar.changed("beta", ["own"])
    looks.look()
    assert looks.radar.changers("beta", ["a"]) == {"a": []}


def test_who_changed_a_path(looks: Looks) -> None:
    heard(looks).found({"alpha": ["a"], "beta": ["a"], "gone": []})
    looks.radar.changed("beta", ["b"])
    assert looks.radar.changers("alpha", ["a", "b", "c"]) == {"a": ["beta"], "b": ["beta"], "c": []}


@pytest.mark.parametrize("content", ["[", "[]", "{}", '{"changed": 1}'])
def test_damaged_file_is_no_file(looks: Looks, content: str) -> None:
    looks.layout.radar.write_text(content)
    assert looks.radar.changers("alpha", ["a"]) == {"a": []}


def test_closed_sessions_are_forgotten(looks: Looks) -> None:
    heard(looks).radar.changed("beta", ["a"])
    (looks.layout.sessions / "beta").rmdir()
    looks.found({"alpha": []})
    assert looks.radar.changers("alpha", ["a"]) == {"a": []}
