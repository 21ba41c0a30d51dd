"""SECURITY.md: every claim names a test, and every test that it names is there."""

from __future__ import annotations

import re
from pathlib import Path

HERE = Path(__file__).parents[1]
PAGE = (HERE.parent / "SECURITY.md").read_text(encoding="utf-8")
NAMED = re.findall(r"`([\w/]+\.py)::(test_\w+)`", PAGE)


def rows() -> list[list[str]]:
    """Return the cells of the table of what holds, without its head."""
    table = PAGE.partition("## What holds")[2].partition("\n## ")[0]
    lines = [line for line in table.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def test_every_test_that_the_page_names_exists() -> None:
    """A test that is renamed takes its line with it."""
    assert NAMED
    found = {
        path.relative_to(HERE).as_posix(): path.read_text(encoding="utf-8")
        for path in HERE.rglob("test_*.py")
    }
    missing = [f"{file}::{name}" for file, name in NAMED if f"def {name}(" not in found.get(file, "")]
    assert missing == []


def test_every_claim_names_a_test() -> None:
    """Who, what they cannot do, and what shows it."""
    assert rows()
    for row in rows():
        assert len(row) == 3, row
        assert row[1], row
        assert re.search(r"`[\w/]+\.py::test_\w+`", row[2]), row


def test_the_page_is_a_page() -> None:
    """What is longer is not read."""
    prose = re.sub(r"`[\w/]+\.py::test_\w+`", "", PAGE)
    assert len(prose.split()) <= 900
