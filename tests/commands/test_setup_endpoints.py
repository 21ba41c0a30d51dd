"""Where ``setup`` and ``get`` send codes, refresh tokens and client secrets, when documents and files say otherwise."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

import pytest

from git_credential_azdo.errors import command
from tests.emulator.default_world import ANN, CONTOSO
from tests.emulator.faults import Fault
from tests.emulator.messages import json_response
from tests.support.openid import OLGA
from tests.support.people import STALE, Account, at, blocks, sign_in
from tests.support.terminal import LINK, Sitting, Terminal
from tests.support.watch import new_password
from tests.support.workloads import CLIENT, add_app

if TYPE_CHECKING:
    from tests.conftest import Home
    from tests.emulator.emulator import Emulator
    from tests.support.openid import Provider

OWN = ("--client-id", "our-client", "--scope", "openid git", "--vault", "file", "--no-browser")


def origin_of(provider: Provider) -> str:
    """Return the provider's scheme, host and port."""
    return provider.issuer.removesuffix("/realm")


def only_account(home: Home) -> Account:
    """Return the one account of the home."""
    return Account(home, next(value for pairs in blocks(home) for key, value in pairs if key == "id"))


# --- the accounts file


@pytest.mark.parametrize("as_0_1_0", [False, True])
@pytest.mark.parametrize("authority", [False, True])
def test_a_changed_token_endpoint_in_the_accounts_file_never_gets_the_refresh_token(
    home: Home,
    emulator: Emulator,
    provider: Provider,
    authority: bool,  # noqa: FBT001 - a table
    as_0_1_0: bool,  # noqa: FBT001 - a table
) -> None:
    """Nor with an authority that fits it; the line names the server, and setup at Microsoft's is the cure."""
    ann = sign_in(home, emulator.world, ANN, "contoso")
    ann.let_pass(STALE)
    if as_0_1_0:
        saved = ann.secret("refresh")
        del saved["origin"]
        ann.vault.write(f"{ann.id}/refresh", "".join(f"{key}={value}\n" for key, value in saved.items()))
    ann.set_all("token_endpoint", [f"{provider.issuer}/token"])
    if authority:
        ann.set_all("authority", [f"{provider.issuer}"])
    result = home.get(*at())
    assert (provider.forms, result.fields.get("quit")) == ([], "1")
    line = f"{ANN} in the accounts file is not where this account was set up: {origin_of(provider)}"
    assert line in result.err
    assert result.err.endswith(f"hint: git credential-azdo setup --login-hint {ANN}\n")


def test_the_hint_about_a_changed_token_endpoint_cures_it(
    home: Home, emulator: Emulator, provider: Provider
) -> None:
    """Run as printed, it signs the same account in again, at Microsoft's."""
    first = Sitting(home, "--vault", "file", "--no-browser")
    assert first.finish(emulator.sign_in(first.link)).code == 0
    ann = only_account(home)
    ann.let_pass(STALE)
    ann.set_all("token_endpoint", [f"{provider.issuer}/token"])
    command = home.get(*at()).err.partition("hint: git credential-azdo setup ")[2]
    again = Sitting(home, "--vault", "file", "--no-browser", *shlex.split(command))
    assert again.finish(emulator.sign_in(again.link)).code == 0
    ann = only_account(home)
    ann.let_pass(STALE)
    assert (home.get(*at()).fields["username"], provider.forms) == (ANN, [])


def test_the_origin_stays_with_the_refresh_token_when_it_is_rotated(home: Home, emulator: Emulator) -> None:
    """What was kept without one by an earlier version gets one."""
    ann = sign_in(home, emulator.world, ANN, "contoso")
    ann.let_pass(STALE)
    before = ann.secret("refresh")
    ann.keep("refresh", origin="https://login.microsoftonline.com")
    assert home.get(*at()).err == ""
    after = ann.secret("refresh")
    assert after["token"] != before["token"]
    assert after["origin"] == "https://login.microsoftonline.com"


