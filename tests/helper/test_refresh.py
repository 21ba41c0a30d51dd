"""The refresh behind ``get``: one request when a token is stale, however many ask, and everything of it saved."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

import pytest

from git_credential_azdo import deadline, tokens, writing
from git_credential_azdo.accounts import accounts_file
from tests.emulator import faults
from tests.emulator.default_world import ANN, BOB, CONTOSO, FABRIKAM
from tests.emulator.messages import json_response
from tests.support.people import LIFE, STALE, at, bind, challenge, everything_saved, sign_in
from tests.support.running import Begun, patiently
from tests.support.watch import new_password

if TYPE_CHECKING:
    from tests.conftest import Home
    from tests.emulator.emulator import Emulator
    from tests.support.people import Account

MANY = 8
LOGIN = "login.microsoftonline.com"
LINES = "".join(f"{line}\n" for line in at()).encode()


@pytest.mark.parametrize(("left", "asked"), [(310, 0), (290, 1), (-5, 1)])
def test_a_token_with_less_than_five_minutes_left_is_refreshed_first(
    home: Home, emulator: Emulator, ann: Account, left: int, asked: int
) -> None:
    """With one request, to the account's token endpoint for its tenant."""
    old = ann.token()
    ann.let_pass(LIFE - left)
    result = home.get(*at())
    assert (result.fields["password"] != old, result.err) == (bool(asked), "")
    assert result.fields["password"] == ann.token()
    assert [(record.method, record.host, record.path) for record in emulator.requests] == [
        ("POST", LOGIN, f"/{CONTOSO}/oauth2/v2.0/token")
    ] * asked


def test_what_comes_back_is_saved_and_serves_the_next_get(
    home: Home, emulator: Emulator, stale: Account
) -> None:
    """The rotated refresh token, the access token with its end, and a mark that ``store`` knows it by."""
    old = stale.secret("refresh")["token"]
    first = home.get(*at())
    saved = stale.secret("refresh")["token"]
    assert saved != old
    assert saved in emulator.world.grants.refresh
    assert abs(int(first.fields["password_expiry_utc"]) - time.time() - 3_599) < 30
    before = everything_saved(home)
    assert home.get(*at()).lines == first.lines
    assert home.store(*at(), *first.lines).err == ""
    assert everything_saved(home) == before
    assert len(emulator.requests) == 1


def test_the_rotated_token_is_used_for_the_next_refresh(
    home: Home, emulator: Emulator, stale: Account
) -> None:
    """Also when the old one has died with the rotation."""
    old = stale.secret("refresh")["token"]
    home.get(*at())
    del emulator.world.grants.refresh[old]
    stale.let_pass(STALE)
    result = home.get(*at())
    assert (result.fields["password"], result.err) == (stale.token(), "")


def test_a_server_that_does_not_rotate_keeps_the_sign_in(
    home: Home, emulator: Emulator, stale: Account
) -> None:
    """RFC 6749 allows an answer without a refresh token: the old one stays as it is."""
    token = emulator.world.new_access_token(ANN, CONTOSO)
    answer = json_response(200, {"access_token": token, "token_type": "Bearer", "expires_in": 3599})
    emulator.refuse(LOGIN, faults.Fault("respond", answer))
    before = stale.secret("refresh")
    assert home.get(*at()).fields["password"] == token
    assert stale.secret("refresh") == before


def test_each_tenant_has_its_own_token_and_age(home: Home, emulator: Emulator, ann: Account) -> None:
    """A stale token of one tenant does not cost the other's."""
    elsewhere = [*at("fabrikam/app/_git/app"), *challenge(FABRIKAM)]
    bind(home, "fabrikam", ann)
    home.get(*elsewhere)
    ann.let_pass(STALE)
    emulator.requests.clear()
    assert home.get(*elsewhere).fields["password"] == ann.token(FABRIKAM)
    assert emulator.requests == []
    assert home.get(*at()).fields["password"] == ann.token()
    assert [record.path for record in emulator.requests] == [f"/{CONTOSO}/oauth2/v2.0/token"]


def test_many_at_once_ask_one_time_and_are_all_answered(
    home: Home, emulator: Emulator, stale: Account
) -> None:
    """As with a fetch of many submodules."""
    running = [Begun(home, "get", given=LINES) for _ in range(MANY)]
    done = [each.ended() for each in running]
    assert {(code, err) for code, _, err in done} == {(0, b"")}
    assert {out.splitlines()[1] for _, out, _ in done} == {f"password={stale.token()}".encode()}
    assert len(emulator.requests) == 1


def test_a_token_of_a_short_life_is_refreshed_for_every_get(
    home: Home, emulator: Emulator, stale: Account
) -> None:
    """Four minutes are too few for the next one, but it is answered."""
    emulator.world.tenants[CONTOSO].access_token_seconds = 240
    for count in (1, 2):
        assert home.get(*at()).fields["password"] == stale.token()
        assert len(emulator.requests) == count
        stale.let_pass(10)


