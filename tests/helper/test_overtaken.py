"""Two of us at once: what one puts in place of the other's work leaves no secret behind without a name."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from tests.emulator.default_world import ANN
from tests.support.people import at, sign_in
from tests.support.watch import new_password

if TYPE_CHECKING:
    from tests.conftest import Home
    from tests.emulator.emulator import Emulator

HOST = ("protocol=https", "host=tfs.example.com")


def entries(home: Home) -> set[str]:
    """Return the ids under which the file vault keeps anything."""
    vault = home.accounts_file.parent / "vault"
    return {path.name for path in vault.iterdir()} if vault.exists() else set()


def at_once(count: int, *work: object) -> None:
    """Run the calls in threads of their own, together."""
    threads = [threading.Thread(target=each) for each in work[:count]]  # type: ignore[arg-type]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_stores_at_once_leave_one_secret(file_home: Home) -> None:
    """And erase leaves none."""
    file_home.azdo("server", "add", "https://tfs.example.com", "--vault", "file", "--no-git-config")
    passwords = [new_password() for _ in range(6)]

    def store(password: str) -> None:
        file_home.store(*HOST, "username=u", f"password={password}")

    at_once(6, *(lambda password=each: store(password) for each in passwords))
    assert len(entries(file_home)) == 1
    assert file_home.get(*HOST).fields["password"] in passwords
    file_home.erase(*HOST)
    assert entries(file_home) == set()


def test_setups_at_once_leave_one_secret(file_home: Home, emulator: Emulator) -> None:
    """The last one wins, and logout leaves nothing."""
    tokens = [emulator.world.new_pat(ANN, ["contoso"]) for _ in range(4)]
    words = ("setup", "pat", "--org", "contoso", "--vault", "file", "--no-git-config")
    at_once(4, *(lambda token=each: file_home.azdo(*words, given=token) for each in tokens))
    assert len(entries(file_home)) == 1
    assert file_home.get(*at("contoso/app/_git/app")).fields["password"] in tokens
    file_home.azdo("logout", "--all")
    assert entries(file_home) == set()


@pytest.mark.parametrize("path", ["\udcff/app/_git/app", "contoso/\udcfe/_git/app"])
def test_a_path_that_is_not_utf8_is_no_bug(home: Home, emulator: Emulator, path: str) -> None:
    """git sends the bytes of the address as they are."""
    sign_in(home, emulator.world, ANN, "contoso")
    given = f"protocol=https\nhost=dev.azure.com\npath={path}\n".encode("utf-8", "surrogateescape")
    result = home.azdo("get", given=given)
    assert result.code == 0
    assert "this is a bug" not in result.err


@pytest.mark.parametrize(
    "url",
    [
        "https://*.example.com",
        "https://ex ample.com",
        "https://a'b",
        "https://example.com:0",
        "https://dev.azure.com.",
        "https://foo.visualstudio.com.",
        "https://login.live.com",
        "https://exa%6dple.com",
    ],
)
def test_what_is_no_servers_name_is_not_registered(home: Home, url: str) -> None:
    """A pattern would switch every other helper off for hosts that we never serve."""
    result = home.azdo("server", "add", url, "--vault", "file")
    assert result.code == 1
    assert not home.accounts_file.exists()