def test_a_changed_token_endpoint_never_gets_a_client_secret(
    home: Home, emulator: Emulator, provider: Provider
) -> None:
    """The app's secret is bound to its origin, too, whatever authority and tenant the file names by now."""
    secret = new_password(40)
    add_app(emulator.world, secret=secret)
    words = ("service-principal", CLIENT, "--tenant", CONTOSO, "--org", "contoso")
    assert home.azdo("setup", *words, "--vault", "file", given=secret).code == 0
    app = only_account(home)
    assert app.secret("client-secret")["origin"] == "https://login.microsoftonline.com"
    app.let_pass(STALE)
    for key, values in (
        ("token_endpoint", [f"{provider.issuer}/token"]),
        ("authority", [provider.issuer]),
        ("tenant", []),
    ):
        app.set_all(key, values)
        result = home.get(*at())
        assert (provider.forms, result.fields.get("quit")) == ([], "1"), key
        assert "is not where this account was set up" in result.err
        assert origin_of(provider) not in result.err.partition("hint: ")[2], key


# --- an authority's document


def test_endpoints_on_another_host_are_asked_about_and_then_used(
    home: Home, emulator: Emulator, provider: Provider
) -> None:
    """Yes is recorded with the token: it is refreshed there, and nowhere else."""
    host = provider.issuer.partition("://")[2].partition("/")[0].replace("127.0.0.1", "localhost")
    provider.document = {"token_endpoint": f"http://{host}/realm/token"}
    with Terminal(home, "setup", "--authority", provider.issuer, *OWN, "--org", "contoso") as terminal:
        terminal.see(f"names endpoints on other hosts: {host}")
        terminal.see(r"\[y/N\]")
        terminal.type("y\r")
        terminal.type(f"{provider.sign_in(terminal.see(LINK))}\r")
        assert terminal.ended() == 0, terminal.text
    olga = only_account(home)
    assert olga.secret("refresh")["origin"] == f"http://{host}"
    olga.let_pass(STALE, "home")
    assert home.get(*at()).fields["username"] == OLGA
    assert [form["grant_type"] for form in provider.forms] == ["authorization_code", "refresh_token"]
    assert emulator.seen("login.microsoftonline.com") == []


def test_a_no_to_another_host_sends_nothing(home: Home, emulator: Emulator, provider: Provider) -> None:
    """It is the default, and there is no link to sign in with."""
    provider.document = {"token_endpoint": "https://evil.test/token"}
    with Terminal(home, "setup", "--authority", provider.issuer, *OWN) as terminal:
        terminal.see(r"\[y/N\]")
        terminal.type("\r")
        assert terminal.ended() == 1
        assert "error: the OpenID configuration of" in terminal.text
        assert "response_type" not in terminal.text
    assert (provider.forms, blocks(home), emulator.requests) == ([], [], [])


@pytest.mark.parametrize("name", ["authorization_endpoint", "token_endpoint"])
def test_without_a_terminal_another_host_needs_the_option_that_the_line_names(
    home: Home, emulator: Emulator, provider: Provider, name: str
) -> None:
    """The hint is the very command with the option; run as printed it signs in."""
    host = provider.issuer.partition("://")[2].partition("/")[0].replace("127.0.0.1", "localhost")
    provider.document = {name: f"http://{host}/realm/token"}
    given = ("setup", "--authority", provider.issuer, *OWN, "--alias", "work")
    refused = home.azdo(*given)
    assert (refused.code, provider.forms, emulator.requests) == (1, [], [])
    assert f"names endpoints on other hosts: {host}" in refused.err
    option = ("--endpoint-host", host)
    assert refused.err.splitlines()[-1].endswith(
        command(*OWN[OWN.index("--scope") :], "--alias", "work", *option)
    )
    sitting = Sitting(home, *given[1:], *option)
    assert sitting.finish(provider.sign_in(sitting.link)).code == 0


def test_microsofts_document_names_microsofts_hosts_or_setup_ends(home: Home, emulator: Emulator) -> None:
    """No question, no option: nobody knows better there."""
    base = f"https://login.microsoftonline.com/{CONTOSO}"
    document = {
        "issuer": f"{base}/v2.0",
        "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
        "token_endpoint": "https://evil.test/x",
    }
    emulator.refuse("login.microsoftonline.com", Fault("respond", json_response(200, document)))
    result = home.azdo("setup", "--tenant", CONTOSO, "--vault", "file", "--endpoint-host", "evil.test")
    assert (result.code, blocks(home)) == (1, [])
    assert "as token_endpoint" in result.err
    assert "response_type" not in result.err
