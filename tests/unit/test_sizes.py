"""Small functions and small modules."""

from __future__ import annotations

import ast
from pathlib import Path

PACKAGE = Path(__file__).parents[2] / "git_vibe"
LONGEST_FUNCTION = 50
NINE_IN_TEN = 30
LONGEST_MODULE = 400


def function_lengths() -> dict[str, int]:
    """Lines of every function of the package."""
    lengths = {}
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                name = f"{path.relative_to(PACKAGE)}:{node.lineno} {node.name}"
                lengths[name] = (node.end_lineno or node.lineno) - node.lineno + 1
    return lengths


def test_no_function_is_long() -> None:
    assert {name: lines for name, lines in function_lengths().items() if lines > LONGEST_FUNCTION} == {}


def test_most_functions_are_short() -> None:
    lengths = sorted(function_lengths().values())
    assert lengths[len(lengths) * 9 // 10] <= NINE_IN_TEN
    assert lengths[len(lengths) // 2] <= 8


def test_no_module_is_long() -> None:
    lengths = {str(path.relative_to(PACKAGE)): len(path.read_text().splitlines()) for path in PACKAGE.rglob("*.py")}
    assert {name: lines for name, lines in lengths.items() if lines > LONGEST_MODULE} == {}


def test_command_modules_fit_a_screen() -> None:
    lengths = {path.name: len(path.read_text().splitlines()) for path in (PACKAGE / "cli" / "commands").glob("*.py")}
    assert {name: lines for name, lines in lengths.items() if lines > 80} == {}
