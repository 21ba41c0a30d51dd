"""``setup --authority``: any server that conforms to OpenID Connect will do, not only Entra."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.openid import OLGA, Provider
from tests.support.people import at, of_kind
from tests.support.terminal import Sitting

if TYPE_CHECKING:
    from tests.conftest import Home, Result
    from tests.emulator.emulator import Emulator


def sign_in(home: Home, provider: Provider, *options: str) -> Result:
    """Sign in there with an own client."""
    own = ("--authority", provider.issuer, "--client-id", "our-client", "--scope", "openid git")
    sitting = Sitting(home, "--vault", "file", "--no-browser", *own, *options)
    return sitting.finish(provider.sign_in(sitting.link) if sitting.link else "")


def test_the_endpoints_come_from_the_servers_own_document(
    home: Home, emulator: Emulator, provider: Provider
) -> None:
    """Code, verifier and redirect go to its token endpoint; its token is what git gets."""
    result = sign_in(home, provider, "--org", "contoso")
    assert result.code == 0, result.err
    assert f"Signed in as {OLGA}" in result.err
    (form,) = provider.forms
    assert (form["client_id"], form["grant_type"], form["scope"]) == (
        "our-client",
        "authorization_code",
        "openid git",
    )
    account = of_kind(home, "oauth")[0]
    assert (account["authority"], account["token_endpoint"]) == (provider.issuer, f"{provider.issuer}/token")
    assert account["tenant"] == "" if "tenant" in account else True
    assert home.get(*at()).fields["username"] == OLGA
    assert emulator.seen("login.microsoftonline.com") == []


def test_the_same_person_again_is_the_same_account(
    home: Home, emulator: Emulator, provider: Provider
) -> None:
    """Known by the subject, which never changes; the name may."""
    assert sign_in(home, provider, "--org", "contoso").code == 0
    provider.claims = {"sub": "olga-1", "preferred_username": "olga.new@example.org"}
    assert sign_in(home, provider, "--org", "contoso").code == 0
    assert [account["name"] for account in of_kind(home, "oauth")] == ["olga.new@example.org"]
    provider.claims = {"sub": "olga-2", "preferred_username": "olga.new@example.org"}
    assert sign_in(home, provider, "--org", "contoso").code == 0
    assert len(of_kind(home, "oauth")) == 2
    assert emulator.requests


def test_without_a_refresh_token_the_sign_in_is_kept_and_its_end_is_told(
    home: Home, emulator: Emulator, provider: Provider
) -> None:
    """It is good for its first token."""
    provider.refreshes = False
    result = sign_in(home, provider, "--org", "contoso")
    assert result.code == 0
    assert "hint: no refresh token was returned" in result.err
    assert home.get(*at()).fields["username"] == OLGA
    assert emulator.requests


def test_what_a_server_says_cannot_steer_the_terminal_or_break_the_accounts_file(
    home: Home, emulator: Emulator, provider: Provider
) -> None:
    """A question mark stands for each control character of the name."""
    provider.claims = {"sub": "x\ny", "preferred_username": "ev\x1b[2Jil\n@example.org"}
    result = sign_in(home, provider, "--org", "contoso")
    assert result.code == 0
    assert "\x1b" not in result.err
    assert [(one["name"], one["subject"]) for one in of_kind(home, "oauth")] == [
        ("ev?[2Jil?@example.org", "x?y")
    ]
    assert emulator.requests


def test_without_an_identity_token_there_is_still_a_name(
    home: Home, emulator: Emulator, provider: Provider
) -> None:
    """Azure DevOps is asked, and if it does not know either, the account has a plain one."""
    provider.claims = None
    result = sign_in(home, provider, "--org", "contoso")
    assert result.code == 0
    assert of_kind(home, "oauth")[0]["name"] == "signed-in"
    assert emulator.requests


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ({"issuer": "https://elsewhere.example"}, "names another issuer"),
        ({"token_endpoint": "http://login.example/token"}, "no https address as token_endpoint"),
        ({"authorization_endpoint": 7}, "no https address as authorization_endpoint"),
    ],
)
def test_a_document_that_cannot_be_trusted_ends_setup(
    home: Home, emulator: Emulator, provider: Provider, document: dict[str, object], said: str
) -> None:
    """Nobody signs in for nothing."""
    provider.document = document
    result = sign_in(home, provider)
    assert (result.code, of_kind(home, "oauth")) == (1, [])
    assert said in result.err
    assert emulator.requests == []


def test_an_identity_token_of_another_attempt_is_refused(
    home: Home, emulator: Emulator, provider: Provider
) -> None:
    """Its nonce must be ours."""
    provider.claims = {"sub": "olga-1", "preferred_username": OLGA, "nonce": "another"}
    result = sign_in(home, provider)
    assert (result.code, of_kind(home, "oauth")) == (1, [])
    assert "belongs to another sign-in attempt" in result.err
    assert emulator.requests == []
