"""The merged view of a session as a pure, synchronous model keyed on inode numbers; it knows no kernel."""
