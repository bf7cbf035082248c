"""Where everything of git-vibe lies on disk. This docstring is the specification of the format.

Everything is below `<git-common-dir>/vibe/` (written `.git/vibe` here), so that linked work trees share it:

    README                            who owns this directory
    version                           format number, decimal, newline; now 1
    sessions/<s>/meta.json            the truth about session <s>; replaced as a whole, never truncated
    sessions/<s>/layers/NNNN/tree/    one layer: a mirrored tree of plain files; the highest number is the top layer
    sessions/<s>/layers/NNNN/work/    temporary files of the layer on the same file system; emptied at mount
    sessions/<s>/layers/NNNN/adopted  the layer was made by a rebase that has not ended: it is not merged into others
    sessions/<s>/rebase/              a rebase that has not ended: `state.json` and the index from before
    sessions/<s>/env                  KEY=VALUE lines, mode 0600
    sessions/<s>/exclude              git excludes for agents: the user's own and the names in the context
    sessions/<s>/overridden           tracked paths the context overrides, NUL-separated, marked in the session's index
    sessions/<s>/landed.json          whether the last promote had landed in which commit; a cache
    sessions/<s>/landing.json         a merge of the session that was begun: what, from where, and what is to follow
    sessions/<s>/lfs                  pointers of Git LFS whose content a rebase put into layers: JSON, by path, blob
    sessions/<s>/included             ignored paths a promote took on demand, NUL-separated; like tracked ones since
    sessions/<s>/key key.pub          the SSH key that signs promotes of the session, where that is wanted
    sessions/<s>/COMMIT_EDITMSG       message of a promote that was not made after all
    sessions/<s>/dirty.json           how many files were dirty and what that answer rests on; a cache
    sessions/<s>/picture.json         the tree of the session and what it changed, likewise
    sessions/<s>/verdicts.json        what merging it with others in memory gave, by the names of the trees; a cache
    sessions/<s>/agent.json           what its agent was told about overlaps and upstream
    sessions/<s>/lock                 held while a command changes the session
    sessions/<s>/worker.json          pid, start time and mount of the worker that serves the session
    sessions/<s>/worker.ending        there while that worker is meant to end: its end is no accident
    context/                          files that appear in every session and are never promoted
    cache/base/<key>/                 what is computed once for a base commit: <key> is the commit, with a suffix where
                                      conversion settings are in force that are not part of it
    cache/base/<key>/table            every path of the commit, see `git/table.py`
    cache/base/<key>/converted/<row>  a file whose checkout differs from its blob; a link to the content of Git LFS
    cache/base/<key>/lfs              pointers of Git LFS, a line each: row, SHA-256, size, and + where the content is
                                      shown or - where it was missing
    cache/base/<key>/submodules       submodules of the commit as JSON: path, commit, repository, whether it is shown
    cache/base/<key>/index-U-G        the pre-filled Git index for files owned by user U and group G
    cache/blobs/<oid>                 content of a large blob, written once, served by pread; its mtime is its last use
    cache/blobs/.part-<oid>           the same while it is written; locked by the process that does so
    cache/scratch-*/                  work tree and objects of one look at a session; may be deleted when old
    logs/daemon.log logs/<s>.log      what the daemon and the workers have to say
    logs/events.jsonl                 what happened, a JSON object a line: `time` (UTC), `event`, and for an "overlap"
                                      `path` and `between`, names of sessions or "upstream"; events.jsonl.1 is older
    radar.json                        which paths sessions changed and upstream changed since their bases, and where
                                      they meet, as of the last comparison; a cache
    radar.lock                        held while it is replaced
    audit.log                         what was done to sessions, by whom: a JSON object a line, only ever appended to
    daemon.lock daemon.pid daemon.sock
    notes.lock                        held while refs/notes/vibe is written
    sessions/<s>/worker.sock          the worker's control socket
    sessions/<s>/upstream.json        the upstream commit that was last told about, and what was found; a cache
    live/                             hooks that git finds only while there are sessions: the shim, names of events
                                      as links to it, hooks.config for git 2.54 and later
    hooks.json                        whether the directory of the hooks was made by git-vibe
    hooks.lock                        held while hooks are installed or removed

What was written to a mount point while its mount was away lies beside it in `<mount>.unmounted-<utc>`.

A session is being created while its directory is `sessions/.new-<s>-<random>`; the rename to `sessions/<s>` makes
it exist. It is being removed while it is `sessions/.old-<s>-<random>`; such directories may be deleted at any time.
The same holds for layers, whose numbers begin at 1 and have no gaps.

Sockets lie where the table says unless that path is longer than a Unix socket address may be (107 bytes); then in
`$XDG_RUNTIME_DIR/git-vibe/<hash>/`, or `/tmp/git-vibe-<uid>/<hash>/` without XDG_RUNTIME_DIR, where <hash> is the
first 16 hexadecimal digits of the SHA-256 of the path of `.git/vibe`.

A layer is written in the vocabulary of the kernel's overlayfs (mount option `userxattr`):

    whiteout                          character device 0:0: the name of a lower layer is gone
    user.overlay.whiteout             on an empty regular file in a directory whose user.overlay.opaque is "x":
                                      the same, where devices may not be made
    user.overlay.opaque = "y"         on a directory: nothing is merged from below; whiteouts in it hide nothing
    user.vibe.tree = <tree oid>       on a directory: below it lies that Git tree instead of what the base has at
                                      this path; it hides the base, other layers and the context like an opaque one
    user.vibe.ino = <number>          the inode number the view shows, where it is not derived from the layer file
    user.vibe.context                 on a file: a private copy of a context file, never promoted

Modes, times, symbolic links, hard links and other user xattrs of a layer file are the file's own.

`git vibe purge` moves `audit.log` to `$XDG_STATE_HOME/git-vibe/audit.log` (`~/.local/state` without XDG_STATE_HOME),
which is the user's; there each line has the path of its repository's git directory, too.

Outside of `.git/vibe` lie the hooks: shims in `.git/hooks`, and the hooks that were there before, which they run
first, in `.git/hooks-before-git-vibe/` (with links to everything else that lies beside them). Where core.hooksPath
leads elsewhere, `.git/vibe-hooks/` holds shims, `before` with that path, and `config`, which `.git/config` includes.

Refs: `refs/vibes/<s>` (promotes), `refs/vibe/base/<s>` (pins the base), `refs/vibe/below/<s>` (pins the commit
clean files are read from after a rebase), `refs/vibe/rebase/<s>` (what a rebase that has not ended needs),
`refs/vibe/archive/<s>/<utc>` (what a removal would have lost), `refs/notes/vibe` (JSON about promoted commits). The
linked work tree of a session is `<git-common-dir>/worktrees/vibe-<s>`.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from git_vibe.types import LayerId, SessionName

FORMAT = 1
SOCKET_PATH_MAX = 107

WHITEOUT_XATTR = "user.overlay.whiteout"
OPAQUE_XATTR = "user.overlay.opaque"
ADOPTED = "adopted"
TREE_XATTR = "user.vibe.tree"
INODE_XATTR = "user.vibe.ino"
CONTEXT_XATTR = "user.vibe.context"


class Layout:
    """Every path of one repository's state. `runtime_dir` is XDG_RUNTIME_DIR, or None."""

    def __init__(self, common_dir: Path, runtime_dir: Path | None = None) -> None:
        self.common_dir = common_dir
        self.root = common_dir / "vibe"
        self.version = self.root / "version"
        self.sessions = self.root / "sessions"
        self.context = self.root / "context"
        self.cache = self.root / "cache"
        self.logs = self.root / "logs"
        self.events = self.logs / "events.jsonl"
        self.radar = self.root / "radar.json"
        self.radar_lock = self.root / "radar.lock"
        self.live = self.root / "live"
        self.hooks = common_dir / "hooks"
        self.hooks_before = common_dir / "hooks-before-git-vibe"
        self.hooks_redirected = common_dir / "vibe-hooks"
        self.hooks_state = self.root / "hooks.json"
        self.hooks_lock = self.root / "hooks.lock"
        self.audit = self.root / "audit.log"
        self.daemon_lock = self.root / "daemon.lock"
        self.daemon_pid = self.root / "daemon.pid"
        self.daemon_log = self.logs / "daemon.log"
        self._runtime_dir = runtime_dir

    @property
    def daemon_socket(self) -> Path:
        """Where the daemon listens."""
        return self._socket(self.root / "daemon.sock", "daemon.sock")

    def session(self, name: SessionName) -> SessionPaths:
        """The paths of one session, whether it exists or not."""
        return SessionPaths(self, name)

    def base_cache(self, key: str) -> Path:
        """Directory of what is computed once for a base commit; `key` is its name."""
        return self.cache / "base" / key

    @property
    def blob_cache(self) -> Path:
        """Directory of spilled large blobs."""
        return self.cache / "blobs"

    def _socket(self, wanted: Path, short: str) -> Path:
        if len(os.fsencode(wanted)) <= SOCKET_PATH_MAX:
            return wanted
        digest = hashlib.sha256(os.fsencode(self.root)).hexdigest()[:16]
        if self._runtime_dir is not None:
            candidate = self._runtime_dir / "git-vibe" / digest / short
            if len(os.fsencode(candidate)) <= SOCKET_PATH_MAX:
                return candidate
        return Path(f"/tmp/git-vibe-{os.getuid()}") / digest / short


