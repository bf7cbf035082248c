"""What a partial clone lacks is fetched before it is asked for."""

from __future__ import annotations

from pathlib import Path

import pytest

from git_vibe.errors import ObjectMissing
from git_vibe.git.promisor import fetch_missing
from git_vibe.git.repository import Config
from tests.support.gitrepo import GitRepo


def lacking(repo: GitRepo) -> int:
    """How many objects of HEAD are not here."""
    return repo.git("rev-list", "--objects", "--no-walk", "--missing=print", "HEAD").count("?")


@pytest.fixture(params=["blob:none", "tree:0"])
def partial(request: pytest.FixtureRequest, repo: GitRepo, tmp_path: Path) -> GitRepo:
    """A clone that has no blobs, or not even trees."""
    repo.git("config", "uploadpack.allowFilter", "true")
    repo.git("config", "uploadpack.allowAnySHA1InWant", "true")
    target = tmp_path / "partial"
    command = ["clone", "--quiet", "--no-checkout", f"--filter={request.param}", f"file://{repo.path}", str(target)]
    repo.git(*command)
    return GitRepo(target)


def config_of(repo: GitRepo) -> Config:
    """The configuration of a repository."""
    return Config(repo.git_bytes("config", "--list", "-z"))


def test_everything_is_there_afterwards(partial: GitRepo) -> None:
    assert lacking(partial) > 0
    fetch_missing(config_of(partial), "HEAD", cwd=partial.path)
    assert lacking(partial) == 0


def test_a_remote_that_is_gone_is_named_with_what_it_should_have_given(partial: GitRepo, repo: GitRepo) -> None:
    repo.path.rename(repo.path.with_name("gone"))
    with pytest.raises(ObjectMissing, match="partial clone, and origin did not give"):
        fetch_missing(config_of(partial), "HEAD", cwd=partial.path)


def test_a_whole_clone_is_not_looked_at(repo: GitRepo) -> None:
    fetch_missing(config_of(repo), "no-such-commit", cwd=repo.path)
