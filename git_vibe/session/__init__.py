"""Use-cases as plain functions on values: spawn, promote, commit, close and the rest."""
