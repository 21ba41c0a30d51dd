"""Real git in an empty home."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.git_setup import FILES
from tests.support.realgit import RealGit

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RealGit:
    """Return real git in an empty home, which is this process's."""
    git = RealGit(tmp_path)
    git.enter(monkeypatch)
    return git


@pytest.fixture(params=list(FILES))
def furnished(git: RealGit, request: pytest.FixtureRequest) -> RealGit:
    """Give real git in a home with each of the files above."""
    for name, text in FILES[request.param].items():
        path = git.home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode())
    return git
