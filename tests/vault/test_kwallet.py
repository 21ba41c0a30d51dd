"""KWallet, the keyring of KDE: its real Secret Service, and what it answers where a part of it is missing."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

jeepney = pytest.importorskip("jeepney", reason="D-Bus is on Linux only")

from git_credential_azdo import hints  # noqa: E402 - after the skip
from git_credential_azdo.errors import VaultLocked  # noqa: E402
from git_credential_azdo.files import NAME  # noqa: E402
from git_credential_azdo.vault import system  # noqa: E402
from git_credential_azdo.vault.secret_service import Unsupported, read  # noqa: E402
from git_credential_azdo.vault.vaults import SECRET_SERVICE  # noqa: E402
from tests.support.keyrings import missing  # noqa: E402
from tests.support.kwallet import PrivateKWallet  # noqa: E402
from tests.support.people import assert_refused  # noqa: E402
from tests.support.watch import new_password  # noqa: E402

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import Home, Result

ABSENT = missing("dbus-daemon", "kwalletd5")
WANTED = "AZDO_TEST_KWALLET"
needs_kwallet = pytest.mark.skipif(
    bool(ABSENT) or not os.environ.get(WANTED),
    reason=f"needs Debian's {ABSENT}"
    if ABSENT
    else f"kwalletd 5 mixes up sessions now and then; {WANTED}=1 runs it",
)
SERVER = ("protocol=https", "host=tfs.example.com")


def lines(result: Result) -> list[str]:
    """Return the lines on stderr without the program's name."""
    return [line.removeprefix("git-credential-azdo: ") for line in result.err.splitlines()]


def directly(entry: str) -> str | None:
    """Read without keyring, again where kwalletd has lost the session: it hears late that an earlier connection ended."""
    for _ in range(5):
        try:
            return read(NAME, entry, 20)
        except Unsupported as lost:
            if "InvalidObjectPath" not in str(lost):
                raise
    return read(NAME, entry, 20)


@needs_kwallet
def test_kwallet_is_read_as_keyring_reads_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its session has an output of bytes, where gnome-keyring's is a string."""
    with PrivateKWallet(tmp_path) as vault:
        monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", vault.address)
        with pytest.raises(VaultLocked):
            read(NAME, "u", 20)
        keyring = system.open_named(SECRET_SERVICE, prompting=True)
        for secret in ("plain", "ä 🔑\nline", "x" * 3000):
            keyring.write("u", secret)  # unlocks, without a dialog since the wallet is open
            assert directly("u") == secret == keyring.read("u")
        assert directly("another") is None


@needs_kwallet
def test_one_unlock_after_the_login_is_all_that_it_takes(home: Home, tmp_path: Path) -> None:
    """From then on credentials are stored, answered and erased; a wallet that is closed is one line and no dialog."""
    secret = new_password(300)
    with PrivateKWallet(tmp_path) as vault:
        home.environment["DBUS_SESSION_BUS_ADDRESS"] = vault.address
        locked = home.azdo("server", "add", "https://tfs.example.com")
        assert lines(locked) == ["error: the keyring is locked", f"hint: {hints.unlock()}"]
        assert home.azdo("unlock").code == 0
        assert home.azdo("server", "add", "https://tfs.example.com").code == 0
        home.store(*SERVER, "username=u", f"password={secret}")
        assert home.get(*SERVER).fields["password"] == secret
        vault.lock()
        assert_refused(home.get(*SERVER), "the keyring is locked")
        vault.unlock()
        assert home.azdo("unlock").code == 0
        home.erase(*SERVER, "username=u", f"password={secret}")
        assert home.get(*SERVER).out == ""


@needs_kwallet
def test_a_first_wallet_is_made_by_unlock(home: Home, tmp_path: Path) -> None:
    """A person chooses its password in KWallet's own dialog; a plain file is not proposed."""
    with PrivateKWallet(tmp_path, wallet=False) as vault:
        home.environment["DBUS_SESSION_BUS_ADDRESS"] = vault.address
        result = home.azdo("server", "add", "https://tfs.example.com")
    assert lines(result) == ["error: the keyring has no default collection yet", f"hint: {hints.unlock()}"]


def test_a_kwallet_that_cannot_encrypt_is_named_with_the_package_that_is_missing() -> None:
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
    assert system.none_works("", [error]).hint == error.hint


LOST = RuntimeError("Can't find session /org/freedesktop/secrets/session/5")
OF_ANOTHER_KEY = UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte")
OTHER = RuntimeError("another fault")


@pytest.mark.parametrize(
    ("failures", "result"),
    [
        ([], "answer"),
        ([LOST], "answer"),
        ([OF_ANOTHER_KEY, LOST], "answer"),
        ([OTHER], OTHER),
        ([LOST, OTHER], OTHER),
        ([LOST] * 4, LOST),
    ],
)
def test_a_call_begins_again_where_its_session_was_lost(
    failures: list[Exception], result: str | Exception
) -> None:
    """Not after any other fault, and not for ever."""
    left = list(failures)

    def call() -> str:
        if left:
            raise left.pop(0)
        return "answer"

    if isinstance(result, Exception):
        with pytest.raises(type(result), match=str(result)):
            system._again(call)
    else:
        assert system._again(call) == result
    assert left == []
