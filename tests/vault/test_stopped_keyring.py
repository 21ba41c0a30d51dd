"""A real gnome-keyring that is stopped (SIGSTOP): one wait for the whole run, one line, and git is answered."""

from __future__ import annotations

import os
import signal
import socket
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.emulator.default_world import ANN
from tests.support.keyrings import PrivateKeyring, missing
from tests.support.moody_keyring import NAME
from tests.support.people import STALE, at, sign_in
from tests.support.running import patiently
from tests.support.watch import new_password

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conftest import Home
    from tests.emulator.emulator import Emulator

SERVICE = "keyring.backends.SecretService.Keyring"
SECONDS = 3


@pytest.fixture
def stopped(home: Home, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrivateKeyring]:
    """Return a keyring of the home's that is stopped in the middle of its life."""
    if missing():
        pytest.skip(f"Debian packages missing: {missing()}")
    with PrivateKeyring(tmp_path_factory.mktemp("stopped")) as keyring:
        home.environment.update(keyring.environment, HOME=str(home.folder), AZDO_TIMEOUT=str(SECONDS))
        for name in list(home.environment):
            if name.startswith("XDG_CONFIG"):
                del home.environment[name]
        daemon = keyring.daemon
        os.kill(daemon, signal.SIGSTOP)
        yield keyring
        os.kill(daemon, signal.SIGCONT)


@pytest.mark.usefixtures("stopped")
def test_a_stopped_keyring_is_waited_for_once(home: Home, emulator: Emulator) -> None:
    """``get`` ends with its time limit; ``accounts`` waits once for all: a wait for each would exceed the test's time."""
    for _ in range(8):
        sign_in(home, emulator.world, ANN, "contoso", vault=SERVICE)
    first = home.accounts_file.read_text().partition("\nid=")[2].partition("\n")[0]
    result = home.get(*at(username=first))
    assert (result.out, result.code) == ("quit=1\n", 0)
    assert "the keyring did not respond" in result.err
    assert home.azdo("accounts", "--format", "json").out.count("did not respond in time") == 8


@pytest.mark.usefixtures("stopped")
def test_a_password_for_a_stopped_keyring_ends_in_time(home: Home) -> None:
    """``store`` writes through keyring, and says what it waited for."""
    home.write_accounts_file(f"version=1\nsalt=00112233445566778899aabbccddeeff\nvault={SERVICE}\n")
    result = home.store(*at("elsewhere/app/_git/app", username="x"), f"password={new_password()}")
    assert (result.out, result.code, result.err.count("error: ")) == ("", 1, 1)
    assert "keyring" in result.err


def test_a_session_bus_that_never_answers_is_a_wait_in_vain(home: Home, tmp_path: Path) -> None:
    """The D-Bus library's own limit is no failure of an unknown kind."""
    home.write_accounts_file(f"version=1\nsalt=00112233445566778899aabbccddeeff\nvault={SERVICE}\n")
    with socket.socket(socket.AF_UNIX) as bus:
        bus.bind(str(tmp_path / "bus"))
        bus.listen()
        home.environment["DBUS_SESSION_BUS_ADDRESS"] = f"unix:path={tmp_path}/bus"
        lines = [*at("elsewhere/app/_git/app", username="x"), f"password={new_password()}"]
        result, _ = patiently(
            lambda seconds: home.store(*lines, AZDO_TIMEOUT=seconds), lambda result: "hint: " in result.err
        )
    assert (result.out, result.code) == ("", 1)
    assert "did not respond in time\ngit-credential-azdo: hint: " in result.err


def test_a_token_that_a_stuck_keyring_does_not_take_is_answered(home: Home, emulator: Emulator) -> None:
    """Within the time of the run: the request leaves some of it for saving."""
    home.environment["PYTHONPATH"] = str(Path(__file__).parents[2])
    account = sign_in(home, emulator.world, ANN, "contoso", vault=NAME)
    account.let_pass(STALE)
    result, _ = patiently(
        lambda seconds: home.get(*at(), MOOD="stuck", AZDO_TIMEOUT=seconds),
        lambda result: "password" in result.fields,
    )
    assert result.fields["password"] in emulator.world.grants.access
    assert "could not be written: the keyring" in result.err
