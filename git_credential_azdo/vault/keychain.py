"""The macOS Keychain, through the Security framework: each read, write and deletion works on a single entry.

An entry is changed in place (keyring deletes it and adds it again). No dialog may appear unless ``prompting``: an item
belongs to the Python that wrote it, and after Python is upgraded the Keychain asks before it returns the secret. Only
the deprecated functions for file-based keychains can switch that off (Chromium's
crypto/apple/scoped_keychain_user_interaction_allowed.h says the same). Part of the hot path, so keyring, which finds
the same items, is not used; loaded only on macOS.
Functions and codes: https://developer.apple.com/documentation/security/keychain-services
"""

from __future__ import annotations

import ctypes

from git_credential_azdo.errors import VaultError, VaultLocked
from git_credential_azdo.files import NAME

_FRAMEWORKS = "/System/Library/Frameworks"
_NOT_FOUND = -25300  # errSecItemNotFound
_ASKS = frozenset((-25308, -25315, -25293, -128))
"""errSecInteractionNotAllowed, errSecInteractionRequired, errSecAuthFailed, errSecUserCanceled."""
_ABSENT = frozenset((-25307, -25294, -25291))
"""errSecNoDefaultKeychain, errSecNoSuchKeychain, errSecNotAvailable."""


class Keychain:
    """The entries of this user's keychains; new ones are added to the default keychain."""

    is_unlimited = False

    def __init__(self, *, prompting: bool = False) -> None:
        self._security = ctypes.CDLL(f"{_FRAMEWORKS}/Security.framework/Security")
        self._core = ctypes.CDLL(f"{_FRAMEWORKS}/CoreFoundation.framework/CoreFoundation")
        self._prompting = prompting
        self._check(self._security.SecKeychainSetUserInteractionAllowed(prompting))

    def read(self, entry: str) -> str | None:
        """Return the entry's text, or None. Raise VaultError, VaultLocked."""
        length, data = ctypes.c_uint32(), ctypes.c_void_p()
        status = self._security.SecKeychainFindGenericPassword(
            None, *_names(entry), ctypes.byref(length), ctypes.byref(data), None
        )
        if status == _NOT_FOUND:
            return None
        self._check(status)
        try:
            return ctypes.string_at(data, length.value).decode()
        except UnicodeDecodeError:
            raise VaultError(f"the entry {entry} of the keychain is not text") from None
        finally:
            self._security.SecKeychainItemFreeContent(None, data)

    def write(self, entry: str, text: str) -> None:
        """Write the entry. Raise VaultError, VaultLocked."""
        data = text.encode()
        item = self._find(entry)
        if not item.value:
            add = self._security.SecKeychainAddGenericPassword
            self._check(add(None, *_names(entry), len(data), data, None))
            return
        try:
            change = self._security.SecKeychainItemModifyAttributesAndData
            self._check(change(item, None, len(data), data))
        finally:
            self._core.CFRelease(item)

    def delete(self, entry: str) -> None:
        """Delete the entry; an absent one is no error. Raise VaultError, VaultLocked."""
        item = self._find(entry)
        if item.value:
            try:
                self._check(self._security.SecKeychainItemDelete(item))
            finally:
                self._core.CFRelease(item)

    def _find(self, entry: str) -> ctypes.c_void_p:
        """Return the item, without its secret, or a null pointer."""
        item = ctypes.c_void_p()
        status = self._security.SecKeychainFindGenericPassword(
            None, *_names(entry), None, None, ctypes.byref(item)
        )
        if status != _NOT_FOUND:
            self._check(status)
        return item

    def _check(self, status: int) -> None:
        if status:
            raise failure(status, prompting=self._prompting)


def failure(status: int, *, prompting: bool) -> VaultError:
    """Return the error for an OSStatus other than 0."""
    from git_credential_azdo import hints  # noqa: PLC0415 - for an error only

    if status in _ASKS and prompting:
        return VaultLocked("the keychain is locked, and no dialog can be shown", hints.unlock_keychain())
    if status in _ASKS:
        return VaultLocked(
            "the keychain is locked, or asks before it gives a secret to this Python", hints.unlock()
        )
    if status in _ABSENT:
        return VaultError("there is no keychain here", hints.setup_in_file_vault())
    return VaultError(f"the keychain failed (error {status}, which security error {status} explains)")


def _names(entry: str) -> tuple[int, bytes, int, bytes]:
    service, account = NAME.encode(), entry.encode()
    return len(service), service, len(account), account
