"""The direct reader against KeePassXC."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import secretstorage

from git_credential_azdo.errors import VaultLocked
from git_credential_azdo.vault.secret_service import read
from tests.support.keyrings import PrivateKeePassXC, missing
from tests.support.made_up_bus import keyring_backend

if TYPE_CHECKING:
    from pathlib import Path


# KeePassXC, a Secret Service with nothing in common with gnome-keyring

needs_keepassxc = pytest.mark.skipif(
    bool(missing("dbus-daemon", "keepassxc")), reason=f"needs Debian's {missing('dbus-daemon', 'keepassxc')}"
)


@needs_keepassxc
def test_keepassxc_is_read_as_keyring_reads_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another implementation, the same answers."""
    with PrivateKeePassXC(tmp_path) as vault:
        monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", vault.address)
        backend = keyring_backend()
        assert read("service", "u", 20) is None
        for secret in ("plain", "ä 🔑\nline", "x" * 8192):
            backend.set_password("service", secret[:9], secret)
            assert read("service", secret[:9], 20) == secret == backend.get_password("service", secret[:9])
        with secretstorage.dbus_init() as connection:
            collection = secretstorage.get_default_collection(connection)
            for number in "123":
                attributes = {"service": "several", "username": "u", "number": number}
                collection.create_item(f"item {number}", attributes, number.encode())
        assert read("several", "u", 20) == backend.get_password("several", "u")


@needs_keepassxc
def test_a_locked_database_of_keepassxc_is_locked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The database is there, but nobody has typed its password."""
    with PrivateKeePassXC(tmp_path, unlocked=False) as vault:
        monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", vault.address)
        with pytest.raises(VaultLocked):
            read("service", "u", 20)


@needs_keepassxc
def test_an_item_that_keepassxc_asks_about_is_locked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """KeePassXC can ask the person about each caller; the reader does not make it ask."""
    with PrivateKeePassXC(tmp_path, confirm=True) as vault:
        monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", vault.address)
        keyring_backend().set_password("service", "u", "x")
        with pytest.raises(VaultLocked):
            read("service", "u", 20)
