"""KDE's kwalletd with its Secret Service, on a bus of its own and on Qt's screen that shows nothing.

A wallet is made and opened without a dialog as the login does it: ``pamOpen`` of kwalletd.cpp, with the 56 bytes
that pam_kwallet derives from a password. A wallet is a collection once kwalletd finds it when it starts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from jeepney import DBusAddress, new_method_call  # type: ignore[import-untyped]
from jeepney.io.blocking import open_dbus_connection  # type: ignore[import-untyped]
from jeepney.wrappers import unwrap_msg  # type: ignore[import-untyped]

from tests.support.keyrings import PrivateBus

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

WALLET = "kdewallet"
_KEY = bytes(range(56))
_SETTINGS = """[Wallet]
First Use=false
[org.freedesktop.secrets]
apiEnabled=true
[Auto Allow]
kdewallet=*
"""


class PrivateKWallet(PrivateBus):
    """A ``PrivateBus`` with kwalletd. ``wallet``: whether there is a wallet, open as after a login."""

    def __init__(self, directory: Path, *, wallet: bool = True) -> None:
        super().__init__(directory)
        self._wallet = wallet

    def start(self) -> None:
        """Start kwalletd; the first time to make the wallet."""
        (self.directory / "home/.config/kwalletrc").write_text(_SETTINGS)
        self._serve()
        if self._wallet:
            self._call("pamOpen", "sayi", WALLET, _KEY, 0)
            child = self._children.pop()
            child.terminate()
            child.communicate(timeout=90)
            self._serve()
            self._call("pamOpen", "sayi", WALLET, _KEY, 0)

    def lock(self) -> None:
        """Close the wallet, so that its password would be asked for."""
        force = True
        assert self._call("close", "sb", WALLET, force) == (0,)

    def unlock(self) -> None:
        """Open it without a dialog."""
        self._call("pamOpen", "sayi", WALLET, _KEY, 0)

    def _serve(self) -> None:
        self.spawn(["kwalletd5"], QT_QPA_PLATFORM="offscreen", LC_ALL="C.UTF-8")
        self.wait_for_owner("org.kde.kwalletd5")

    def _call(self, method: str, signature: str, *body: Any) -> Any:
        address = DBusAddress("/modules/kwalletd5", "org.kde.kwalletd5", "org.kde.KWallet")
        with open_dbus_connection(self.address) as connection:
            call = new_method_call(address, method, signature, body)
            return unwrap_msg(connection.send_and_get_reply(call, timeout=90))
