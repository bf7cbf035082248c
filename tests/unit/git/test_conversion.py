"""Whether a conversion is asked of git at all, against what git's checkout then does."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from pathlib import Path

import pytest

from git_vibe.git.checkout import Checkout, is_blob
from git_vibe.git.conversion import Rules
from git_vibe.git.repository import Config
from tests.support.gitrepo import GitRepo

TEXT = ("", "text", "-text", "text=auto", "text=input", "crlf", "-crlf", "crlf=input", "text=odd crlf")
EOL = ("", "eol=lf", "eol=crlf")
SETTINGS = [
    dict(zip(("core.autocrlf", "core.eol"), values, strict=True))
    for values in itertools.product((None, "false", "true", "input"), (None, "lf", "crlf", "native"))
]


def config(values: Mapping[str, str]) -> Config:
    """A configuration with these keys."""
    return Config(b"".join(f"{key}\n{value}\0".encode() for key, value in values.items()))


@pytest.fixture(scope="module")
def combinations(tmp_path_factory: pytest.TempPathFactory) -> GitRepo:
    """A file for every combination of the attributes about line endings."""
    repo = GitRepo.create(tmp_path_factory.mktemp("eol") / "repo")
    lines = [f"f{number} {' '.join(pair)}\n" for number, pair in enumerate(itertools.product(TEXT, EOL))]
    repo.write({".gitattributes": "".join(lines), **{f"f{number}": "a\nb\n" for number in range(len(lines))}})
    repo.git("add", "--all")
    repo.git("-c", "user.name=x", "-c", "user.email=x", "commit", "--quiet", "--message", "all")
    return repo


@pytest.mark.parametrize("settings", SETTINGS, ids=lambda values: "-".join(str(value) for value in values.values()))
def test_line_endings_are_asked_for_exactly_where_git_changes_them(
    combinations: GitRepo, settings: dict[str, str | None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen = {key: value for key, value in settings.items() if value is not None}
    monkeypatch.setenv("GIT_CONFIG_COUNT", str(len(chosen)))
    for number, (key, value) in enumerate(chosen.items()):
        monkeypatch.setenv(f"GIT_CONFIG_KEY_{number}", key)
        monkeypatch.setenv(f"GIT_CONFIG_VALUE_{number}", value)
    listing = combinations.git("ls-tree", "-l", "HEAD").splitlines()
    blobs = {line.split("\t")[1].encode(): line.split()[2:4] for line in listing}
    checkout = Checkout(combinations.path / ".git", "HEAD", tmp_path / "checkout")
    checkout.write(list(blobs))
    changed = {
        path
        for path, (oid, size) in blobs.items()
        if not is_blob(checkout.location(path), bytes.fromhex(oid), int(size))
    }
    rules, values = Rules(config(chosen)), checkout.attributes(list(blobs))
    assert {path for path in blobs if rules.may_change(values.get(path, {}))} == changed


@pytest.mark.parametrize(
    ("values", "asked"),
    [
        ({}, False),
        ({"ident": "set"}, True),
        ({"ident": "unset"}, False),
        ({"working-tree-encoding": "UTF-16"}, True),
        ({"working-tree-encoding": "utf-8"}, False),
        ({"filter": "smudges"}, True),
        ({"filter": "Needed"}, True),
        ({"filter": "cleans"}, False),
        ({"filter": "unknown"}, False),
        ({"filter": "lfs"}, False),
    ],
)
def test_other_conversions_are_asked_for_where_they_are_set_up(values: dict[str, str], *, asked: bool) -> None:
    drivers = {
        "filter.smudges.smudge": "cat",
        "filter.Needed.required": "true",
        "filter.cleans.clean": "cat",
        "filter.lfs.smudge": "git-lfs smudge -- %f",
    }
    assert Rules(config(drivers)).may_change(values) is asked


@pytest.mark.parametrize(
    ("attributes", "matters", "matters_with_crlf"),
    [
        (b"*.png binary\n", False, False),
        (b"* text=auto\n", False, True),
        (b"*.sh text eol=lf\n", False, True),
        (b"*.bat eol=crlf\n", True, True),
        (b"[attr]odd ident\n", True, True),
        (b"*.bin filter=lfs\n", True, True),
        (b"*.rc working-tree-encoding=UTF-16\n", True, True),
    ],
)
def test_attributes_that_change_nothing_are_recognised(
    attributes: bytes, *, matters: bool, matters_with_crlf: bool
) -> None:
    assert Rules(config({})).may_matter(attributes) is matters
    assert Rules(config({"core.eol": "crlf"})).may_matter(attributes) is matters_with_crlf


def test_only_what_decides_about_conversion_counts_as_a_setting() -> None:
    settings = {"user.name": "x", "core.eol": "lf", "filter.a.clean": "cat", "vibe.author": "y"}
    assert Rules(config(settings)).settings == {"core.eol": "lf", "filter.a.clean": "cat"}
    assert Rules(config({"user.name": "x"})).settings == {}


def test_filters_switched_off_switch_lfs_off() -> None:
    rules = Rules(config({"vibe.filters": "false", "core.autocrlf": "true"}))
    assert (rules.enabled, rules.converts_all, rules.resolves_lfs) == (False, False, False)
