"""``setup`` compiles the package where an installer did not."""

from __future__ import annotations

import importlib.util
import os
import shutil
from typing import TYPE_CHECKING

from git_credential_azdo.commands import doctor_machine as bytecode

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a copy of the package without bytecode, which stands for the installed one."""
    package = tmp_path / "package [1]"
    shutil.copytree(bytecode.PACKAGE, package, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(bytecode, "PACKAGE", str(package))
    return package


def test_what_is_not_compiled_is_compiled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every module, and none a second time."""
    package = copied(tmp_path, monkeypatch)
    assert sorted(bytecode.uncompiled()) == sorted(map(str, package.rglob("*.py"))) != []
    bytecode.compile_package()
    assert bytecode.uncompiled() == []
    compiled = importlib.util.cache_from_source(str(package / "tokens.py"))
    before = os.stat(compiled).st_mtime_ns
    bytecode.compile_package()
    assert os.stat(compiled).st_mtime_ns == before


def test_a_package_that_may_not_be_written_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All works without bytecode, only slower."""
    package = copied(tmp_path, monkeypatch)
    monkeypatch.setattr(os, "access", lambda *_: False)
    bytecode.compile_package()
    assert len(bytecode.uncompiled()) == len(list(package.rglob("*.py"))) != 0
