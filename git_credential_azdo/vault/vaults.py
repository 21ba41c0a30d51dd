"""The one door to the vaults: read, write and remove secrets in a vault by its name, and find one that works.

Part of the hot path: each vault is loaded only where it is used, and the keyring library never where this package has a
reader of its own: for the Secret Service, Windows Credential Manager and the Keychain, under the names of keyring's
backends. The file vault is taken only when it is asked for by name: that is the person's consent. It never asks a person
anything, but for ``prompting``, which only the verb ``unlock`` sets.
"""

from __future__ import annotations

import os
import sys

from git_credential_azdo import errors
from git_credential_azdo.errors import ProtocolError, VaultError, VaultLocked
from git_credential_azdo.files import NAME, folder
from git_credential_azdo.vault import payload

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from git_credential_azdo.git.protocol import Message, Pair
    from git_credential_azdo.vault.payload import Vault


FILE, NONE, ANY_KEYRING = "file", "none", "keyring"
SECRET_SERVICE = "keyring.backends.SecretService.Keyring"  # noqa: S105 - a class's name
CREDENTIAL_MANAGER = "keyring.backends.Windows.WinVaultKeyring"
KEYCHAIN = "keyring.backends.macOS.Keyring"
READ_SECONDS = 10.0
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
            if name not in errors.silent:
                with errors.Waiting("the keyring", seconds):
                    return payload.load(lambda entry: secret_service.read(NAME, entry, seconds), key)
        except secret_service.TimedOut:  # keyring would only wait again
            errors.silent.add(name)
        except secret_service.Unsupported:
            pass  # keyring handles the rare cases
    return payload.load(open_vault(name).read, key)


def write(name: str, key: str, pairs: Iterable[Pair]) -> None:
    """Write a payload under ``key``. Raise VaultError, VaultLocked; the old one is then still whole."""
    vault = open_vault(name)
    if name != NONE:
        from git_credential_azdo.vault import journal  # noqa: PLC0415 - a get hardly ever writes

        journal.note(name, key)
    unlimited = name in {FILE, SECRET_SERVICE}
    payload.save(vault, key, pairs, generation=os.urandom(4).hex(), is_unlimited=unlimited)


def remove(name: str, *keys: str) -> None:
    """Remove what is under these keys, in their order; what is absent is no error. Raise VaultError, VaultLocked."""
    vault = open_vault(name)
    for key in dict.fromkeys(keys):
        payload.remove(vault, key)
    if name != NONE:
        from git_credential_azdo.vault import journal  # noqa: PLC0415 - as above

        journal.drop(name, keys)


def unlock(name: str, keys: Iterable[str]) -> None:
    """Let the named vault ask the person for what it needs to give what is under these keys.

    Raise VaultError, VaultLocked when it still does not.
    """
    self_test(name, prompting=True)
    vault = open_vault(name, prompting=True)
    for key in keys:
        vault.read(key)


def open_vault(name: str, *, prompting: bool = False) -> Vault:
    """Return the vault of this name, whatever the environment says now. Raise VaultError when it is not there."""
    if name == FILE:
        from git_credential_azdo.vault.file import FileVault  # noqa: PLC0415 - only for this vault

        return FileVault()
    if name == NONE:
        return payload.NoVault()
    if name in errors.silent:
        from git_credential_azdo import hints  # noqa: PLC0415 - for an error only

        raise VaultError("the keyring did not answer in time", hints.unlock())
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


def find(wanted: str | None, used: str | None = None, *, prompting: bool = False) -> str:
    """Return the name of a vault that was just seen to hold a secret.

    ``wanted``: ``file``, ``keyring`` for any keyring, or a backend by its class or a part of its name. ``used``: the vault
    of this machine's earlier secrets. Raise VaultLocked when a locked one is all there is, VaultError when there is none.
    """
    from git_credential_azdo.vault import system  # noqa: PLC0415 - loads keyring

    folder()  # without one, no secret would be found again; and keyring has worse words for it
    name = wanted or used or ANY_KEYRING
    if name == FILE or "." in name:
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
    """Write a random secret, read it back and delete it. Raise VaultError when it was not stored whole, VaultLocked.

    It has the length and the lines of a real one: some backends store only the first line, or some hundred characters.
    """
    from git_credential_azdo.vault import journal  # noqa: PLC0415 - a get never tests

    vault = open_vault(name, prompting=prompting)
    entry = f"self-test/{os.urandom(4).hex()}"
    pairs = [("token", os.urandom(_TEST_BYTES).hex()), ("digest", os.urandom(16).hex())]
    journal.note(name, entry)
    payload.save(vault, entry, pairs, generation=os.urandom(4).hex())
    try:
        read_back = payload.load(vault.read, entry)
    except ProtocolError:
        read_back = None
    finally:
        payload.remove(vault, entry)
        journal.drop(name, [entry])
    if read_back is None or list(read_back.fields.items()) != pairs:
        from git_credential_azdo import hints  # noqa: PLC0415 - for an error only

        raise VaultError(
            f"the vault {name} did not return the value that was stored", hints.setup_in_file_vault()
        )
