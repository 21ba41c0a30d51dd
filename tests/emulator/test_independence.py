"""The emulator is a package of its own: it imports nothing of its clients, and does not know their names."""

from __future__ import annotations

import ast
from pathlib import Path

HERE = Path(__file__).parent
_CLIENT = "credential" + "-azdo", "credential" + "_azdo"


def test_it_imports_nothing_of_the_tests_around_it() -> None:
    """And so nothing of the program that they test."""
    foreign = {
        (path.name, name)
        for path in HERE.glob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in (
            [node.module or ""] if isinstance(node, ast.ImportFrom) else [a.name for a in node.names]
        )
        if name.split(".")[0] == "tests" and name.split(".")[:2] != ["tests", "emulator"]
    }
    assert foreign == set()


def test_no_file_of_it_names_a_client() -> None:
    """Not even in a comment or on a page."""
    named = [
        path.name for path in HERE.iterdir() if path.is_file() for name in _CLIENT if name in path.read_text()
    ]
    assert named == []
