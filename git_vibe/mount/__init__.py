"""Serving a view through FUSE; the only package that imports pyfuse3 and trio."""
