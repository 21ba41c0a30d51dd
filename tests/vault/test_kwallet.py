"""KWallet, the keyring of KDE: what its Secret Service answers where a part of it is missing."""

from __future__ import annotations

import pytest

jeepney = pytest.importorskip("jeepney", reason="D-Bus is on Linux only")

from git_credential_azdo.vault import system  # noqa: E402 - after the skip


def test_a_kwallet_that_cannot_encrypt_is_told_with_the_package_that_is_missing() -> None:
    """Its own words name a library, and no command."""
    call = jeepney.new_method_call(
        jeepney.DBusAddress(
            "/org/freedesktop/secrets", "org.freedesktop.secrets", "org.freedesktop.Secret.Service"
        ),
        "OpenSession",
    )
    call.header.serial = 1
    text = "createDLGroup failed: maybe libqca-ossl is missing"
    answer = jeepney.new_error(call, "org.freedesktop.DBus.Error.InvalidArgs", "s", (text,))
    error = system._vault_error(jeepney.DBusErrorResponse(answer), system._SECRET_SERVICE)
    assert error.message == "KWallet cannot open a session: the OpenSSL plugin of QCA is missing"
    assert error.hint == "sudo apt install libqca-qt6-plugins || sudo apt install libqca-qt5-2-plugins"
