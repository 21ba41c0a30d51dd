"""A keyring backend with moods, for tests: it keeps its entries where the file vault does, and fails as it is told.

``MOOD``, in the environment: ``locked``, ``absent`` (no keyring service here), ``broken`` (fails like a library of the
system, with the secret in its text), ``short`` (holds 1,280 UTF-16 units an entry, like Windows Credential Manager),
``fails:N`` (keeps N entries, then nothing more), ``stuck`` (a write never ends), ``loses`` (a write, without a word), ``keeps`` (what it shall delete); several joined by a comma.
"""

from __future__ import annotations

import os
import threading

from keyring.backend import KeyringBackend
from keyring.errors import KeyringLocked, NoKeyringError, PasswordDeleteError, PasswordSetError

from git_credential_azdo.vault.vaults import FileVault

NAME = "tests.support.moody_keyring.Moody"
MAX_UNITS = 1_280


class Moody(KeyringBackend):
    """Keeps entries as long as its mood allows."""

    priority = 0  # not 1 or more: keyring recommends it to nobody
    written = 0

    def get_password(self, service: str, username: str) -> str | None:
        """Return the entry."""
        saved = FileVault().read(_entry(service, username))
        self._suffer(saved or "")
        return saved

    def set_password(self, service: str, username: str, password: str) -> None:
        """Keep the entry."""
        self._suffer(password)
        if "loses" in _mood():
            return
        if "stuck" in _mood():
            threading.Event().wait()
        if "short" in _mood() and len(password.encode("utf-16-le")) // 2 > MAX_UNITS:
            raise PasswordSetError(f"too long: {password}")
        limit = next((int(each.partition(":")[2]) for each in _mood() if each.startswith("fails:")), None)
        if limit is not None and self.written >= limit:
            raise PasswordSetError(f"no room for {password}")
        type(self).written += 1
        FileVault().write(_entry(service, username), password)

    def delete_password(self, service: str, username: str) -> None:
        """Delete the entry."""
        self._suffer("")
        if "keeps" in _mood():
            raise PasswordDeleteError("no")
        if FileVault().read(_entry(service, username)) is None:
            raise PasswordDeleteError("no such entry")
        FileVault().delete(_entry(service, username))

    def _suffer(self, secret: str) -> None:
        if "locked" in _mood():
            raise KeyringLocked(secret)
        if "absent" in _mood():
            raise NoKeyringError(secret)
        if "broken" in _mood():
            raise RuntimeError(f"the bus is gone, and with it {secret}")


def _mood() -> list[str]:
    return os.environ.get("MOOD", "").split(",")


def _entry(service: str, username: str) -> str:
    assert service == "git-credential-azdo"
    return username
