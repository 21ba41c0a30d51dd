"""A keyring backend that takes 50 ms for each call and counts them; its entries are where the file vault has its own.

``MOOD``, in the environment: ``fails N`` (every N-th call of a process), ``cuts N`` (keeps N characters of a value),
``loses`` (a write, without a word), ``stale`` (answers what an entry was before its last write).
"""

from __future__ import annotations

import itertools
import os
import time
from typing import TYPE_CHECKING

from keyring.backend import KeyringBackend
from keyring.errors import PasswordDeleteError

from git_credential_azdo.vault.vaults import FileVault

if TYPE_CHECKING:
    from pathlib import Path

NAME = "tests.torture.slow_backend.Slow"
SECONDS = 0.05
_BEFORE = ".before"
_calls = itertools.count(1)


class Slow(KeyringBackend):
    """Keeps entries, slowly."""

    priority = 0  # not 1 or more: keyring recommends it to nobody

    def get_password(self, _service: str, username: str) -> str | None:
        """Return the entry."""
        _take_time()
        before = FileVault().read(username + _BEFORE) if "stale" in _mood() else None
        return before or FileVault().read(username)

    def set_password(self, _service: str, username: str, password: str) -> None:
        """Keep the entry."""
        _take_time()
        before = FileVault().read(username)
        if "stale" in _mood() and before:
            FileVault().write(username + _BEFORE, before)
        if "loses" not in _mood():
            saved = int(_mood()[1]) if "cuts" in _mood() else len(password)
            FileVault().write(username, password[:saved])

    def delete_password(self, _service: str, username: str) -> None:
        """Delete the entry."""
        _take_time()
        if FileVault().read(username) is None:
            raise PasswordDeleteError("no such entry")
        FileVault().delete(username)


def calls(home: Path) -> int:
    """Return how many calls the programs of a home have made."""
    path = home / "calls"
    return path.stat().st_size if path.exists() else 0


def _mood() -> list[str]:
    return os.environ.get("MOOD", "").split()


def _take_time() -> None:
    descriptor = os.open(os.path.expanduser("~/calls"), os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(descriptor, b".")
    os.close(descriptor)
    time.sleep(SECONDS)
    if "fails" in _mood() and next(_calls) % int(_mood()[1]) == 0:
        raise OSError("in a bad mood")
