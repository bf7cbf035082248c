"""The tests of git-vibe: real git, real kernel mounts, nothing of the developer's own configuration."""
