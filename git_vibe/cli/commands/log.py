"""`git vibe log`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from git_vibe.cli.handed_on import options_and_paths
from git_vibe.types import SessionName

if TYPE_CHECKING:
    import argparse

    from git_vibe.cli.context import Context

ALIASES: tuple[str, ...] = ()
PASSES_ON = True
ACCEPTS_EXTRAS = True
SUMMARY = "show the promotes of a session, as git log does"
DESCRIPTION = """
Show what a session has promoted, from where it was spawned: time, commit, author and files. Closed sessions have
their history, too, as long as `refs/vibes/<session>` stays.

git log does the work, with its pager, colours and configuration. Every option that is not listed here is handed to
it, for example `-3`, `-p`, `--oneline`, `--graph`, `--since=yesterday` or `--format`; paths follow `--`.

Promotes are ordinary commits: `git log --glob=refs/vibes/* --notes=vibe` shows those of all sessions with what is
known about them. `git vibe audit` tells everything that was done to sessions.

Notes follow commits that `git rebase` and `git commit --amend` rewrite after
`git config notes.rewriteRef refs/notes/vibe`. They are shared with
`git push origin refs/notes/vibe`, fetched with `git fetch origin refs/notes/vibe:refs/notes/vibe-theirs` and put
together with `git notes --ref=vibe merge vibe-theirs`.
"""
EXAMPLES = (
    ("git vibe log feature-auth", "Show the promotes."),
    ("git vibe log feature-auth --oneline -3", "Show the last three, a line each."),
    ("git vibe log feature-auth -p --notes=vibe -- src", "Show changes below src, and the notes."),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("past_session", metavar="<session>", help="the session to look at, open or closed")
    parser.add_argument("--no-pager", action="store_true", help="do not start a pager")


def run(args: argparse.Namespace, ctx: Context) -> int:
    """Hand over to git log and return its exit status."""
    from git_vibe.session.log import find_history, log, promotes

    word, extras = _session_first([args.past_session, *args.extras])
    options, paths = options_and_paths(extras, _VALUED)
    paths += args.rest or []
    name = SessionName(word)
    history = find_history(ctx.workspace, name)
    if history.of_another:
        ctx.output.note(f"Session '{name}' has promoted nothing yet; this is what an earlier one of its name did")
    if history.tip is None:
        ctx.output.note(f"Session '{name}' has promoted nothing yet")
    if ctx.output.json:
        found = promotes(ctx.workspace, history, options, paths) if history.tip else []
        ctx.output.result({**history._asdict(), "promotes": found})
        return 0
    if history.tip is None:
        return 0
    return log(ctx.workspace, history, options, paths, color=args.color, pager=not args.no_pager)


def _session_first(words: list[str]) -> tuple[str, list[str]]:
    """The first word that is no option, and the others: argparse takes `-3` for an argument."""
    place = next((number for number, word in enumerate(words) if not word.startswith("-")), 0)
    return words[place], words[:place] + words[place + 1 :]


_VALUED = (
    "-n", "-S", "-G", "-O", "-L", "-l", "-U", "--max-count", "--skip", "--since", "--after", "--until", "--before",
    "--author", "--committer", "--grep", "--grep-reflog", "--date", "--encoding", "--output", "--find-object",
    "--anchored", "--word-diff-regex", "--src-prefix", "--dst-prefix",
)  # fmt: skip
