"""The benchmark: each work in a session and in a native `git worktree add` checkout of one commit, side by side."""
