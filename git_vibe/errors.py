"""Every error a user can meet: what happened, what to do next, and how the process ends.

One root class carries the four things the single error boundary (`cli.main`) needs: the message, the
suggestion, the stable JSON code and the exit status. `errno` is what a FUSE request answers when the error
reaches the mount instead of a terminal.
"""

from __future__ import annotations

import errno as _errno

EXIT_OK = 0
EXIT_REFUSED = 1
EXIT_USAGE = 2
EXIT_TRANSIENT = 75
EXIT_NO_AGENT = 127
EXIT_NO_REPOSITORY = 128
EXIT_INTERRUPTED = 130


class VibeError(Exception):
    """A failure git-vibe knows and can explain.

    `message` says what happened, `suggestion` what to do next (both one or more lines of text without a
    trailing newline). Subclasses fix `code` (JSON), `exit_status` and `errno`; `retryable` tells a script
    that the same call may succeed later.
    """

    code = "FAILED"
    exit_status = EXIT_REFUSED
    errno = _errno.EIO
    retryable = False

    def __init__(self, message: str, suggestion: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.suggestion = suggestion


class UsageError(VibeError):
    """The command line contradicts itself or misses something."""

    code = "USAGE"
    exit_status = EXIT_USAGE
    errno = _errno.EINVAL


class NotARepository(VibeError):
    """The current directory is not inside a Git repository."""

    code = "NOT_A_REPOSITORY"
    exit_status = EXIT_NO_REPOSITORY


class BareRepository(VibeError):
    """The repository has no work tree."""

    code = "BARE_REPOSITORY"
    exit_status = EXIT_NO_REPOSITORY


class UnbornHead(VibeError):
    """The repository has no commit yet, so there is nothing a session could start from."""

    code = "UNBORN_HEAD"
    exit_status = EXIT_NO_REPOSITORY


class UnsupportedRepository(VibeError):
    """The repository uses a format or feature that is refused by name."""

    code = "UNSUPPORTED_REPOSITORY"
    exit_status = EXIT_NO_REPOSITORY


class StateCorrupt(VibeError):
    """`.git/vibe` exists but is not in a state git-vibe wrote."""

    code = "STATE_CORRUPT"


class NotInitialised(VibeError):
    """The repository has no `.git/vibe` yet and the command does not create it."""

    code = "NOT_INITIALISED"


class StoreUnsuitable(VibeError):
    """The file system under the store cannot hold a delta (for example no user xattrs)."""

    code = "STORE_UNSUITABLE"


class InvalidSessionName(VibeError):
    """The name cannot be a session name."""

    code = "INVALID_SESSION_NAME"
    exit_status = EXIT_USAGE
    errno = _errno.EINVAL


class SessionExists(VibeError):
    """A session of this name exists and a creating flag contradicts it."""

    code = "SESSION_EXISTS"
    errno = _errno.EEXIST


class SessionNotFound(VibeError):
    """There is no session of this name."""

    code = "WORKSPACE_NOT_FOUND"
    errno = _errno.ENOENT


class SessionLimit(VibeError):
    """`vibe.maxSessions` is reached."""

    code = "SESSION_LIMIT"


class SessionBusy(VibeError):
    """Another git-vibe command is working on the session."""

    code = "SESSION_BUSY"
    exit_status = EXIT_TRANSIENT
    errno = _errno.EBUSY
    retryable = True


class SafetyCheckFailed(VibeError):
    """The command would lose work and was not told to."""

    code = "SAFETY_CHECK_FAILED"


class DirtyWorktree(VibeError):
    """Local edits in the user's work tree would be overwritten."""

    code = "DIRTY_WORKTREE"


class MergeConflict(VibeError):
    """`git merge` stopped at a conflict that is the user's to resolve."""

    code = "MERGE_CONFLICT"


class SessionConflict(VibeError):
    """The session changed files that another live session changed too, and the changes do not merge."""

    code = "SESSION_CONFLICT"


class NotFastForward(VibeError):
    """Only a fast-forward was wanted, and the branch has commits of its own."""

    code = "NOT_FAST_FORWARD"


class PathspecUnmatched(VibeError):
    """A pathspec matches nothing that could be promoted."""

    code = "PATHSPEC_UNMATCHED"


class PromoteRefused(VibeError):
    """A commit hook of the repository, or the user in the editor, does not want the commit; or signing it failed."""

    code = "PROMOTE_REFUSED"


class RefMoved(VibeError):
    """A compare-and-swap of a ref failed: somebody else moved it."""

    code = "REF_MOVED"
    exit_status = EXIT_TRANSIENT
    retryable = True


class RebaseInProgress(VibeError):
    """A rebase of the session has not ended."""

    code = "REBASE_IN_PROGRESS"


class RebaseConflict(VibeError):
    """What the session and upstream changed does not merge; the rebase waits for the conflicts to be resolved."""

    code = "REBASE_CONFLICT"


class MountFailed(VibeError):
    """The kernel or fusermount3 refused the mount."""

    code = "MOUNT_FAILED"


class FuseUnavailable(MountFailed):
    """This machine cannot mount FUSE file systems at all."""

    code = "FUSE_UNAVAILABLE"


class DaemonUnavailable(VibeError):
    """The repository's daemon did not start or did not answer."""

    code = "DAEMON_UNAVAILABLE"
    exit_status = EXIT_TRANSIENT
    retryable = True


class AgentNotFound(VibeError):
    """The program to launch is not on PATH."""

    code = "AGENT_NOT_FOUND"
    exit_status = EXIT_NO_AGENT
    errno = _errno.ENOENT


class GitError(VibeError):
    """A git command failed; the message carries what git said."""

    code = "GIT_ERROR"


class FilterFailed(VibeError):
    """A filter driver that is required failed, so a file cannot be shown as a checkout would."""

    code = "FILTER_FAILED"


class ObjectMissing(VibeError):
    """The object database does not hold an object the base needs."""

    code = "OBJECT_MISSING"


class SubmoduleUnavailable(VibeError):
    """`vibe.submodules` demands the content of all submodules, and one is not here."""

    code = "SUBMODULE_UNAVAILABLE"


class Refused(VibeError):
    """The operating system refused something that the user can put right: a full disk, a missing permission."""

    code = "REFUSED_BY_SYSTEM"
