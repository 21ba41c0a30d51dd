"""A pseudo-terminal to paste into."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from git_credential_azdo.signin.terminal import Terminal

if TYPE_CHECKING:
    from collections.abc import Iterator


# --- the terminal


@pytest.fixture
def pty() -> Iterator[tuple[int, int]]:
    """Give both ends of a pseudo-terminal: the person's and the program's."""
    master, slave = os.openpty()
    yield master, slave
    os.close(master)
    os.close(slave)


@pytest.fixture
def terminal() -> Iterator[tuple[int, Terminal]]:
    """Give the person's end of a terminal, and the program's."""
    master, slave = os.openpty()
    yield master, Terminal(slave, lambda _: None)
    os.close(master)
    os.close(slave)
