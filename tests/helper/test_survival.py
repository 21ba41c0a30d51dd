"""What ``get`` survives on the way to a new token: each failure is one line and a hint, and nothing is lost."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

from tests.emulator import faults
from tests.emulator.default_world import ANN, CONTOSO, FABRIKAM
from tests.emulator.messages import Response, json_response
from tests.support.people import (
    assert_refused,
    at,
    bind,
    blocks,
    bytes_saved,
    challenge,
    everything_saved,
    forget_failures,
    learn,
)
from tests.support.running import patiently

if TYPE_CHECKING:
    from tests.conftest import Home
    from tests.emulator.emulator import Emulator
    from tests.support.people import Account

LOGIN = "login.microsoftonline.com"
NOBODY = "http://127.0.0.1:1"


def answer(value: object, status: int = 200) -> faults.Fault:
    """Return a fault that answers JSON."""
    return faults.Fault("respond", json_response(status, value))


FAULTS: list[tuple[faults.Fault, list[str]]] = [
    (faults.close_connection(), ["cannot reach", "the connection was closed"]),
    (faults.html_page(), ["returned an HTML page instead of JSON"]),
    (faults.wrong_certificate(), ["certificate verification failed"]),
    (faults.server_error(), ["is busy", "503"]),
    (answer({"error": "temporarily_unavailable"}, 503), ["is busy"]),
    (answer({"error": "slow_down"}, 429), ["is busy"]),
    (answer([]), []),
    (answer({"token_type": "Bearer"}), []),
    (answer({"access_token": "a\nb", "token_type": "Bearer"}), []),
    (answer({"access_token": "a", "token_type": "mac"}), []),
    (faults.Fault("respond", Response(200)), ["not JSON"]),
    (faults.Fault("respond", Response(200, [], b"\xff\xfe{")), ["not JSON"]),
]


def test_a_failed_refresh_is_one_line_and_loses_nothing(
    home: Home, emulator: Emulator, stale: Account
) -> None:
    """Accounts file and vault are untouched but for the mark of the failure; without it the next ``get`` works."""
    before = bytes_saved(home)
    for fault, texts in FAULTS:
        emulator.refuse(LOGIN, fault)
        assert_refused(home.get(*at()), *texts)
        forget_failures(home)
        assert bytes_saved(home) == before
    emulator.faults.clear()
    assert home.get(*at()).fields["password"] == stale.token()


def test_no_network_is_named(home: Home, stale: Account) -> None:
    """Nobody listens where the way out begins."""
    before = everything_saved(home)
    proxies = dict.fromkeys(("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"), NOBODY)
    result, _ = patiently(
        lambda seconds: home.get(*at(), **proxies, AZDO_TIMEOUT=seconds),
        lambda result: "before the request" not in result.err,
    )
    assert_refused(result, f"cannot reach {LOGIN}", "connection refused")
    assert everything_saved(home) == before
    assert stale.token()


def test_a_proxy_that_refuses_is_named(home: Home, emulator: Emulator, stale: Account) -> None:
    """Its hint names the variable and git's setting."""
    stale.set_all("tenant", [])
    stale.set_all("authority", ["https://id.example.com"])
    stale.set_all("token_endpoint", ["https://id.example.com/token"])
    stale.keep("refresh", origin="https://id.example.com")
    result = home.get(*at())
    assert_refused(result, "cannot reach id.example.com", "refused (403)")
    assert "HTTPS_PROXY" in result.err
    assert [record.host for record in emulator.requests if record.status == 200] == []


def test_a_server_that_hangs_costs_no_more_than_the_time_given(
    home: Home, emulator: Emulator, stale: Account
) -> None:
    """AZDO_TIMEOUT bounds the whole ``get``, both questions together."""
    began = time.monotonic()
    emulator.refuse("dev.azure.com", faults.hang())
    emulator.refuse(LOGIN, faults.hang())
    bind(home, "fabrikam", stale)
    result = home.get(*at("fabrikam/app/_git/app"), AZDO_TIMEOUT="1")
    assert_refused(result)
    # Which limit is first, the request's or the run's, is the machine's speed.
    assert "cannot reach" in result.err or "did not respond" in result.err
    # Only on Linux may the request take longer than the run: a child saves the answer.
    assert time.monotonic() - began < 20
    result, seconds = patiently(
        lambda seconds: home.get(*at(), AZDO_TIMEOUT=seconds), lambda _: bool(emulator.seen(LOGIN))
    )
    cause = f"gave up after {seconds} s: " if sys.platform.startswith("linux") else "after "
    assert_refused(result, cause, LOGIN)
    emulator.faults.release()
    assert stale.token()


