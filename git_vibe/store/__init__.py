"""Bytes on disk: where everything lies, and how it is written so that a crash loses nothing.

Imports only `errors` and `types`.
"""
