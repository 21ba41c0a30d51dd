"""An accounts file to be changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path


from tests.support.accounts_files import FILE


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give the accounts file's path; neither it nor its folder is there."""
    for variable in ("XDG_CONFIG_HOME", "LOCALAPPDATA"):
        monkeypatch.setenv(variable, str(tmp_path / "config"))
    return tmp_path / "config" / "git-credential-azdo" / "accounts"


@pytest.fixture
def written(path: Path) -> Path:
    """Give the accounts file's path with FILE there."""
    path.parent.mkdir(parents=True, mode=0o700)
    path.write_bytes(FILE)
    return path
