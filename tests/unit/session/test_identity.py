"""In whose name promotes are made: what git itself would say, whether or not it is asked."""

from __future__ import annotations

import pytest

from git_vibe.session.identity import commit_environment
from tests.unit.session.handmade import HandMade, git


@pytest.mark.parametrize("name", ["Vera Vibe", "Zoë-Ann O'Neil", " spaces ", "dot.", "Dr. A. B.", '"quoted"', "a,b"])
def test_as_git_has_it(name: str, session: HandMade) -> None:
    git("config", "user.name", name, cwd=session.repo)
    ident = git("var", "GIT_AUTHOR_IDENT", cwd=session.repo).decode()
    found = commit_environment(session.ws, None)
    assert ident.startswith(f"{found['GIT_AUTHOR_NAME'].removesuffix(' via git-vibe')} <{found['GIT_AUTHOR_EMAIL']}> ")


@pytest.mark.parametrize(
    ("variable", "value"), [("GIT_AUTHOR_NAME", "Somebody Else"), ("GIT_AUTHOR_EMAIL", "else@example.org")]
)
def test_the_environment_counts(variable: str, value: str, session: HandMade, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(variable, value)
    assert commit_environment(session.ws, "claude")[variable].removesuffix(" via git-vibe (claude)") == value


def test_other_configuration_counts(session: HandMade) -> None:
    git("config", "author.name", "Author Only", cwd=session.repo)
    assert commit_environment(session.ws, None)["GIT_COMMITTER_NAME"] == "Author Only via git-vibe"
