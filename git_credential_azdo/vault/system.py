"""The OS keyring, through the ``keyring`` library, which only this module imports.

Every call has a time limit, since a keyring may wait for an absent user; a failure becomes a VaultError. Unlocking
shows a dialog, so only ``prompting=True`` (the verb ``unlock``) may do it. Must never look up an entry without a user
name. Backends: https://keyring.readthedocs.io. Those of other packages may run programs, such as ``pass`` and gpg, and
may store only one line: for them, text of several lines is encoded as one line of JSON.
"""

from __future__ import annotations

import contextlib
import getpass
import importlib.util
import json
import os
import threading
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import keyring.backend
import keyring.core
import keyring.errors
import keyring.util.platform_
from keyring.backends import SecretService, chainer, fail, null

from git_credential_azdo import deadline, errors, hints
from git_credential_azdo.errors import VaultError, VaultLocked, may_repeat
from git_credential_azdo.files import MAX_BYTES, NAME, accounts_path, read_file
from git_credential_azdo.programs import which
from git_credential_azdo.vault import secret_service

Result = TypeVar("Result")

CALL_SECONDS = 15.0
PROMPT_SECONDS = 300.0
_HINT = hints.setup_in_file_vault()
_LOST_SESSIONS = 3
_NOT_VAULTS = (chainer.ChainerBackend, fail.Keyring, null.Keyring)
_SECRET_SERVICE = f"{SecretService.__name__}.{SecretService.Keyring.__name__}"
_ONE_AT_A_TIME = threading.Lock()


class KeyringVault:
    """The entries of one keyring backend under the service name NAME."""

    def __init__(self, backend: keyring.backend.KeyringBackend, *, prompting: bool = False) -> None:
        self._name = _name_of(backend)
        self._prompting = prompting
        self.is_unlimited = self._name == _SECRET_SERVICE
        self._foreign = not self._name.startswith("keyring.backends.")
        looked = secret_service.use_own_bus(deadline.bound(CALL_SECONDS))
        if looked and self._name == _SECRET_SERVICE:
            text = f"the keyring cannot be reached: no session bus of this user at {looked}"
            raise VaultError(text, hints.START_BUS)
        if self._name == _SECRET_SERVICE and not prompting:
            backend = _QuietSecretService()  # type: ignore[no-untyped-call] # keyring has no types here
        self._backend = backend

    def read(self, entry: str) -> str | None:
        """Return the entry's text, or None. Raise VaultError, VaultLocked."""

        def read() -> str | None:
            stored = self._backend.get_password(NAME, entry)
            return _from_one_line(stored) if stored and self._foreign else stored

        return self._bounded(read)

    def write(self, entry: str, text: str) -> None:
        """Write the entry. Raise VaultError, VaultLocked."""
        value = _to_one_line(text) if self._foreign else text
        self._bounded(lambda: self._backend.set_password(NAME, entry, value))

    def delete(self, entry: str) -> None:
        """Delete the entry; an absent one is no error. Raise VaultError, VaultLocked."""

        def delete() -> None:
            try:
                self._backend.delete_password(NAME, entry)
            except Exception:  # not every backend raises PasswordDeleteError for an absent entry
                if self._backend.get_password(NAME, entry) is not None:
                    raise

        self._bounded(delete)

    def _bounded(self, call: Callable[[], Result]) -> Result:
        """Run ``call`` in a thread, so that a backend that waits for the user cannot hang git; return its result."""

        def attempt() -> Result:
            try:
                return _again(call)
            except TimeoutError:
                raise
            except BaseException as error:  # noqa: BLE001 - D-Bus libraries raise their own kinds, Rust raises panics
                raise _vault_error(error, self._name) from None  # the error's text could contain a secret

        seconds = PROMPT_SECONDS if self._prompting else deadline.bound(CALL_SECONDS)
        quiet = _no_prompts() if self._foreign else contextlib.nullcontext()
        try:
            with deadline.user_wait() if self._prompting else quiet, errors.Waiting("the keyring", seconds):
                return deadline.in_thread(attempt)(0 if self._name in errors.unresponsive else seconds)
        except TimeoutError:  # ours, or one of a D-Bus library
            errors.unresponsive.add(self._name)
            text = f"the keyring ({self._name}) did not respond in time"
            raise VaultError(text, hints.unlock()) from None


