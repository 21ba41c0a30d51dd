"""What every test of the emulator stands on: a fresh one, and a client of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.emulator.client import Client
from tests.emulator.emulator import Emulator

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def client(tmp_path: Path) -> Iterator[Client]:
    """Give a client of a fresh emulator."""
    with Emulator(str(tmp_path)) as emulator, Client(emulator) as client:
        yield client
