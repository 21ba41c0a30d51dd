"""A session bus that the environment does not name, or no longer: cron, an earlier session, another user's."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from git_credential_azdo.vault import vaults
from git_credential_azdo.vault.vaults import SECRET_SERVICE
from tests.emulator.default_world import ANN
from tests.support.keyrings import PrivateKeyring, missing
from tests.support.loopback import serving_at
from tests.support.marks import root
from tests.support.people import STALE, at, sign_in

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.conftest import Home
    from tests.emulator.emulator import Emulator


@pytest.fixture(name="ring", scope="module")
def _ring(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrivateKeyring]:
    with PrivateKeyring(tmp_path_factory.mktemp("ring")) as ring:
        yield ring


@pytest.mark.skipif(bool(missing()), reason=f"needs Debian's {missing()}")
@pytest.mark.parametrize("named", [None, "unix:path=/nonexistent/bus", "unix:abstract=/nonexistent"])
def test_where_the_environment_names_no_living_bus_that_of_the_login_serves(
    ring: PrivateKeyring, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, named: str | None
) -> None:
    """Both ways to the keyring: keyring writes, the short way reads."""
    for name, value in ring.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", named or "")
    vaults.write(SECRET_SERVICE, "x/y", [("token", "of-this-test")])
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", named or "")
    found = vaults.read(SECRET_SERVICE, "x/y")
    assert found is not None
    assert found.get("token") == "of-this-test"


def test_a_bus_that_is_gone_is_named_and_no_plain_file_is_proposed(home: Home, emulator: Emulator) -> None:
    """The keyring worked when the account was made; it has not become insecure."""
    sign_in(home, emulator.world, ANN, "contoso", vault=SECRET_SERVICE)
    result = home.get(*at(), DBUS_SESSION_BUS_ADDRESS="unix:path=/nonexistent/bus")
    run = home.folder / "run" / "bus"
    assert (result.out, result.code) == ("quit=1\n", 0)
    assert result.err == (
        "git-credential-azdo: error: the keyring cannot be reached:"
        f" no session bus of this user at /nonexistent/bus or {run}\n"
        "git-credential-azdo: hint: dbus-run-session -- sh\n"
    )


@root
@pytest.mark.parametrize("kind", ["path", "abstract"])
def test_no_library_speaks_to_a_bus_of_another_user(
    home: Home, emulator: Emulator, tmp_path: Path, kind: str
) -> None:
    """It would be given the token: reading, writing and the search for a keyring all end without a byte sent."""
    name = str(tmp_path / "bus")
    address = name if kind == "path" else b"\0" + name.encode()
    with serving_at(address, lambda connection: connection.recv(100), user=54_322) as heard:
        sign_in(home, emulator.world, ANN, "contoso", vault=SECRET_SERVICE).let_pass(STALE)
        home.environment["DBUS_SESSION_BUS_ADDRESS"] = f"unix:{kind}={name}"
        result = home.get(*at())
        found = home.azdo(
            "setup", "pat", "--org", "contoso", "--vault", "keyring", given=emulator.world.new_pat(ANN)
        )
    assert f"no session bus of this user at {'@' * (kind == 'abstract')}{name}" in result.err
    assert "no OS keyring works here" in found.err
    assert b"".join(heard) == b""
