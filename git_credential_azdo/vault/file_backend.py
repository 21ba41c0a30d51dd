"""The file vault as a ``keyring`` backend, for programs that speak keyring and must see the same entries.

Taken only when named: ``PYTHON_KEYRING_BACKEND=git_credential_azdo.vault.file_backend.FileKeyring``. It is never
found by keyring's own search, since a plain file needs the person's consent.
"""

from __future__ import annotations

from keyring.backend import KeyringBackend
from keyring.errors import PasswordDeleteError, PasswordSetError

from git_credential_azdo.errors import VaultError
from git_credential_azdo.vault.file import FileVault


class FileKeyring(KeyringBackend):
    """Entries of the file vault, by service and user name."""

    priority = 0  # not 1 or more: keyring recommends it to nobody

    def get_password(self, service: str, username: str) -> str | None:
        """Return the password, or None."""
        return FileVault().read(_entry(service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        """Keep the password. Raises PasswordSetError."""
        try:
            FileVault().write(_entry(service, username), password)
        except VaultError as error:
            raise PasswordSetError(error.message) from error

    def delete_password(self, service: str, username: str) -> None:
        """Delete the password. Raises PasswordDeleteError when there is none."""
        vault, entry = FileVault(), _entry(service, username)
        if vault.read(entry) is None:
            raise PasswordDeleteError("no such password")
        vault.delete(entry)


def _entry(service: str, username: str) -> str:
    """Our own service's entries lie where the file vault has them; any other's in a folder of its own, in hex."""
    if service == "git-credential-azdo":
        return username
    return f"other/{service.encode().hex() or '-'}/{username.encode().hex() or '-'}"