def test_a_redirect_is_not_followed(home: Home, emulator: Emulator, stale: Account) -> None:
    """The refresh token would travel to another host."""
    emulator.add_server("https://evil.example.com", {})
    for status in (301, 302, 307, 308):
        fault = faults.redirect_to("https://evil.example.com/token")
        assert fault.response is not None
        fault.response.status = status
        emulator.requests.clear()
        emulator.refuse(LOGIN, fault)
        assert_refused(home.get(*at()), "redirected the request")
        assert emulator.seen("evil.example.com") == []
        assert stale.secret("refresh")["token"].encode() in emulator.requests[0].body.replace(b"%2F", b"/")
        forget_failures(home)


def test_a_redirect_of_the_question_for_the_tenant_is_not_followed(
    home: Home, emulator: Emulator, stale: Account
) -> None:
    """The account's own tenant then stands in."""
    emulator.add_server("https://evil.example.com", {})
    emulator.refuse("dev.azure.com", faults.redirect_to("https://evil.example.com/"))
    bind(home, "fabrikam", stale)
    assert home.get(*at("fabrikam/app/_git/app")).fields["password"] == stale.token()
    assert emulator.seen("evil.example.com") == []


def test_an_organization_that_does_not_exist_is_named(home: Home, emulator: Emulator, stale: Account) -> None:
    """A mistyped address is the commonest reason."""
    bind(home, "contosso", stale)
    assert_refused(home.get(*at("contosso/app/_git/app")), "there is no organization contosso")
    assert (stale.token() != "", emulator.seen(LOGIN)) == (True, [])


def test_a_revoked_sign_in_says_what_to_run(home: Home, emulator: Emulator, stale: Account) -> None:
    """Cause, command, and the ids that an administrator asks for; the refresh token stays in the vault."""
    emulator.world.grants.revoke_sign_ins(ANN)
    before = bytes_saved(home)
    result = home.get(*at())
    assert_refused(result, f"the sign-in of {ANN} was revoked", "AADSTS50173", "trace id ", "correlation id ")
    assert f"hint: git credential-azdo setup --tenant {CONTOSO} --login-hint {ANN}\n" in result.err
    forget_failures(home)
    assert bytes_saved(home) == before
    assert stale.secret("refresh")


REFUSALS = {
    50076: "requires multifactor authentication for ann@contoso.com",
    50079: "must register for multifactor",
    53003: "block ann@contoso.com here",
    65001: "has not consented",
    700082: "has expired",
    70043: "sign in again from time to time",
    53000: "requires a managed (compliant) device",
    90033: "busy",
}


def test_what_entra_refuses_is_reported_in_plain_words(
    home: Home, emulator: Emulator, stale: Account
) -> None:
    """Raw text is never the whole message; nothing is lost, and the next request may work."""
    before = bytes_saved(home)
    for code, cause in REFUSALS.items():
        emulator.world.fail_next("token", code)
        result = home.get(*at())
        assert_refused(result, cause)
        assert (f"AADSTS{code}" in result.err, result.err.count("hint: ")) == (True, 1)
        forget_failures(home)
        assert bytes_saved(home) == before
    assert home.get(*at()).fields["password"] == stale.token()


def test_a_tenant_that_refuses_the_account_is_forgotten(
    home: Home, emulator: Emulator, stale: Account
) -> None:
    """What was learned may be out of date; the account's own tenant is tried the next time."""
    learn(home, "hobby", FABRIKAM)
    emulator.world.tenants[FABRIKAM].guests.clear()
    result = home.get(*at("hobby/app/_git/app"))
    assert_refused(result, f"{ANN} is not a member or guest of tenant {FABRIKAM}")
    assert not [block for block in blocks(home) if ("tenant", FABRIKAM) in block]
    assert [block for block in blocks(home) if ("organization", "contoso") in block]
    assert stale.secret("refresh")


def test_a_tenant_that_cannot_be_forgotten_hides_no_refusal(
    home: Home, emulator: Emulator, stale: Account
) -> None:
    """The accounts file is read-only: the person still hears of the refusal."""
    emulator.world.tenants[FABRIKAM].guests.clear()
    bind(home, "fabrikam", stale)
    (home.accounts_file.parent / "accounts.lock").mkdir()
    result = home.get(*at("fabrikam/app/_git/app"), *challenge(FABRIKAM))
    assert_refused(result, f"{ANN} is not a member or guest of tenant {FABRIKAM}")
    assert stale.secret("refresh")


def test_a_sign_in_that_left_the_vault_says_what_to_run(
    home: Home, emulator: Emulator, stale: Account
) -> None:
    """Somebody cleared the keyring."""
    stale.vault.delete(f"{stale.id}/refresh")
    result = home.get(*at())
    assert_refused(result, f"the sign-in of {ANN} is no longer in the vault")
    assert f"hint: git credential-azdo setup --login-hint {ANN}\n" in result.err
    assert emulator.requests == []


def test_a_token_endpoint_that_is_not_https_gets_no_token(
    home: Home, emulator: Emulator, stale: Account
) -> None:
    """Somebody edited the file."""
    stale.set_all("token_endpoint", ["http://login.example.com/token"])
    assert_refused(home.get(*at()), "no https address")
    assert emulator.requests == []
