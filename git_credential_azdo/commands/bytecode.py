"""Compiled bytecode of this package: an installer that leaves it out doubles the cost of every ``get``."""

from __future__ import annotations

import compileall
import glob
import importlib.util
import os

PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def sources() -> list[str]:
    """Return the paths of the package's modules."""
    return glob.glob(os.path.join(glob.escape(PACKAGE), "**", "*.py"), recursive=True)


def uncompiled() -> list[str]:
    """Return those for which this interpreter finds no compiled bytecode."""
    return [path for path in sources() if not os.path.exists(importlib.util.cache_from_source(path))]


def compile_package() -> None:
    """Compile what is not, where that may be written; silent, since all works without it, only slower."""
    if os.access(PACKAGE, os.W_OK):
        for path in uncompiled():
            compileall.compile_file(path, quiet=2)
