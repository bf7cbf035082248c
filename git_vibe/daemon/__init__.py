"""Processes, not files: the per-repository daemon that starts, watches and adopts workers, and how to talk to it."""