def _again(call: Callable[[], Result]) -> Result:
    """Return what ``call`` returns; retry when KWallet has lost the session or used the key of another session.

    keyring opens a connection for each call, and kwalletd confuses the newest session with one whose connection has just
    been closed.
    """
    for _ in range(_LOST_SESSIONS):
        try:
            return call()
        except Exception as error:
            if "Can't find session" not in str(error) and not isinstance(error, UnicodeDecodeError):
                raise
    return call()


class _QuietSecretService(SecretService.Keyring):
    """keyring's Secret Service backend without unlocking and creating collections, which show a dialog."""

    priority = -1  # keyring finds every subclass and must not choose this one

    def get_preferred_collection(self) -> Any:
        storage = vars(SecretService)["secretstorage"]
        bus, named = storage.dbus_init(), getattr(self, "preferred_collection", None)
        # gnome-keyring may crash when the first call of a new caller gets a property: see ``secret_service.lookup``.
        with contextlib.suppress(storage.ItemNotFoundException):
            storage.get_collection_by_alias(bus, "default")
        collection = (
            storage.Collection(bus, named) if named else storage.get_collection_by_alias(bus, "default")
        )
        if collection.is_locked():
            raise keyring.errors.KeyringLocked
        return collection

    def unlock(self, item: Any) -> None:
        if item.is_locked():
            raise keyring.errors.KeyringLocked


def _name_of(backend: keyring.backend.KeyringBackend) -> str:
    """Return the name by which ``open_named`` finds the backend again: its module and class."""
    return f"{type(backend).__module__}.{type(backend).__qualname__}"


def open_named(name: str, *, prompting: bool = False) -> KeyringVault:
    """Open the backend that an account's secrets were written with, regardless of the current environment.

    Raise VaultError when it is not installed here.
    """
    if not name:
        raise VaultError("an entry of the accounts file has no vault=", hints.edit(accounts_path()))
    module, _, kind = name.rpartition(".")
    try:
        with _no_prompts():  # a backend of another package may do anything while it is loaded
            if importlib.util.find_spec(module.partition(".")[0]) is None:
                _load_config()  # applies keyring-path of keyringrc.cfg
            backend = getattr(importlib.import_module(module), kind)()
    except Exception as error:
        named = name if may_repeat(name) else "of that name"
        text = f"the keyring backend {named} is not available: {type(error).__name__}"
        raise VaultError(text, hints.KEYRINGS_PAGE) from error
    return KeyringVault(backend, prompting=prompting)


def _load_config() -> keyring.backend.KeyringBackend | None:
    with contextlib.suppress(FileNotFoundError):  # keyring itself would wait for a pipe
        read_file(os.path.join(keyring.util.platform_.config_root(), "keyringrc.cfg"), MAX_BYTES)
    return keyring.core.load_config()


def names(part: str) -> list[str]:
    """Return the backends whose names contain this part: the one that the user configured, else those of the platform.

    The best one is first. Raise VaultError when the configured one cannot be loaded or stores nothing.
    """
    where, cure = "PYTHON_KEYRING_BACKEND", hints.unset("PYTHON_KEYRING_BACKEND")
    try:
        with _no_prompts():
            configured = keyring.core.load_env()
            if configured is None:
                where = os.path.join(keyring.util.platform_.config_root(), "keyringrc.cfg")
                cure = hints.edit(where)
                configured = _load_config()
    except Exception as error:
        why = f"the keyring backend named in {where} cannot be loaded: {type(error).__name__}"
        raise VaultError(why, cure) from error
    if isinstance(configured, null.Keyring | fail.Keyring):
        raise VaultError(f"{where} names {_name_of(configured)}, which stores nothing", cure)
    if configured and not isinstance(configured, chainer.ChainerBackend):
        found = [configured]
    else:
        secret_service.use_own_bus(deadline.bound(CALL_SECONDS))
        with _no_prompts():  # a backend may run its program to determine its priority
            usable = filter(keyring.core.recommended, keyring.backend.get_all_keyring())
            found = sorted(usable, key=keyring.backend.by_priority, reverse=True)
    found = [each for each in found if not isinstance(each, _NOT_VAULTS)]
    return [name for name in map(_name_of, found) if part.lower() in name.lower()]


