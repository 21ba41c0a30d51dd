"""The only access to the vaults: read, write and remove secrets in a vault by its name, and find one that works.

Part of the hot path: each keyring is loaded only when it is used, and the keyring library only when this package has no
implementation of its own. It has one for the Secret Service, Windows Credential Manager and the Keychain, under the
names of keyring's backends. Must never prompt the user without ``prompting``, which only the verb ``unlock`` sets.

Also the file vault: one private file for each entry, not encrypted. It must only be used when the user asks for it by
name, which is the user's consent.
"""

from __future__ import annotations

import os
import sys

from git_credential_azdo import errors
from git_credential_azdo.errors import ProtocolError, VaultError, VaultLocked
from git_credential_azdo.files import NAME, folder, read_own, unusable, vault_folder
from git_credential_azdo.vault import payload

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable

    from git_credential_azdo.git.protocol import Message, Pair
    from git_credential_azdo.vault.payload import Vault


FILE, NONE, ANY_KEYRING = "file", "none", "keyring"
SECRET_SERVICE = "keyring.backends.SecretService.Keyring"  # noqa: S105 - a class's name
CREDENTIAL_MANAGER = "keyring.backends.Windows.WinVaultKeyring"
KEYCHAIN = "keyring.backends.macOS.Keyring"
READ_SECONDS = 10.0
_WRITE_TRIES = 3
_TEST_BYTES = 1_250
"""2,500 characters in hexadecimal, the length of Entra's longest tokens."""


def read(name: str, key: str) -> Message | None:
    """Return the payload under ``key`` in the named vault, None when there is none.

    Raise VaultError, VaultLocked, ProtocolError when the entry is damaged.
    """
    if name == SECRET_SERVICE:
        from git_credential_azdo.vault import secret_service  # noqa: PLC0415 - only for this vault

        seconds = READ_SECONDS
        if "AZDO_TIMEOUT" in os.environ:
            from git_credential_azdo import deadline  # noqa: PLC0415 - hardly ever set

            seconds = deadline.bound(seconds)
        try:
            if name not in errors.unresponsive:
                with errors.Waiting("the keyring", seconds):
                    return payload.load(lambda entry: secret_service.read(NAME, entry, seconds), key)
        except secret_service.TimedOut:  # keyring would only time out again
            errors.unresponsive.add(name)
        except secret_service.Unsupported:
            pass  # keyring handles the rare cases
    return payload.load(open_vault(name).read, key)


def write(name: str, key: str, pairs: Collection[Pair], *, confirmed: bool = False) -> None:
    """Write a payload under ``key``. Raise VaultError, VaultLocked; the old one is then still complete.

    ``confirmed``: read it back, since some vaults silently lose a value, and other data depends on this one.
    """
    vault = open_vault(name)
    _write(vault, name, key, pairs)
    if confirmed:
        _confirm(vault, name, key, pairs)


def remove(name: str, *keys: str) -> None:
    """Remove the secrets under these keys, in order; an absent one is no error. Raise VaultError, VaultLocked."""
    _remove(open_vault(name), name, keys)


def _write(vault: Vault, name: str, key: str, pairs: Iterable[Pair]) -> None:
    noted = vault if name == NONE else _Journaled(vault, name)
    payload.save(noted, key, pairs, generation=os.urandom(4).hex())


class _Journaled:
    """A vault that adds every new entry, including each part of a secret, to the journal before it is written."""

    def __init__(self, vault: Vault, name: str) -> None:
        from git_credential_azdo.vault import journal  # noqa: PLC0415 - a get hardly ever writes

        self.is_unlimited, self.read = vault.is_unlimited, vault.read
        self._vault, self._name, self._journal = vault, name, journal

    def write(self, entry: str, text: str) -> None:
        self._journal.note(self._name, entry)
        self._vault.write(entry, text)

    def delete(self, entry: str) -> None:
        self._vault.delete(entry)
        self._journal.drop(self._name, [entry])


def _remove(vault: Vault, name: str, keys: Iterable[str]) -> None:
    from git_credential_azdo.vault import journal  # noqa: PLC0415 - as above

    for key in dict.fromkeys(keys):
        payload.remove(vault, key)
    if name != NONE:
        journal.drop(name, keys)


def unlock(name: str, keys: Iterable[str]) -> None:
    """Unlock the named vault, which may prompt the user, and read the secrets under these keys.

    Raise VaultError, or VaultLocked when it is still locked.
    """
    self_test(name, prompting=True)
    vault = open_vault(name, prompting=True)
    for key in keys:
        vault.read(key)


