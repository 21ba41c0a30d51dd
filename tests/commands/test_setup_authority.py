"""``setup --authority``: any server that conforms to OpenID Connect will do, and is told nothing that only Entra knows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from git_credential_azdo.accounts.account import Account as Read
from git_credential_azdo.accounts.account import Block
from git_credential_azdo.signin import sign_in_errors
from tests.support.openid import OLGA, Provider
from tests.support.people import STALE, Account, at, blocks, of_kind
from tests.support.terminal import Sitting, asked

if TYPE_CHECKING:
    from tests.conftest import Home, Result
    from tests.emulator.emulator import Emulator

FILE = ("--vault", "file", "--no-browser")
SCOPE = "openid git offline_access"


def own(provider: Provider) -> tuple[str, ...]:
    """Return the options that name the provider and a client of its own."""
    return ("--authority", provider.issuer, "--client-id", "our-client", "--scope", SCOPE)


def sign_in(home: Home, provider: Provider, *options: str) -> Result:
    """Sign in there with an own client."""
    sitting = Sitting(home, *FILE, *own(provider), *options)
    return sitting.finish(provider.sign_in(sitting.link) if sitting.link else "")


def olga(home: Home) -> Account:
    """Return the one account of the home, with a token that is to be refreshed."""
    account = Account(home, of_kind(home, "oauth")[0]["id"])
    account.let_pass(STALE, "home")
    return account


def test_the_endpoints_come_from_the_servers_own_document(
    home: Home, emulator: Emulator, provider: Provider
) -> None:
    """Code, verifier and redirect go to its token endpoint; its token is what git gets."""
    result = sign_in(home, provider, "--org", "contoso")
    assert result.code == 0, result.err
    assert f"Signed in as {OLGA}" in result.err
    (form,) = provider.forms
    assert (form["client_id"], form["grant_type"]) == ("our-client", "authorization_code")
    assert form["scope"] == SCOPE
    account = of_kind(home, "oauth")[0]
    assert (account["authority"], account["token_endpoint"]) == (provider.issuer, f"{provider.issuer}/token")
    assert not account.get("tenant")
    assert home.get(*at()).fields["username"] == OLGA
    assert emulator.seen("login.microsoftonline.com") == []


def test_another_authority_is_sent_nothing_that_only_entra_knows(
    home: Home, emulator: Emulator, provider: Provider
) -> None:
    """``prompt=select_account`` is refused by some; a sign-in hint is OpenID Connect's own."""
    plain = Sitting(home, *FILE, *own(provider))
    assert "prompt" not in asked(plain.link)
    assert plain.finish(provider.sign_in(plain.link)).code == 0
    hinted = Sitting(home, *FILE, *own(provider), "--login-hint", OLGA)
    assert asked(hinted.link)["login_hint"] == OLGA
    assert hinted.finish(provider.sign_in(hinted.link)).code == 0
    entra = Sitting(home, *FILE)
    assert asked(entra.link)["prompt"] == "select_account"
    assert entra.finish(emulator.sign_in(entra.link)).code == 0


def test_another_authority_is_never_given_the_client_id_of_visual_studio(
    home: Home, emulator: Emulator, provider: Provider
) -> None:
    """It knows its own clients only; the scope of Azure DevOps is Entra's, too."""
    given = (*FILE, "--authority", provider.issuer)
    result = home.azdo("setup", *given)
    assert (result.code, provider.forms) == (1, [])
    assert result.err == (
        "git-credential-azdo: error: missing --client-id: this authority knows only its own clients\n"
        f"git-credential-azdo: hint: git credential-azdo setup {' '.join(given)} --client-id ID\n"
    )
    sitting = Sitting(home, *given, "--client-id", "our", "--org", "contoso")
    assert asked(sitting.link)["scope"] == "openid profile offline_access"
    assert sitting.finish(provider.sign_in(sitting.link)).code == 0
    assert emulator.seen("login.microsoftonline.com") == []


@pytest.mark.usefixtures("emulator")
def test_a_sign_in_that_ended_there_is_begun_again_there(home: Home, provider: Provider) -> None:
    """A cure without the authority would sign in at Microsoft."""
    assert sign_in(home, provider, "--org", "contoso").code == 0
    provider.refusal = {"error": "invalid_grant", "error_description": "the session was ended"}
    olga(home)
    assert home.get(*at()).err == (
        "git-credential-azdo: error: the sign-in of olga@example.org is no longer valid; "
        "the server says: the session was ended (invalid_grant)\n"
        "git-credential-azdo: hint: git credential-azdo setup --login-hint olga@example.org "
        f"--authority {provider.issuer} --client-id our-client --scope '{SCOPE}'\n"
    )


