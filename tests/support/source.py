"""The package's own modules as text, for the tests that read them. It imports none of them."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

import git_credential_azdo

_FOLDER = Path(git_credential_azdo.__file__).parent

MODULES = {
    path.relative_to(_FOLDER).as_posix(): path.read_text(encoding="utf-8")
    for path in sorted(_FOLDER.rglob("*.py"))
}
"""Path below the package, such as ``git/target.py``, to the module's text."""


@cache
def tree(text: str) -> ast.Module:
    """Return a module's text as a tree, which nobody may change."""
    return ast.parse(text)
