"""The OS keyring, through the ``keyring`` library: the only importer of it (beside ``file_backend``).

Every call is bounded, since a keyring may wait for a person who is not there, and becomes a VaultError. Unlocking
shows a dialog, so only ``prompting=True`` (the verb ``unlock``) may do it. Entries are never looked up without a
user name. Backends: https://keyring.readthedocs.io
"""

from __future__ import annotations

import importlib
import os
import threading

import keyring.backend
import keyring.core
import keyring.errors
from keyring.backends import SecretService, chainer, fail, null

from git_credential_azdo.errors import VaultError, VaultLocked
from git_credential_azdo.vault.secret import PART_UNITS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeVar

    from git_credential_azdo.vault.file import FileVault

    Result = TypeVar("Result")

SERVICE = "git-credential-azdo"
CALL_SECONDS = 15.0
PROMPT_SECONDS = 300.0
UNLOCK = "git credential-azdo unlock"
_HINT = "git credential-azdo setup --vault file"
_NOT_VAULTS = (chainer.ChainerBackend, fail.Keyring, null.Keyring)
_WINDOWS = "keyring.backends.Windows.WinVaultKeyring"


class KeyringVault:
    """Entries of one keyring backend, under the service name SERVICE."""

    def __init__(self, backend: keyring.backend.KeyringBackend, *, prompting: bool = False) -> None:
        if type(backend) is SecretService.Keyring and not prompting:
            backend = _QuietSecretService()  # type: ignore[no-untyped-call] # keyring has no types here
        self._backend = backend
        self._seconds = PROMPT_SECONDS if prompting else CALL_SECONDS
        self.name = name_of(backend)
        self.limit = PART_UNITS if self.name == _WINDOWS else None

    def read(self, entry: str) -> str | None:
        """Return the entry's text, or None. Raises VaultError, VaultLocked."""
        return self._bounded(lambda: self._backend.get_password(SERVICE, entry))

    def write(self, entry: str, text: str) -> None:
        """Keep ``text``. Raises VaultError, VaultLocked."""
        self._bounded(lambda: self._backend.set_password(SERVICE, entry, text))

    def delete(self, entry: str) -> None:
        """Delete the entry; an absent one is no error. Raises VaultError, VaultLocked."""

        def delete() -> None:
            try:
                self._backend.delete_password(SERVICE, entry)
            except keyring.errors.PasswordDeleteError:
                if self._backend.get_password(SERVICE, entry) is not None:
                    raise

        self._bounded(delete)

    def _bounded(self, call: Callable[[], Result]) -> Result:
        """Run ``call`` in a thread of its own, so that a backend that waits for a person does not hang git."""
        outcome: list[Result] = []
        failure: list[Exception] = []

        def run() -> None:
            try:
                outcome.append(call())
            except Exception as error:  # noqa: BLE001 - D-Bus libraries raise their own kinds
                failure.append(error)

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        thread.join(self._seconds)
        if failure:
            raise _translated(failure[0], self.name) from None  # its text could show a secret
        if not outcome:
            raise VaultError(
                f"the keyring ({self.name}) did not answer in {self._seconds:.0f} seconds", UNLOCK
            )
        return outcome[0]


class _QuietSecretService(SecretService.Keyring):
    """keyring's Secret Service backend that never unlocks and never creates a collection: both show a dialog."""

    priority = -1  # found by keyring's own search like any subclass, and must not be taken

    def get_preferred_collection(self) -> Any:
        storage = vars(SecretService)["secretstorage"]
        path = getattr(self, "preferred_collection", "/org/freedesktop/secrets/aliases/default")
        collection = storage.Collection(storage.dbus_init(), path)
        if collection.is_locked():
            raise keyring.errors.KeyringLocked
        return collection

    def unlock(self, item: Any) -> None:
        if item.is_locked():
            raise keyring.errors.KeyringLocked


def name_of(backend: keyring.backend.KeyringBackend) -> str:
    """Return the name by which ``open_named`` finds the backend again: its module and class."""
    kind = SecretService.Keyring if isinstance(backend, _QuietSecretService) else type(backend)
    return f"{kind.__module__}.{kind.__qualname__}"


def open_named(name: str, *, prompting: bool = False) -> KeyringVault:
    """Open the backend that an account's secrets were written with, whatever the environment says now.

    Raises VaultError when it is not installed here.
    """
    module, _, kind = name.rpartition(".")
    try:
        backend = getattr(importlib.import_module(module), kind)()
    except Exception as error:
        raise VaultError(
            f"the keyring backend {name} is not available: {type(error).__name__}", _HINT
        ) from error
    return KeyringVault(backend, prompting=prompting)


def candidates() -> list[keyring.backend.KeyringBackend]:
    """Return the backends to try, the best first: the one the person configured, else those of the platform.

    Raises VaultError when the configured one cannot be loaded.
    """
    try:
        configured = keyring.core.load_env() or keyring.core.load_config()
    except Exception as error:
        where = "PYTHON_KEYRING_BACKEND" if "PYTHON_KEYRING_BACKEND" in os.environ else "keyringrc.cfg"
        raise VaultError(
            f"the keyring backend named in {where} cannot be loaded: {type(error).__name__}"
        ) from error
    if configured is not None and not isinstance(configured, chainer.ChainerBackend):
        return [configured]
    backends = [each for each in keyring.backend.get_all_keyring() if not isinstance(each, _NOT_VAULTS)]
    return sorted((each for each in backends if each.priority >= 1), key=lambda each: -each.priority)


def find(wanted: str | None = None, *, prompting: bool = False) -> KeyringVault:
    """Return the first backend that keeps a secret: written, read back, deleted.

    ``wanted`` narrows the search to a backend by its module and class, or by a part of that name.
    Raises VaultLocked when a locked one is all there is, VaultError when there is none.
    """
    if wanted and "." in wanted:
        vault = open_named(wanted, prompting=prompting)
        try_out(vault)
        return vault
    locked: VaultLocked | None = None
    failed: list[str] = []
    for backend in candidates():
        vault = KeyringVault(backend, prompting=prompting)
        if wanted and wanted.lower() not in vault.name.lower():
            continue
        try:
            try_out(vault)
        except VaultLocked as error:
            locked = locked or error
        except VaultError as error:
            failed.append(error.message)
        else:
            return vault
    if locked:
        raise locked
    reason = f" ({'; '.join(failed)})" if failed else ""
    raise VaultError(f"no OS keyring works here{reason}", _HINT)


def try_out(vault: KeyringVault | FileVault) -> None:
    """Write, read back and delete a value. Raises VaultError when the vault does not keep it, VaultLocked."""
    entry, value = f"trial/{os.urandom(4).hex()}", os.urandom(16).hex()
    vault.write(entry, value)
    try:
        kept = vault.read(entry)
    finally:
        vault.delete(entry)
    if kept != value:
        raise VaultError(f"the keyring backend {vault.name} gave back another value than it was given", _HINT)


def _translated(error: Exception, name: str) -> VaultError:
    if isinstance(error, VaultError):
        return error
    if isinstance(error, keyring.errors.KeyringLocked):
        return VaultLocked("the keyring is locked", UNLOCK)
    if isinstance(error, keyring.errors.NoKeyringError):
        return VaultError("there is no OS keyring here", _HINT)
    if type(error).__name__ == "ItemNotFoundException":
        return VaultError("the keyring has no default collection yet", UNLOCK)
    return VaultError(f"the keyring ({name}) failed: {type(error).__name__}")