@pytest.mark.usefixtures("emulator")
def test_the_same_person_again_is_the_same_account(home: Home, provider: Provider) -> None:
    """Known by the subject, which never changes; the name may."""
    assert sign_in(home, provider, "--org", "contoso").code == 0
    provider.claims = {"sub": "olga-1", "preferred_username": "olga.new@example.org"}
    assert sign_in(home, provider, "--org", "contoso").code == 0
    assert [account["name"] for account in of_kind(home, "oauth")] == ["olga.new@example.org"]
    provider.claims = {"sub": "olga-2", "preferred_username": "olga.new@example.org"}
    assert sign_in(home, provider, "--org", "contoso").code == 0
    assert len(of_kind(home, "oauth")) == 2


@pytest.mark.parametrize(
    ("claims", "code"),
    [
        ({"preferred_username": "o.smith@example.org", "email": "Olga@example.org"}, 0),
        ({"upn": "olga@example.org"}, 0),
        ({"preferred_username": "eve@example.org", "name": "olga@example.org"}, 1),
        ({}, 1),
    ],
)
def test_any_sign_in_name_of_the_identity_token_will_do(
    home: Home, emulator: Emulator, provider: Provider, claims: dict[str, str], code: int
) -> None:
    """People know themselves by their address; a display name is no sign-in name, and no name at all is nobody."""
    provider.claims = {"sub": "olga-1", **claims}
    assert sign_in(home, provider, "--login-hint", OLGA).code == code
    assert len(of_kind(home, "oauth")) == (code == 0)
    assert emulator.seen("login.microsoftonline.com") == []


@pytest.mark.usefixtures("emulator")
def test_without_a_refresh_token_the_sign_in_is_saved_and_its_end_announced(
    home: Home, provider: Provider
) -> None:
    """It is good for its first token."""
    provider.refreshes = False
    result = sign_in(home, provider, "--org", "contoso")
    assert result.code == 0
    assert "hint: no refresh token was returned" in result.err
    assert home.get(*at()).fields["username"] == OLGA


@pytest.mark.usefixtures("emulator")
def test_what_a_server_says_cannot_steer_the_terminal_or_break_the_accounts_file(
    home: Home, provider: Provider
) -> None:
    """A question mark stands for each control character of the name."""
    provider.claims = {"sub": "x\ny", "preferred_username": "ev\x1b[2Jil\n@example.org"}
    result = sign_in(home, provider, "--org", "contoso")
    assert result.code == 0
    assert "\x1b" not in result.err
    (account,) = of_kind(home, "oauth")
    assert (account["name"], account["subject"]) == ("ev?[2Jil?@example.org", "x?y")


@pytest.mark.usefixtures("emulator")
@pytest.mark.parametrize("claims", [None, {}])
def test_an_account_without_a_name_is_signed_in_again_without_one(
    home: Home, provider: Provider, claims: dict[str, str] | None
) -> None:
    """Without an identity token, or a name in it, it gets a plain one, which would refuse everybody in the cure."""
    provider.claims = claims
    assert sign_in(home, provider, "--org", "contoso").code == 0
    account = Read(Block(next(pairs for pairs in blocks(home) if ("kind", "oauth") in pairs)))
    assert account.name == "signed-in"
    assert "--login-hint" not in sign_in_errors.setup_again(account)


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ({"issuer": "https://elsewhere.example"}, "names another issuer"),
        ({"token_endpoint": "http://login.example/token"}, "no https address as token_endpoint"),
    ],
)
def test_a_document_that_cannot_be_trusted_ends_setup(
    home: Home, emulator: Emulator, provider: Provider, document: dict[str, object], said: str
) -> None:
    """Nobody signs in for nothing."""
    provider.document = document
    result = sign_in(home, provider)
    assert (result.code, of_kind(home, "oauth"), emulator.requests) == (1, [], [])
    assert said in result.err


def test_an_identity_token_of_another_attempt_is_refused(
    home: Home, emulator: Emulator, provider: Provider
) -> None:
    """Its nonce must be ours."""
    provider.claims = {"sub": "olga-1", "preferred_username": OLGA, "nonce": "another"}
    result = sign_in(home, provider)
    assert (result.code, of_kind(home, "oauth"), emulator.requests) == (1, [], [])
    assert "belongs to another sign-in attempt" in result.err


@pytest.mark.parametrize(("granted", "kept"), [("openid git", "openid git"), (None, SCOPE), ("a\nb", SCOPE)])
def test_a_refresh_asks_for_the_scope_that_was_granted(
    home: Home, emulator: Emulator, provider: Provider, granted: str | None, kept: str
) -> None:
    """RFC 6749 section 6: a refresh for more is refused, and would be for good."""
    provider.scope = granted
    assert sign_in(home, provider, "--org", "contoso").code == 0
    olga(home)
    assert home.get(*at()).fields["password"]
    assert [form["scope"] for form in provider.forms] == [SCOPE, kept]
    assert emulator.seen("login.microsoftonline.com") == []
