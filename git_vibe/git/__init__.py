"""Everything that speaks Git: the only package that runs git or imports pygit2 and dulwich.

Imports only `errors` and `types`.
"""
