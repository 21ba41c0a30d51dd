"""Real git that asks us about Azure DevOps."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.conftest import SCRIPT
from tests.support.fetching import AZURE

if TYPE_CHECKING:
    from tests.conftest import Home
    from tests.emulator.emulator import Emulator


@pytest.fixture
def user(home: Home, emulator: Emulator) -> Home:
    """Return a home where git asks us, and nobody else, about Azure DevOps."""
    (home.folder / ".gitconfig").write_text(
        "[user]\nname = Test\nemail = test@example.com\n[init]\ndefaultBranch = main\n"
        f'[credential "{AZURE}"]\nhelper = {SCRIPT}\nuseHttpPath = true\n'
        f'[credential "https://*.visualstudio.com"]\nhelper = {SCRIPT}\n'
    )
    assert emulator.requests == []
    return home
