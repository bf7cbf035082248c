"""The import table of the design, proved on the syntax trees of all modules."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "git_vibe"

FREE = {"git_vibe", "git_vibe.types", "git_vibe.errors"}

ALLOWED = {
    "cli": {"cli", "session", "githooks"},
    "githooks": {"githooks", "session", "git", "store.atomic", "store.layout", "store.lock", "store.record"},
    "session": {"session", "git", "store", "daemon.client", "daemon.protocol"},
    "daemon": {"daemon", "store.faults", "store.layout", "store.lock", "store.record"},
    "mount": {"mount", "overlay", "store", "git", "daemon.protocol"},
    "overlay": {"overlay", "store", "git.modes", "git.objects", "git.table"},
    "store": {"store"},
    "git": {"git"},
}
"""What a package may import of git_vibe, as prefixes."""

EXCEPTIONS = {
    "daemon.server": {"mount.worker"},  # imported before the fork, so that workers share its memory
}

OUTSIDERS = {
    "pyfuse3": {"mount"},
    "trio": {"mount"},
    "pygit2": {"git"},
    "dulwich": {"git"},
    "tabulate": {"cli"},
    "argcomplete": {"cli"},
}
"""Packages that are not ours, and the only packages of ours that may import them."""

STARTS_PROCESSES = {"git.command", "daemon.process", "session.run"}


def modules() -> list[str]:
    """Names of all modules below git_vibe, without the package's own name."""
    return sorted(".".join(path.relative_to(PACKAGE).with_suffix("").parts) for path in PACKAGE.rglob("*.py"))


def imports(module: str) -> Iterator[str]:
    """Full names of everything a module imports, wherever in it."""
    for node in ast.walk(ast.parse((PACKAGE / f"{module.replace('.', '/')}.py").read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module} has a relative import"
            base = str(node.module)
            yield from (f"{base}.{alias.name}" if is_module(f"{base}.{alias.name}") else base for alias in node.names)


def is_module(name: str) -> bool:
    """Whether a dotted name is a module of git_vibe."""
    path = PACKAGE.parent / name.replace(".", "/")
    return path.with_suffix(".py").exists() or path.is_dir()


def is_below(name: str, prefixes: set[str]) -> bool:
    """Whether a module is one of the prefixes or lies below one."""
    return any(name == prefix or name.startswith(f"{prefix}.") for prefix in prefixes)


@pytest.mark.parametrize("module", [name for name in modules() if "." in name])
def test_imports_go_one_way(module: str) -> None:
    layer = module.partition(".")[0]
    allowed = ALLOWED[layer] | EXCEPTIONS.get(module, set())
    own = {name for name in imports(module) if name.partition(".")[0] == "git_vibe" and name not in FREE}
    assert [name for name in sorted(own) if not is_below(name.removeprefix("git_vibe."), allowed)] == []


@pytest.mark.parametrize("module", modules())
def test_outsiders_are_imported_in_their_place(module: str) -> None:
    layer = module.partition(".")[0]
    used = {name.partition(".")[0] for name in imports(module)} & OUTSIDERS.keys()
    assert [name for name in sorted(used) if layer not in OUTSIDERS[name]] == []


@pytest.mark.parametrize("module", modules())
def test_processes_are_started_in_three_places(module: str) -> None:
    assert module in STARTS_PROCESSES or "subprocess" not in set(imports(module))
