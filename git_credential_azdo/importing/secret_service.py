"""What Git Credential Manager and git-credential-libsecret keep in the Secret Service. Only reads, never unlocks.

Items are found by their schema; the secret is read only of those that are wanted and not locked. Every wait is
bounded. Attributes: Git Credential Manager's SecretServiceCollection.cs; git: contrib/credential/libsecret (its
items had libsecret's network schema before git 2.41). API: https://specifications.freedesktop.org/secret-service/
"""

from __future__ import annotations

import contextlib
import threading
import time
from typing import TYPE_CHECKING

from git_credential_azdo.errors import VaultError, VaultLocked
from git_credential_azdo.git.address import message_for
from git_credential_azdo.importing.entry import Entry, Find, message
from git_credential_azdo.vault.os_keyring import UNLOCK

try:
    import secretstorage
    from secretstorage.exceptions import SecretStorageException

    AVAILABLE = True
except ImportError:  # keyring brings it on Linux only; Windows and macOS have no Secret Service
    AVAILABLE = False

if TYPE_CHECKING:
    from git_credential_azdo.git.wire import Message
    from git_credential_azdo.importing.entry import Wanted

GCM = "Git Credential Manager (keyring)"
LIBSECRET = "git-credential-libsecret (keyring)"
SECONDS = 15.0
_SCHEMA = "xdg:schema"
_GCM_SCHEMA = "com.microsoft.GitCredentialManager"
_GIT_SCHEMAS = ("org.git.Password", "org.gnome.keyring.NetworkPassword")


def items(wanted: Wanted) -> Find:
    """Read the wanted items; none when there is no Secret Service."""
    found = Find([], [])
    if not AVAILABLE:
        return found

    def read() -> None:
        try:
            _read(wanted, found)
        except (SecretStorageException, OSError):
            pass  # there is no bus, or no Secret Service on it
        except Exception as error:  # noqa: BLE001 - a D-Bus library's own kinds; its text could show a secret
            found.troubles.append(VaultError(f"the keyring cannot be searched: {type(error).__name__}"))

    thread = threading.Thread(target=read, daemon=True)
    thread.start()
    thread.join(SECONDS)
    if thread.is_alive():
        return Find([], [VaultError(f"the keyring did not answer in {SECONDS:.0f} seconds", UNLOCK)])
    return found


def _read(wanted: Wanted, found: Find) -> None:
    locked = False
    with contextlib.closing(secretstorage.dbus_init()) as bus:
        for schema in (_GCM_SCHEMA, *_GIT_SCHEMAS):
            for item in secretstorage.search_items(bus, {_SCHEMA: schema}):
                attributes = item.get_attributes()
                about = _of_gcm(attributes) if schema == _GCM_SCHEMA else _of_git(attributes)
                if not wanted(about):
                    continue
                if item.is_locked():
                    locked = True
                    continue
                text = item.get_secret().decode("utf-8", "surrogateescape")
                entry = _entry(GCM if schema == _GCM_SCHEMA else LIBSECRET, about, text)
                if entry:
                    found.entries.append(entry)
    if locked:
        found.troubles.append(
            VaultLocked("the keyring that holds such entries is locked", f"{UNLOCK}, then import again")
        )


def _of_gcm(attributes: dict[str, str]) -> Message:
    """Read ``service`` (``git:https://dev.azure.com/org``) and ``account``."""
    address = message_for(attributes.get("service", "").partition(":")[2])
    pairs = [(key, address.get(key)) for key in ("protocol", "host", "path")]
    return message([*pairs, ("username", attributes.get("account"))])


def _of_git(attributes: dict[str, str]) -> Message:
    """Read ``protocol``, ``server`` with ``port``, ``object`` and ``user``."""
    port = attributes.get("port", "0")
    host = attributes.get("server", "") + (f":{port}" if port not in {"", "0"} else "")
    return message(
        [
            ("protocol", attributes.get("protocol")),
            ("host", host),
            ("path", attributes.get("object")),
            ("username", attributes.get("user")),
        ]
    )


def _entry(where: str, about: Message, text: str) -> Entry | None:
    """Read a secret: the password, then ``key=value`` lines; None for one that has ended."""
    secret, *lines = text.split("\n")
    expires = dict(line.split("=", 1) for line in lines if "=" in line).get("password_expiry_utc", "")
    if expires.isascii() and expires.isdigit() and int(expires) <= time.time():
        return None
    return Entry(where, about, secret, expires)
