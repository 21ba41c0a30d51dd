"""The Keychain of macOS: its errors anywhere; an entry written, changed in place and deleted on a Mac only."""

from __future__ import annotations

import os
import sys

import pytest

from git_credential_azdo.errors import VaultError, VaultLocked
from git_credential_azdo.vault import keychain, vaults


@pytest.mark.parametrize("status", [-25308, -25315, -25293, -128])
def test_a_keychain_that_would_ask_is_locked(status: int) -> None:
    """``get`` shows no dialog; where ``unlock`` may and cannot, the keychain is to be unlocked in the shell."""
    for prompting, hint in ((False, "git credential-azdo unlock"), (True, "security unlock-keychain")):
        error = keychain.failure(status, prompting=prompting)
        assert (type(error), error.hint) == (VaultLocked, hint)


@pytest.mark.parametrize(
    ("status", "hint"), [(-25307, "git credential-azdo setup --vault file"), (-61, None)]
)
def test_other_errors_of_a_keychain_are_no_lock(status: int, hint: str | None) -> None:
    """None there, and one that the system explains by its number."""
    error = keychain.failure(status, prompting=False)
    assert (type(error), error.hint) == (VaultError, hint)


@pytest.mark.skipif(sys.platform != "darwin", reason="the Keychain is a part of macOS")
def test_an_entry_is_changed_in_place() -> None:
    """The item stays the same one, and reading it asks nobody."""
    vault, entry = vaults.open_vault(vaults.KEYCHAIN), f"test{os.urandom(4).hex()}/refresh"
    try:
        for text in ("token=é\nreceived_utc=1", "x" * 5_000):
            vault.write(entry, text)
            assert vault.read(entry) == text
    finally:
        vault.delete(entry)
    vault.delete(entry)
    assert vault.read(entry) is None
