"""What git's own test library asks of a credential helper, for a registered server.

The behaviours (not the text) of git's t/lib-credential.sh, groups A, C, D and E: with the file vault by real git, with a
real Secret Service by our verbs alone. stdout and stderr are compared whole: git passes a helper's stderr on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import pytest

from tests.conftest import SCRIPT
from tests.support.watch import new_password

if TYPE_CHECKING:
    from tests.conftest import Home, Result

HOST = "example.com"
ASKPASS = """#!/bin/sh
echo "askpass: $*" >&2
case "$1" in *Username*) echo askpass-username;; *) echo askpass-password;; esac
"""


class Server:
    """A home in which a server is registered, and git with us as its only helper."""

    registered: ClassVar[dict[str, str]] = {}
    """The accounts file by vault, as ``server add`` left it for the first test."""

    def __init__(self, home: Home, vault: str) -> None:
        self.home, self.vault = home, vault
        askpass = home.folder / "askpass"
        askpass.write_text(ASKPASS)
        askpass.chmod(0o755)
        home.environment["GIT_ASKPASS"] = str(askpass)
        if vault in self.registered:
            home.write_accounts_file(self.registered[vault])
            return
        options = ["--vault", vault]
        assert home.azdo("server", "add", f"https://{HOST}", *options).code == 0
        assert home.azdo("server", "add", f"http://{HOST}", "--allow-http", *options).code == 0
        self.registered[vault] = home.accounts_file.read_text()

    def ask(self, verb: str, *lines: str, git_verb: str, config: tuple[str, ...] = ()) -> Result:
        """Run our verb, or git's that runs it."""
        given = "".join(f"{line}\n" for line in lines)
        if self.vault != "file":
            return self.home.azdo(verb, given=given)
        settings = [word for entry in (f"credential.helper={SCRIPT}", *config) for word in ("-c", entry)]
        result = self.home.git(*settings, "credential", git_verb, given=given)
        assert result.code == 0
        return result

    def approve(self, *lines: str, config: tuple[str, ...] = ()) -> None:
        """Store, which must be silent."""
        result = self.ask("store", *lines, git_verb="approve", config=config)
        assert (result.out, result.err) == ("", "")

    def reject(self, *lines: str) -> None:
        """Erase, which must be silent."""
        result = self.ask("erase", *lines, git_verb="reject")
        assert (result.out, result.err) == ("", "")

    def assert_fills(self, *lines: str, with_: list[str], config: tuple[str, ...] = ()) -> None:
        """Fill must give just these further lines and ask nobody."""
        result = self.ask("get", *lines, git_verb="fill", config=config)
        repeated = lines if self.vault == "file" else ()
        assert sorted(result.lines) == sorted({*repeated, *with_})
        assert result.err == ""

    def assert_misses(self, *lines: str, config: tuple[str, ...] = ()) -> None:
        """Fill must fall through to git's own question."""
        result = self.ask("get", *lines, git_verb="fill", config=config)
        if self.vault == "file":
            assert "password=askpass-password" in result.lines
            assert "\naskpass: Password" in f"\n{result.err}"
        else:
            assert (result.out, result.err, result.code) == ("", "", 0)


@pytest.fixture(params=["file", "keyring"])
def server(request: pytest.FixtureRequest) -> Server:
    """Return a registered server, once with each vault."""
    home: Home = request.getfixturevalue("home" if request.param == "file" else "keyring_home")
    return Server(home, request.param)


def at(host: str = HOST, protocol: str = "https", **more: str) -> list[str]:
    """Return the lines of a request."""
    return [f"protocol={protocol}", f"host={host}", *(f"{key}={value}" for key, value in more.items())]


def test_a_stored_password_is_given_back_where_protocol_host_and_user_match(server: Server) -> None:
    """With the user's name; a request that differs in one of them is not answered, nor one for a host of others."""
    password = new_password()
    server.approve(*at(username="store-user", password=password))
    server.assert_fills(*at(), with_=["username=store-user", f"password={password}"])
    for lines in (at(protocol="http"), at("other.example.com"), at(username="other"), at("other.example")):
        server.assert_misses(*lines)


def test_the_path_must_match_when_git_sends_it(server: Server) -> None:
    """With useHttpPath, a password of one repository does not serve another."""
    config = ("credential.useHttpPath=true",)
    password = new_password()
    server.approve(*at(protocol="http", path="foo.git", username="user", password=password), config=config)
    server.assert_fills(
        *at(protocol="http", path="foo.git"), with_=["username=user", f"password={password}"], config=config
    )
    server.assert_misses(*at(protocol="http", path="bar.git"), config=config)


def test_a_second_store_of_the_same_user_wins(server: Server) -> None:
    """The new password replaces the old one, and erasing with the new one removes it."""
    first, second = new_password(), new_password()
    server.approve(*at(username="user", password=first))
    server.approve(*at(username="user", password=second))
    server.assert_fills(*at(), with_=["username=user", f"password={second}"])
    server.reject(*at(username="user", password=second))
    server.assert_misses(*at())


def test_erase_by_host_removes_every_user_of_the_host(server: Server) -> None:
    """And an erase of what is not there is harmless."""
    for user in ("one", "two"):
        server.approve(*at(username=user, password=new_password()))
    server.reject(*at())
    server.assert_misses(*at())
    server.reject(*at())


def test_two_users_of_one_host_are_distinguished(server: Server) -> None:
    """Each is found by name, and forgetting one keeps the other."""
    one, two = new_password(), new_password()
    server.approve(*at(username="one", password=one))
    server.approve(*at(username="two", password=two))
    server.assert_fills(*at(username="one"), with_=[f"password={one}"])
    server.assert_fills(*at(username="two"), with_=[f"password={two}"])
    server.reject(*at(username="one"))
    server.assert_misses(*at(username="one"))
    server.assert_fills(*at(username="two"), with_=[f"password={two}"])


