"""Who signs promotes: the user's own key where one is configured, else an SSH key that belongs to the session.

`commit.gpgSign` is no reason to sign: it is about what the user commits, and might ask for a passphrase. A session's
key ends with the session; its public half stays in the note of each commit it signed.
"""

from __future__ import annotations

import os
from typing import NamedTuple

from git_vibe.errors import GitError
from git_vibe.git.command import run_tool
from git_vibe.session.workspace import Workspace
from git_vibe.store.layout import SessionPaths
from git_vibe.types import SessionName

_OWN_SETUP = ("user.signingkey", "gpg.ssh.defaultkeycommand")


class Signature(NamedTuple):
    """How git is told to sign: `-c` options, the option of the command; `public` is the key when it is a session's."""

    config: tuple[str, ...] = ()
    option: str = "--no-gpg-sign"
    public: str | None = None


def signature(ws: Workspace, name: SessionName, *, wanted: bool | None) -> Signature:
    """The signature of a promote; None leaves it to `vibe.sign`. Raises GitError where a key cannot be made."""
    if not (ws.repo.config.boolean("vibe.sign", default=False) if wanted is None else wanted):
        return Signature()
    if any(ws.repo.config.text(key) for key in _OWN_SETUP):
        return Signature(option="-S")
    key = session_key(ws.paths(name))
    with open(f"{key}.pub") as file:
        public = file.read().strip()
    return Signature(("-c", "gpg.format=ssh", "-c", f"user.signingKey={key}"), "-S", public)


def session_key(paths: SessionPaths) -> str:
    """Path of the session's private key, which is made at the first use. The caller holds the session's lock."""
    key = os.fspath(paths.root / "key")
    if not (os.path.exists(key) and os.path.exists(f"{key}.pub")):
        for half in (paths.root / "key", paths.root / "key.pub"):
            half.unlink(missing_ok=True)
        _generate(key, paths.name)
    return key


def _generate(key: str, name: SessionName) -> None:
    try:
        run_tool(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", f"git-vibe session {name}", "-f", key])
    except FileNotFoundError:
        raise GitError(
            "ssh-keygen, which makes and uses the key of a session, is not installed",
            "install OpenSSH, or configure a key of your own with `git config user.signingKey`",
        ) from None
