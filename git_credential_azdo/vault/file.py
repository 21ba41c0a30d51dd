"""The file vault: one private file for each entry, not encrypted. Must be used only when a person asked for it.

On the hot path, so standard library only. Files are 0600 in 0700 folders, and replaced as a whole.
"""

from __future__ import annotations

import os

from git_credential_azdo.errors import VaultError
from git_credential_azdo.files import read_own, vault_folder


class FileVault:
    """Entries as files below ``folder``; an entry's name is its path there."""

    def __init__(self, folder: str | None = None) -> None:
        self._folder = folder or vault_folder()
        self._top = os.path.dirname(self._folder)

    def read(self, entry: str) -> str | None:
        """Return the entry's text, or None. Raise VaultError."""
        try:
            data = read_own(self._path(entry), self._top)
            return None if data is None else data.decode("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise self._failed("read", error) from None  # a UnicodeDecodeError quotes the secret

    def write(self, entry: str, text: str) -> None:
        """Write the entry. Raise VaultError."""
        from git_credential_azdo.writing import write_own  # noqa: PLC0415 - a get hardly ever writes

        try:
            write_own(self._path(entry), text.encode("utf-8"), self._top)
        except (OSError, UnicodeEncodeError) as error:
            raise self._failed("write", error) from None  # a UnicodeEncodeError quotes the secret

    def delete(self, entry: str) -> None:
        """Delete the entry; an absent one is no error. Raise VaultError."""
        from git_credential_azdo.writing import delete, is_left_over  # noqa: PLC0415 - a get never deletes

        folder, name = os.path.split(self._path(entry))
        try:
            for each in os.listdir(folder):
                if each == name or is_left_over(each, name):
                    delete(os.path.join(folder, each))
        except FileNotFoundError:
            return
        except OSError as error:
            raise self._failed("delete", error) from error
        for _ in range(entry.count("/")):
            try:
                os.rmdir(folder)
            except OSError:  # the folder is not empty
                return
            folder = os.path.dirname(folder)

    def entries(self) -> list[str]:
        """Return the names of all entries, also of those that a killed write only began."""
        found = [
            os.path.join(root, each.partition(".")[0])
            for root, _, files in os.walk(self._folder)
            for each in files
        ]
        return [os.path.relpath(path, self._folder).replace(os.sep, "/") for path in found]

    def _path(self, entry: str) -> str:
        words = entry.split("/")
        if any(word in {"", ".", ".."} or os.sep in word or "\0" in word for word in words):
            raise VaultError("the name of a vault entry points outside the vault's folder")
        return os.path.join(self._folder, *words)

    def _failed(self, what: str, error: Exception) -> VaultError:
        if not isinstance(error, OSError):
            return VaultError(f"cannot {what} the file vault in {self._folder}: not text")
        from git_credential_azdo.ownership import unusable  # noqa: PLC0415 - for an error only

        failure = unusable(f"{what} the file vault in", self._folder, error, self._top)
        return VaultError(failure.message, failure.hint)