class SessionPaths:
    """Every path of one session."""

    def __init__(self, layout: Layout, name: SessionName) -> None:
        self.name = name
        self.root = layout.sessions / name
        self.meta = self.root / "meta.json"
        self.layers = self.root / "layers"
        self.env = self.root / "env"
        self.lock = self.root / "lock"
        self.worker = self.root / "worker.json"
        self.worker_ending = self.root / "worker.ending"
        self.upstream = self.root / "upstream.json"
        self.rebase = self.root / "rebase"
        self.rebase_state = self.rebase / "state.json"
        self.lfs = self.root / "lfs"
        self.log = layout.logs / f"{name}.log"
        self.git_dir = layout.common_dir / "worktrees" / f"vibe-{name}"
        self._layout = layout

    @property
    def worker_socket(self) -> Path:
        """Where the session's worker takes control requests."""
        return self._layout._socket(self.root / "worker.sock", f"{self.name}.sock")

    def layer(self, layer: LayerId) -> Path:
        """Directory of one layer, the parent of `tree` and `work`."""
        return self.layers / layer.dirname


def promote_ref(name: SessionName) -> str:
    """Full name of the ref that a session's promotes move."""
    return f"refs/vibes/{name}"


def base_ref(name: SessionName) -> str:
    """Full name of the ref that pins a session's base."""
    return f"refs/vibe/base/{name}"


def below_ref(name: SessionName) -> str:
    """Full name of the ref that pins the commit clean files are read from, where that is not the base."""
    return f"refs/vibe/below/{name}"


def rebase_ref(name: SessionName) -> str:
    """Full name of the ref that keeps what a rebase that has not ended needs."""
    return f"refs/vibe/rebase/{name}"


PINS = ("refs/vibe/base/", "refs/vibe/below/", "refs/vibe/rebase/")
"""Where the refs are that end with their sessions."""


def own_refs(name: SessionName) -> tuple[str, ...]:
    """Full names of all refs that end with a session."""
    return tuple(pin + name for pin in PINS)


def archive_ref(name: SessionName, stamp: str) -> str:
    """Full name of an archive ref; `stamp` is a UTC time such as '20260102T030405Z'."""
    return f"refs/vibe/archive/{name}/{stamp}"


ASIDE = ".unmounted-"
"""Stands between a mount's path and a UTC time in the name of what was written while the mount was away."""

NOTES_REF = "refs/notes/vibe"
