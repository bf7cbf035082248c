"""For the source of scripts that go on in a session while its mount comes and goes."""

from __future__ import annotations

ENTERED = """
import os, time

def entered(path):
    while True:
        try:
            top = os.open(path, os.O_DIRECTORY)
            os.stat(".git", dir_fd=top)
            return top
        except OSError:
            time.sleep(0.01)
"""
"""Defines `entered(path)`: a descriptor of the session mounted at `path`, as soon as there is one."""
