"""A keyring backend that costs next to nothing itself, for the row of "any other vault": ``installers`` installs it.

Its entries are where the file vault has them, so that a home is filled alike for both. It never writes: no row does.
"""

from __future__ import annotations

import os

from keyring.backend import KeyringBackend
from keyring.errors import PasswordSetError


class FileKeyring(KeyringBackend):
    """Entries of the file vault, by user name."""

    priority = 0  # not 1 or more: keyring itself takes it nowhere

    def get_password(self, service: str, username: str) -> str | None:
        """Return the password, or None."""
        path = os.path.expanduser(f"~/.config/{service}/vault/{username}")
        try:
            with open(path, encoding="utf-8") as file:
                return file.read()
        except FileNotFoundError:
            return None

    def set_password(self, service: str, username: str, password: str) -> None:  # noqa: ARG002 - keyring asks for it
        """Refuse."""
        raise PasswordSetError("this backend only reads")