def test_erase_with_another_password_keeps_the_entry(server: Server) -> None:
    """What is refused may be an older password of somebody else's making."""
    password = new_password()
    server.approve(*at(username="user", password=password))
    server.reject(*at(username="user", password=new_password()))
    server.assert_fills(*at(), with_=["username=user", f"password={password}"])


def test_empty_user_and_password_round_trip(server: Server) -> None:
    """Empty is not absent."""
    server.approve(*at(username="", password=""))
    server.assert_fills(*at(), with_=["username=", "password="])


def test_a_long_header_is_not_taken_for_a_host(server: Server) -> None:
    """A wwwauth line of 1,000 bytes ending in host=victim stays one line."""
    server.approve(*at("victim.example.com", username="user", password=new_password()))
    home = server.home
    padding = "x" * 1_000
    result = home.get(
        "protocol=https", "host=other.example.com", f"wwwauth[]=basic realm={padding}host={HOST}"
    )
    assert (result.out, result.err, result.code) == ("", "", 0)


def test_odd_bytes_round_trip(server: Server) -> None:
    """Any byte but newline and NUL survives, also what is not UTF-8."""
    password = bytes(byte for byte in range(1, 256) if byte not in b"\n\r") + b"\r."
    home = server.home
    lines = b"protocol=https\nhost=example.com\n"
    assert home.azdo("store", given=lines + b"username=odd\npassword=" + password + b"\n").code == 0
    result = home.azdo("get", given=lines + b"username=odd\n")
    assert result.out.encode("utf-8", "surrogateescape") == b"password=" + password + b"\n"


def test_an_expiry_is_saved_and_replaced_with_its_password(server: Server) -> None:
    """It comes back with the password, is replaced by a later store, and is no part of the match."""
    first, second = new_password(), new_password()
    home = server.home
    entry = at(username="user")
    home.store(*entry, f"password={first}", "password_expiry_utc=9999999999")
    assert home.get(*at()).fields == {
        "username": "user",
        "password": first,
        "password_expiry_utc": "9999999999",
    }
    home.store(*entry, f"password={second}", "password_expiry_utc=9999999998")
    assert home.get(*at()).fields["password_expiry_utc"] == "9999999998"
    home.erase(*entry, f"password={second}")
    assert home.get(*at()).out == ""


def test_an_expired_password_is_not_given(server: Server) -> None:
    """An old git would not drop it for us."""
    server.home.store(*at(username="user", password=new_password()), "password_expiry_utc=5")
    assert server.home.get(*at()).out == ""


def test_a_refresh_token_of_another_helper_is_saved_beside_its_password(server: Server) -> None:
    """Group D: oauth_refresh_token round-trips."""
    password, refresh = new_password(), new_password()
    server.home.store(*at(username="user", password=password, oauth_refresh_token=refresh))
    assert server.home.get(*at()).fields["oauth_refresh_token"] == refresh


@pytest.mark.parametrize("user", [[], ["username=user"]], ids=["no user", "a user"])
def test_an_authtype_is_given_only_to_a_git_that_knows_it(server: Server, user: list[str]) -> None:
    """Group E: stored with or without a user, given back after its capability, withheld without it."""
    credential = new_password()
    home = server.home
    home.store("capability[]=authtype", *at(), *user, "authtype=Bearer", f"credential={credential}")
    assert home.get("capability[]=authtype", *at()).lines == [
        "capability[]=authtype",
        *user,
        "authtype=Bearer",
        f"credential={credential}",
    ]
    assert home.get(*at()).out == ""
    assert home.get("capability[]=authtype", *at(username="other")).out == ""


@pytest.mark.parametrize("key", ["password", "credential"])
def test_an_ephemeral_credential_is_never_saved(server: Server, key: str) -> None:
    """It is good for one request only."""
    extra = ["authtype=Bearer"] if key == "credential" else []
    server.home.store(*at(username="user"), f"{key}={new_password()}", *extra, "ephemeral=1")
    assert server.home.get("capability[]=authtype", *at()).out == ""


def test_later_stores_do_not_disturb_earlier_ones(server: Server) -> None:
    """Eight shapes of one address stay eight entries."""
    shapes = [
        at(protocol=protocol, username=user, **({"path": path} if path else {}))
        for protocol in ("https", "http")
        for user in ("one", "two")
        for path in ("", "a/b")
    ]
    saved = {tuple(shape): new_password() for shape in shapes}
    for shape, password in saved.items():
        server.home.store(*shape, f"password={password}")
    for shape, password in saved.items():
        exact = [*shape] if any(line.startswith("path") for line in shape) else None
        if exact:
            assert server.home.get(*exact).fields["password"] == password
    server.home.erase(*at(username="one", path="a/b"))
    assert server.home.get(*at(protocol="http", username="one", path="a/b")).out != ""
    assert server.home.get(*at(username="two", path="a/b")).out != ""


def test_http_needs_its_own_registration(home: Home) -> None:
    """A server registered for https is not served over http."""
    home.azdo("server", "add", f"https://{HOST}", "--vault", "file")
    home.store(*at(protocol="http", username="user", password=new_password()))
    assert home.get(*at(protocol="http")).out == ""
    assert home.azdo("server", "add", f"http://{HOST}").code == 1


def test_the_default_port_is_the_same_server(home: Home) -> None:
    """A port is part of a server's name unless it is the scheme's own."""
    home.azdo("server", "add", f"https://{HOST}:443", "--vault", "file")
    password = new_password()
    home.store(*at(username="user", password=password))
    assert home.get(*at(f"{HOST}:443")).fields["password"] == password
    assert home.get(*at(f"{HOST}:8443")).out == ""