def test_a_token_just_received_serves_those_who_waited_for_it(
    home: Home, ann: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Though it has less than five minutes to live; one received before the wait is not."""
    monkeypatch.setenv("HOME", str(home.folder))
    monkeypatch.setenv("LOCALAPPDATA", str(home.folder / ".config"))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    now = int(time.time())
    ann.keep(f"access/{CONTOSO}", received_utc=str(now), expires_utc=str(now + 240))
    account = accounts_file.read(home.accounts_file.read_bytes()).accounts[0]
    assert tokens.live(account, CONTOSO, since=now) is not None
    assert tokens.live(account, CONTOSO, since=now + 5) is None
    assert tokens.live(account, CONTOSO) is None


def test_a_token_shows_no_secret_of_its_own() -> None:
    """Its text ends up in logs and failed assertions."""
    secret = new_password()
    text = repr(tokens.Token(secret, 1_700_000_000, CONTOSO, "d"))
    assert (secret in text, "1700000000" in text) == (False, True)


def test_a_token_received_in_the_future_is_refreshed(home: Home, emulator: Emulator, ann: Account) -> None:
    """The clock was set back since: how long it lives is not known any more."""
    ann.let_pass(-5_000)
    assert home.get(*at()).fields["password"] == ann.token()
    assert len(emulator.requests) == 1
    home.get(*at())
    assert len(emulator.requests) == 1


@pytest.mark.parametrize("hours", [-30, 30], ids=["slow", "fast"])
def test_a_wrong_clock_of_the_server_does_not_matter(
    home: Home, emulator: Emulator, stale: Account, hours: int
) -> None:
    """A token's life counts from its receipt."""
    emulator.world.advance(hours * 3_600)
    result = home.get(*at())
    assert abs(int(result.fields["password_expiry_utc"]) - time.time() - 3_599) < 30
    assert home.get(*at()).lines == result.lines
    assert (len(emulator.requests), stale.token()) == (1, result.fields["password"])


@pytest.mark.parametrize(
    "lines",
    [
        {"received_utc": "", "expires_utc": ""},
        {"expires_utc": "soon"},
        {"received_utc": "1e9"},
        {"token": ""},
    ],
    ids=str,
)
def test_a_damaged_entry_is_replaced(
    home: Home, emulator: Emulator, ann: Account, lines: dict[str, str]
) -> None:
    """What cannot be read of a token's life is worth nothing."""
    ann.keep(f"access/{CONTOSO}", **lines)
    result = home.get(*at())
    assert (result.fields["password"], result.err) == (ann.token(), "")
    assert len(emulator.requests) == 1


def test_an_access_token_that_left_the_vault_is_fetched_anew(
    home: Home, emulator: Emulator, ann: Account
) -> None:
    """The sign-in is still there."""
    ann.vault.delete(f"{ann.id}/access/{CONTOSO}")
    assert home.get(*at()).fields["password"] == ann.token() != ""
    assert len(emulator.requests) == 1


def test_an_account_forgotten_during_the_refresh_leaves_nothing_behind(
    home: Home, emulator: Emulator, stale: Account
) -> None:
    """``logout`` waits for the refresh: git gets its answer, the vault is empty afterwards."""
    fault = emulator.refuse(LOGIN, faults.hang())
    get = Begun(home, "get", given=LINES)
    assert fault.arrived.wait(90)
    logout = Begun(home, "logout", ANN)
    fault.released.set()
    code, out, err = get.ended()
    assert logout.ended() == (0, f"{ANN} is removed{os.linesep}".encode(), b"")
    assert (code, b"\npassword=" in out, err) == (0, True, b"")
    assert not [name for name in everything_saved(home) if name.startswith("vault")]
    assert stale.secret("refresh") == {}


def test_a_wait_that_exceeds_the_limit_is_reported(home: Home, emulator: Emulator, stale: Account) -> None:
    """Another process hangs in its refresh: the wait ends with the time that a ``get`` has."""
    assert stale.token()
    folder = home.accounts_file.parent / "locks"
    with writing.Lock(str(folder / stale.id), 1):
        result, _ = patiently(
            lambda seconds: home.get(*at(), AZDO_TIMEOUT=seconds), lambda result: ANN in result.err
        )
    assert (result.out, emulator.requests) == ("quit=1\n", [])
    assert f"to refresh the token of {ANN}\n" in result.err


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("", 30), ("5", 5), ("0", 30), ("-1", 30), ("soon", 30), ("nan", 30), ("inf", 3_600), ("1e300", 3_600)],
)
def test_the_time_that_a_get_has_can_be_set_within_reason(
    monkeypatch: pytest.MonkeyPatch, text: str, seconds: float
) -> None:
    """AZDO_TIMEOUT, in seconds from the start of the process; whatever it says, the wait is bounded."""
    monkeypatch.setenv("AZDO_TIMEOUT", text)
    monkeypatch.setattr(deadline, "_started", time.monotonic())
    assert seconds - 1 < deadline.left() <= seconds
    monkeypatch.setattr(deadline, "_started", time.monotonic() - 4_000)
    assert deadline.left() == 1


def test_an_authority_that_is_not_entra_has_no_tenants(home: Home, emulator: Emulator) -> None:
    """One token endpoint, one access token, whatever tenant the organization names."""
    emulator.add_server("https://id.example.com", {})
    bob = sign_in(home, emulator.world, BOB, "fabrikam", tenant=FABRIKAM)
    token = emulator.world.new_access_token(BOB, FABRIKAM)
    bob.set_all("tenant", [])
    bob.set_all("authority", ["https://id.example.com"])
    bob.set_all("token_endpoint", ["https://id.example.com/token"])
    bob.keep("refresh", origin="https://id.example.com")
    answer = json_response(200, {"access_token": token, "token_type": "Bearer", "expires_in": 3599})
    emulator.refuse("id.example.com", faults.Fault("respond", answer))
    lines = [*at("fabrikam/app/_git/app"), *challenge(FABRIKAM)]
    first = home.get(*lines)
    assert first.fields["password"] == token
    assert bob.secret("access/home")["token"] == token
    assert home.store(*lines, *first.lines).err == ""
    assert home.get(*lines).fields["password"] == token
    assert [record.host for record in emulator.requests] == ["id.example.com"]