def none_works(part: str, failed: list[VaultError]) -> VaultError:
    """Return the error for when no backend whose name contains this part works, with the reason and a hint."""
    reasons = [*(each.message for each in failed), *_unusable(part or "/", keyring.backend.KeyringBackend)]
    reason = f" ({'; '.join(reasons)})" if reasons else ""
    if not part:
        missing = any(each.hint == hints.INSTALL_QCA for each in failed)
        return VaultError(f"no OS keyring works here{reason}", hints.INSTALL_QCA if missing else _HINT)
    cure = hints.KEYRINGS_PAGE
    if part.lower() == "pass":
        of_store = hints.pass_init() if which("pass") else hints.PASSWORD_STORE_PAGE
        cure = of_store if reasons else hints.inject("keyring-pass")
    named = f"named {part}" if may_repeat(part) else "of that name"
    return VaultError(f"no OS keyring {named} works here{reason}", cure)


@contextlib.contextmanager
def _no_prompts() -> Iterator[None]:
    """Keep a backend's programs from asking for gpg's passphrase, and both from writing to our stdout and stderr.

    Variable: pass(1); option: "--pinentry-mode" in gpg(1). One thread at a time: the changes are process-wide.
    """
    name = "PASSWORD_STORE_GPG_OPTS"
    with (
        _ONE_AT_A_TIME,
        open(os.devnull, "w", encoding="utf-8") as nowhere,
        contextlib.redirect_stdout(nowhere),
        contextlib.redirect_stderr(nowhere),
    ):
        before, ask = os.environ.get(name), getpass.getpass
        os.environ[name] = f"{before or ''} --pinentry-mode error"
        getpass.getpass = _refuse_prompt
        errors.stdout = os.dup(1)
        os.dup2(nowhere.fileno(), 1)  # also for its programs: git reads the credential there
        try:
            yield
        finally:
            os.dup2(errors.stdout, 1)
            os.close(errors.stdout)
            errors.stdout = 1
            getpass.getpass = ask
            del os.environ[name]
            if before is not None:
                os.environ[name] = before


def _refuse_prompt(*_: object, **_options: object) -> str:
    """Replace ``getpass``, with which the backends of keyrings.alt ask for a password of their own."""
    raise keyring.errors.KeyringLocked


def _to_one_line(text: str) -> str:
    """Return a text of several lines, or one that starts with a quote, as one line of JSON; others unchanged."""
    return text if text.splitlines() == [text] and text[0] != '"' else json.dumps(text)


def _from_one_line(entry: str) -> str:
    """Return the text that an entry contains as one line of JSON; any other entry unchanged (not ours, or older)."""
    try:
        text = json.loads(entry) if entry.startswith('"') else entry
    except ValueError:
        return entry
    return str(text)


def _unusable(wanted: str, above: type) -> Iterator[str]:
    """Yield the reason why each installed backend of that name cannot be used here."""
    kinds: list[type] = type.__subclasses__(above)
    for kind in kinds:
        if wanted.lower() in f"{kind.__module__}.{kind.__qualname__}".lower():
            try:
                with _no_prompts():
                    getattr(kind, "priority")  # noqa: B009 - it raises the reason
            except Exception as error:  # noqa: BLE001 - each backend raises its own kinds
                yield f"{' '.join(getattr(error, 'cmd', ['it']))} failed: {type(error).__name__}"
        yield from _unusable(wanted, kind)


def _vault_error(error: BaseException, name: str) -> VaultError:
    if isinstance(error, VaultError):
        return error
    if isinstance(error, keyring.errors.KeyringLocked):
        return VaultLocked("the keyring is locked", hints.unlock())
    kind = type(error).__name__
    if isinstance(error, keyring.errors.NoKeyringError):
        return VaultError("there is no OS keyring here", _HINT)
    if name == _SECRET_SERVICE and kind == "SecretServiceNotAvailableException":
        return VaultError("no keyring answers on the session bus", hints.START_KEYRING)
    if kind == "CalledProcessError" and getattr(error, "cmd", [])[1:2] == ["show"]:
        locked = f"the password store is locked: gpg could not open an entry of {name}"
        return VaultLocked(locked, hints.unlock())
    if "createDLGroup failed" in str(error):  # a message in KWallet's kwalletfreedesktopservice.cpp
        missing = "KWallet cannot open a session: the OpenSSL plugin of QCA is missing"
        return VaultError(missing, hints.INSTALL_QCA)
    if kind == "ItemNotFoundException":
        return VaultLocked("the keyring has no default collection yet", hints.unlock())
    return VaultError(f"the keyring ({name}) failed: {kind}")
