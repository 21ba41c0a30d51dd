"""A fixture's name means one thing in all tests: whatever file defines it, it returns the same type."""

from __future__ import annotations

import ast
from collections import defaultdict
from pathlib import Path


def test_a_fixture_name_has_one_type() -> None:
    """Who reads ``home`` in a test knows what it is."""
    types: dict[str, set[str]] = defaultdict(set)
    texts = (path.read_text("utf-8") for path in Path(__file__).parents[1].rglob("*.py"))
    for text in texts:
        for node in ast.walk(ast.parse(text)) if "pytest.fixture" in text else ():
            if not isinstance(node, ast.FunctionDef) or node.name.startswith("test_") or node.returns is None:
                continue
            if any(ast.unparse(decorator).startswith("pytest.fixture") for decorator in node.decorator_list):
                returned = ast.unparse(node.returns)
                types[node.name].add(returned.removeprefix("Iterator[").removesuffix("]"))
    assert types
    assert {name: returned for name, returned in types.items() if len(returned) > 1} == {}
