"""git-vibe: isolated, writable, instant views of a Git repository for parallel coding agents."""

__version__ = "0.1.0"