def open_vault(name: str, *, prompting: bool = False) -> Vault:
    """Return the vault with this name, regardless of the environment. Raise VaultError if it is not available."""
    if name in _OWN:
        return _OWN[name][0]()
    if name in errors.unresponsive:
        from git_credential_azdo import hints  # noqa: PLC0415 - for an error only

        raise VaultError("the keyring did not respond in time", hints.unlock())
    if sys.platform == "win32" and name == CREDENTIAL_MANAGER:
        from git_credential_azdo.vault.credential_manager import (  # noqa: PLC0415 - only for this vault
            CredentialManager,
        )

        return CredentialManager()
    if sys.platform == "darwin" and name == KEYCHAIN:
        from git_credential_azdo.vault.keychain import Keychain  # noqa: PLC0415 - only for this vault

        return Keychain(prompting=prompting)
    from git_credential_azdo.vault.system import open_named  # noqa: PLC0415 - loads keyring

    return open_named(name, prompting=prompting)


def described(name: str) -> str:
    """Return a description of where the vault with this name stores a secret."""
    return _OWN[name][1] if name in _OWN else f"Secret saved in the keyring ({name})"


def find(wanted: str | None, used: str | None = None, *, prompting: bool = False) -> str:
    """Return the name of a vault that has just passed ``self_test``.

    ``wanted``: ``file``, ``keyring`` for any keyring, or a backend by its class or a part of its name. ``used``: the vault
    of earlier secrets on this machine. Raise VaultLocked when none works and one is locked, else VaultError.
    """
    from git_credential_azdo.vault import system  # noqa: PLC0415 - loads keyring

    folder()  # without one, no secret would be found again; keyring's error is less clear
    name = wanted or used or ANY_KEYRING
    if name in _OWN or "." in name:
        self_test(name, prompting=prompting)
        return name
    locked: VaultLocked | None = None
    failed: list[VaultError] = []
    for each in system.names("" if name == ANY_KEYRING else name):
        try:
            self_test(each, prompting=prompting)
        except VaultLocked as error:
            locked = locked or error
        except VaultError as error:
            failed.append(error)
        else:
            return each
    raise locked or system.none_works("" if name == ANY_KEYRING else name, failed)


def self_test(name: str, *, prompting: bool = False) -> None:
    """Write a random secret, read it back and delete it. Raise VaultLocked, or VaultError if it came back changed.

    It is as long as a real one and has several lines: some backends store only the first line or a few hundred
    characters.
    """
    vault = open_vault(name, prompting=prompting)
    entry = f"self-test/{os.urandom(4).hex()}"
    pairs = [("token", os.urandom(_TEST_BYTES).hex()), ("digest", os.urandom(16).hex())]
    _write(vault, name, entry, pairs)
    try:
        _confirm(vault, name, entry, pairs)
    finally:
        _remove(vault, name, [entry])


def _confirm(vault: Vault, name: str, key: str, pairs: Collection[Pair]) -> None:
    try:
        read_back = payload.load(vault.read, key)
    except ProtocolError:
        read_back = None
    if read_back is None or any(read_back.get(each) != value for each, value in pairs):
        from git_credential_azdo import hints  # noqa: PLC0415 - for an error only

        raise VaultError(
            f"the vault {name} did not return the value that was stored", hints.setup_in_file_vault()
        )


class NoVault:
    """A vault that stores nothing: for workload identities that need no secret, on machines without a keyring."""

    is_unlimited = True

    def read(self, entry: str) -> str | None:
        """Return None."""

    def write(self, entry: str, text: str) -> None:
        """Write nothing: each ``get`` requests a new token."""

    def delete(self, entry: str) -> None:
        """Delete nothing."""


class FileVault:
    """Entries as files below ``folder``; the name of an entry is its path there."""

    is_unlimited = True

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
            path, data = self._path(entry), text.encode("utf-8")
            for _ in range(_WRITE_TRIES):
                try:
                    return write_own(path, data, self._top)
                except (FileNotFoundError, FileExistsError):
                    pass  # another run has just deleted the folder with its last entry
            write_own(path, data, self._top)
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
        """Return the names of all entries, including those whose write was killed."""
        found = [
            os.path.join(root, each.partition(".")[0])
            for root, _, files in os.walk(self._folder)
            for each in files
            if not each.startswith(".")  # files of a file manager or a network file system
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
        failure = unusable(f"{what} the file vault in", self._folder, error, self._top)
        return VaultError(failure.message, failure.hint)


_OWN: dict[str, tuple[Callable[[], Vault], str]] = {
    FILE: (FileVault, "Secret saved in a private file, not encrypted"),
    NONE: (NoVault, "No secret is stored; a new token is requested each time"),
}
"""The vaults of this module by name. Every other name is that of a keyring backend's class and contains a dot."""
