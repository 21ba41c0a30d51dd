"""Windows Credential Manager, through its own API: each read, write and deletion is one call, on a single entry.

Every entry has the target name that keyring calls compound, USERNAME@SERVICE. keyring itself writes to the target
SERVICE after moving what was there: two processes that write at once lose an entry. What keyring left there is read as
keyring reads it, and is deleted by the next write of that entry. Part of the hot path, so keyring is not used; loaded
only on Windows. The entries stay on this machine, like the accounts file: they must never roam with the user's profile.
Names and limits: https://learn.microsoft.com/windows/win32/api/wincred/
"""

from __future__ import annotations

import ctypes
import sys

from git_credential_azdo.errors import VaultError
from git_credential_azdo.files import NAME
from git_credential_azdo.vault.payload import PART_UNITS, units

assert sys.platform == "win32"  # noqa: S101 - for mypy: the rest is checked with --platform win32

_GENERIC = 1
_THIS_MACHINE = 2
_NOT_FOUND = 1168
_NO_LOGON_SESSION = 1312


class _Credential(ctypes.Structure):
    """CREDENTIALW."""

    _fields_ = (
        ("flags", ctypes.c_uint32),
        ("type", ctypes.c_uint32),
        ("target", ctypes.c_wchar_p),
        ("comment", ctypes.c_wchar_p),
        ("last_written", ctypes.c_uint32 * 2),
        ("size", ctypes.c_uint32),
        ("blob", ctypes.c_void_p),
        ("persist", ctypes.c_uint32),
        ("attribute_count", ctypes.c_uint32),
        ("attributes", ctypes.c_void_p),
        ("alias", ctypes.c_wchar_p),
        ("user", ctypes.c_wchar_p),
    )


_api = ctypes.WinDLL("advapi32", use_last_error=True)


class CredentialManager:
    """The entries of this user's Credential Manager."""

    is_unlimited = False

    def read(self, entry: str) -> str | None:
        """Return the entry's text, or None. Raise VaultError."""
        found = _newest(entry) or _find(_target(entry))
        return None if found is None else found[1]

    def write(self, entry: str, text: str) -> None:
        """Write the entry. Raise VaultError."""
        if units(text) > PART_UNITS:
            raise VaultError(f"an entry of Windows Credential Manager holds {PART_UNITS} characters")
        credential = _Credential(
            type=_GENERIC,
            target=_target(entry),
            size=2 * units(text),
            blob=ctypes.cast(ctypes.create_unicode_buffer(text), ctypes.c_void_p),
            persist=_THIS_MACHINE,
            user=entry,
        )
        if not _api.CredWriteW(ctypes.byref(credential), 0):
            raise _failed()
        if _newest(entry):
            _delete(NAME)

    def delete(self, entry: str) -> None:
        """Delete the entry; an absent one is no error. Raise VaultError."""
        _delete(_target(entry))
        if _newest(entry):
            _delete(NAME)


def _target(entry: str) -> str:
    return f"{entry}@{NAME}"


def _newest(entry: str) -> tuple[str, str] | None:
    """Return the user and the secret that keyring wrote last, if they are this entry's, or None."""
    found = _find(NAME)
    return found if found and found[0] == entry else None


def _find(target: str) -> tuple[str, str] | None:
    """Return the user and the secret of a target, or None."""
    found = ctypes.POINTER(_Credential)()
    if not _api.CredReadW(target, _GENERIC, 0, ctypes.byref(found)):
        if ctypes.get_last_error() == _NOT_FOUND:
            return None
        raise _failed()
    try:
        credential = found.contents
        return credential.user or "", ctypes.wstring_at(credential.blob, credential.size // 2)
    finally:
        _api.CredFree(found)


def _delete(target: str) -> None:
    if not _api.CredDeleteW(target, _GENERIC, 0) and ctypes.get_last_error() != _NOT_FOUND:
        raise _failed()


def _failed() -> VaultError:
    from git_credential_azdo import hints  # noqa: PLC0415 - for an error only

    number = ctypes.get_last_error()
    if number == _NO_LOGON_SESSION:
        return VaultError(
            "Windows Credential Manager is not there in this session, as over SSH with a key (error 1312)",
            hints.setup_in_file_vault(),
        )
    return VaultError(
        f"Windows Credential Manager failed: {ctypes.FormatError(number).strip()} (error {number})"
    )
