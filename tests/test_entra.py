"""entra.py and exchange.py: Microsoft's addresses, what its refusals mean, and the requests of a sign-in."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from git_credential_azdo.errors import NetworkError, ServiceError, UsageError
from git_credential_azdo.signin import entra, exchange
from git_credential_azdo.signin.endpoints import Endpoint, Endpoints
from git_credential_azdo.signin.oauth import TokenRefused
from git_credential_azdo.web import HttpClient

if TYPE_CHECKING:
    from collections.abc import Callable

TENANT = "72f988bf-86f1-41af-91ab-2d7cd011db47"
BASE = "https://login.microsoftonline.com"


# --- addresses


def test_the_authority_of_a_tenant_is_on_the_public_cloud() -> None:
    """A GUID, a domain or one of Microsoft's words."""
    assert entra.authority("organizations") == f"{BASE}/organizations"
    assert entra.authority("contoso.onmicrosoft.com") == f"{BASE}/contoso.onmicrosoft.com"


@pytest.mark.parametrize("tenant", ["", "a/b", "..", "a b", "a?b", "-", "contoso", "x" * 300, "caf\u00e9"])
def test_what_is_no_tenant_is_refused(tenant: str) -> None:
    """It becomes a part of a URL that is given secrets."""
    with pytest.raises(UsageError, match="is not a valid tenant"):
        entra.authority(tenant)


@pytest.mark.parametrize(
    ("given_authority", "url", "issuer"),
    [
        (f"{BASE}/{TENANT}", f"{BASE}/{TENANT}/v2.0", f"{BASE}/{TENANT}/v2.0"),
        (f" {BASE}/{TENANT.upper()}/ ", f"{BASE}/{TENANT.upper()}/v2.0", f"{BASE}/{TENANT}/v2.0"),
        (f"{BASE}/contoso.com/v2.0", f"{BASE}/contoso.com/v2.0", f"{BASE}/{{tenantid}}/v2.0"),
        (f"{BASE}/common/v2.0/", f"{BASE}/common/v2.0", f"{BASE}/{{tenantid}}/v2.0"),
        (BASE, f"{BASE}/organizations/v2.0", f"{BASE}/{{tenantid}}/v2.0"),
        (f"{BASE}/v2.0", f"{BASE}/organizations/v2.0", f"{BASE}/{{tenantid}}/v2.0"),
        (
            f"{BASE}/organizations/v2.0/.well-known/openid-configuration?appid=x",
            f"{BASE}/organizations/v2.0",
            f"{BASE}/{{tenantid}}/v2.0",
        ),
        (
            "https://LOGIN.microsoftonline.us/common",
            "https://login.microsoftonline.us/common/v2.0",
            "https://login.microsoftonline.us/{tenantid}/v2.0",
        ),
        (
            f"https://login.windows.net/{TENANT}",
            f"https://login.windows.net/{TENANT}/v2.0",
            f"{BASE}/{TENANT}/v2.0",
        ),
        ("https://id.example/realms/a", "https://id.example/realms/a", "https://id.example/realms/a"),
        ("https://id.example/a/v2.0/", "https://id.example/a/v2.0", "https://id.example/a/v2.0"),
        (
            "https://id.example/a/.well-known/openid-configuration",
            "https://id.example/a",
            "https://id.example/a",
        ),
        ("http://localhost:8080/a", "http://localhost:8080/a", "http://localhost:8080/a"),
    ],
)
def test_an_authority_may_be_written_in_every_usual_way(given_authority: str, url: str, issuer: str) -> None:
    """With a slash, /v2.0 or the whole well-known address; other servers' issuers stay as they are."""
    assert entra.discovery_url(given_authority) == f"{url}/.well-known/openid-configuration"
    assert entra.issuer(given_authority) == issuer


@pytest.mark.parametrize(
    ("given_authority", "said"),
    [
        ("http://id.example/a", "must be an https address"),
        ("login.microsoftonline.com/common", "must be an https address"),
        ("", "must be an https address"),
        ("https://user@id.example/", "must be an https address"),
        (f"{BASE}/a%2fb", "is not a valid tenant"),
    ],
)
def test_an_authority_that_cannot_be_is_refused(given_authority: str, said: str) -> None:
    """Before anything is asked."""
    with pytest.raises(UsageError, match=said):
        entra.discovery_url(given_authority)
    with pytest.raises(UsageError, match=said):
        entra.issuer(given_authority)


# --- refusals

# Every code of Microsoft's table that concerns us, with a word of the cause that must be said.
CODES = {
    "second factor": [50076, 50074, 50079, 50078],
    "device": [53000, 53001, 530032],
    "Conditional Access": [53002, 53003, 530035],
    "consented": [65001],
    "administrator": [90094, 90095],
    "declined": [65004],
    "may not ask for Azure DevOps": [65002],
    "client id is not known": [700016, 70001, 700011],
    "has no Azure DevOps": [500011],
    "no member or guest": [50020, 90072, 50034],
    "personal": [500200],
    "every kind of account": [50194, 90130, 9002332],
    "expired": [70008, 700082, 7000222],
    "sign in again": [70043],
    "revoked": [50173],
    "no longer valid": [50089, 70000],
    "used before": [54005],
    "another attempt": [501481],
    "redirect address": [50011, 500119],
    "scope": [70011, 700022],
    "malformed": [9002313, 900144, 90014],
    "not been entered yet": [70016],
    "not the one shown": [70018, 90119],
    "not entered in time": [70019],
    "answered before": [90120],
    "must not send a secret": [700025],
    "needs a secret": [7000218],
    "secret is wrong": [7000215],
    "does not exist": [90002],
    "national cloud": [90038],
    "busy": [90055, 90033, 90006],
    "another tenant": [700005],
}


@pytest.mark.parametrize(
    ("cause", "code"), [(cause, code) for cause, codes in CODES.items() for code in codes]
)
def test_every_known_code_has_a_cause_and_a_next_step(cause: str, code: int) -> None:
    """The raw code and the ids come last, for administrators."""
    refused = TokenRefused("invalid_grant", codes=(code,), trace_id="t-1", correlation_id="c-1")

    error = entra.sign_in_error(refused, who="me@contoso.com", tenant="contoso.com", organization="fabrikam")

    assert cause in error.message
    assert error.message.endswith(f"(AADSTS{code}, trace id t-1, correlation id c-1)")
    assert error.hint
    assert "{" not in error.message + error.hint


@pytest.mark.parametrize(
    ("who", "tenant", "organization", "message", "hint"),
    [
        (
            "me@contoso.com",
            "contoso.com",
            "fabrikam",
            "the sign-in of me@contoso.com has expired",
            "git credential-azdo setup --org fabrikam --login-hint me@contoso.com",
        ),
        (
            "me@contoso.com",
            "contoso.com",
            None,
            "the sign-in of me@contoso.com has expired",
            "git credential-azdo setup --tenant contoso.com --login-hint me@contoso.com",
        ),
        (
            "odd name",
            "organizations",
            None,
            "the sign-in of odd name has expired",
            "git credential-azdo setup",
        ),
        (None, None, None, "the sign-in of this account has expired", "git credential-azdo setup"),
        (
            None,
            None,
            "my org",
            "the sign-in of this account has expired",
            "git credential-azdo setup --org 'my org'",
        ),
    ],
)
def test_the_hint_is_the_command_to_run(
    who: str | None, tenant: str | None, organization: str | None, message: str, hint: str
) -> None:
    """It can be copied into a shell as it stands."""
    refused = TokenRefused("invalid_grant", codes=(700082,))

    error = entra.sign_in_error(refused, who=who, tenant=tenant, organization=organization)

    assert error.message == f"{message} (AADSTS700082)"
    assert error.hint == hint


@pytest.mark.parametrize(
    ("refused", "message"),
    [
        (TokenRefused("interaction_required", codes=(1,)), "the tenant wants me to sign in again (AADSTS1)"),
        (
            TokenRefused("invalid_grant", suberror="consent_required"),
            "me has not consented to this program in the tenant (invalid_grant, consent_required)",
        ),
        (
            TokenRefused("invalid_grant", description="Token is not active"),
            "the sign-in of me is no longer valid; the server says: Token is not active (invalid_grant)",
        ),
        (TokenRefused("odd"), "the sign-in server refused me (odd)"),
        (TokenRefused("odd", codes=(1, 90002)), "the tenant does not exist (AADSTS1, AADSTS90002)"),
    ],
)
def test_an_unknown_code_is_worded_by_error_and_suberror(refused: TokenRefused, message: str) -> None:
    """Other servers than Microsoft's have no codes; their own words come after ours."""
    assert entra.sign_in_error(refused, who="me", tenant=None).message == message


@given(
    st.sampled_from(sorted({code for codes in CODES.values() for code in codes})),
    st.text(),
    st.text(),
    st.text(),
)
def test_names_with_braces_are_only_names(code: int, who: str, tenant: str, organization: str) -> None:
    """No name can break or steer the wording."""
    refused = TokenRefused("invalid_grant", codes=(code,))

    error = entra.sign_in_error(refused, who=who, tenant=tenant, organization=organization)

    assert f"AADSTS{code}" in error.message


@pytest.mark.parametrize(
    ("refused", "transient"),
    [
        (TokenRefused("invalid_grant", codes=(700082,)), False),
        (TokenRefused("interaction_required"), False),
        (TokenRefused("invalid_grant", codes=(90055,)), True),
        (TokenRefused("temporarily_unavailable"), True),
        (TokenRefused("invalid_grant", status=429), True),
        (TokenRefused("invalid_grant", status=503), True),
        (TokenRefused("invalid_client"), False),
        (TokenRefused("invalid_scope"), False),
    ],
)
def test_a_refusal_is_for_now_or_for_good(
    refused: TokenRefused,
    transient: bool,  # noqa: FBT001 - a table
) -> None:
    """Busy: later. Refused, or a wrong client id: somebody has to act."""
    assert entra.refusal_is_transient(refused) is transient


# --- the requests

ENDPOINTS = Endpoints(
    Endpoint(f"{BASE}/{TENANT}/authorize", BASE),
    Endpoint(f"{BASE}/{TENANT}/oauth2/v2.0/token", BASE),
    None,
    BASE,
)


def answering(handler: Callable[[httpx.Request], httpx.Response]) -> HttpClient:
    """Make a Web whose server is a function."""
    return HttpClient(5, transport=httpx.MockTransport(handler))


def test_discovery_asks_the_authority_and_gives_its_endpoints() -> None:
    """One GET of the well-known address."""
    asked: list[str] = []

    def handler(request: httpx.Request) -> httpx.Response:
        asked.append(f"{request.method} {request.url}")
        document = {
            "issuer": f"{BASE}/{{tenantid}}/v2.0",
            "authorization_endpoint": f"{BASE}/organizations/oauth2/v2.0/authorize",
            "token_endpoint": f"{BASE}/organizations/oauth2/v2.0/token",
            "device_authorization_endpoint": f"{BASE}/organizations/oauth2/v2.0/devicecode",
        }
        return httpx.Response(200, json=document)

    with answering(handler) as web:
        endpoints = exchange.discover(web, entra.authority("organizations"))

    assert asked == [f"GET {BASE}/organizations/v2.0/.well-known/openid-configuration"]
    assert endpoints.token == f"{BASE}/organizations/oauth2/v2.0/token"


@pytest.mark.parametrize(
    ("response", "error", "said"),
    [
        (httpx.Response(400, json={"error": "invalid_tenant"}), ServiceError, "no OpenID configuration"),
        (httpx.Response(404, html="<html>"), ServiceError, "no OpenID configuration"),
        (httpx.Response(200, html="<html>"), ServiceError, "web page"),
        (httpx.Response(302, headers={"Location": "https://evil.example/"}), NetworkError, "ask elsewhere"),
    ],
)
def test_an_authority_that_has_no_document_is_one_line(
    response: httpx.Response, error: type[Exception], said: str
) -> None:
    """A mistyped tenant, a web page, a captive network."""
    with answering(lambda _: response) as web, pytest.raises(error, match=said):
        exchange.discover(web, BASE)


def test_a_code_is_redeemed_with_its_verifier() -> None:
    """One POST of the form; the grant is checked against nonce and client id."""
    forms: list[dict[str, list[str]]] = []

    def handler(request: httpx.Request) -> httpx.Response:
        forms.append(parse_qs(request.content.decode()))
        return httpx.Response(200, json={"access_token": "at", "token_type": "Bearer", "expires_in": 60})

    with answering(handler) as web:
        grant = exchange.redeem(
            web,
            ENDPOINTS,
            client_id="c",
            redirect_uri="http://localhost:1/",
            code="k",
            verifier="v",
            scope="s t",
            nonce="n",
        )

    assert grant.access_token == "at"
    assert forms == [
        {
            "grant_type": ["authorization_code"],
            "client_id": ["c"],
            "code": ["k"],
            "redirect_uri": ["http://localhost:1/"],
            "code_verifier": ["v"],
            "scope": ["s t"],
        }
    ]


def test_a_refused_refresh_carries_the_servers_terms_and_is_not_repeated() -> None:
    """The caller knows who and where, and words it."""
    secret = "rt-" + "secret"
    asked: list[bytes] = []

    def handler(request: httpx.Request) -> httpx.Response:
        asked.append(request.content)
        body = {"error": "invalid_grant", "error_codes": [700082], "error_description": "AADSTS700082: x"}
        return httpx.Response(400, content=b"\xef\xbb\xbf" + json.dumps(body).encode())

    with answering(handler) as web, pytest.raises(TokenRefused) as caught:
        exchange.refresh(web, ENDPOINTS.token, client_id="c", refresh_token=secret, scope="s")

    assert len(asked) == 1
    assert re.search(rb"refresh_token=rt-secret", asked[0])
    assert caught.value.codes == (700082,)
    assert secret not in repr(caught.value) + str(caught.value)


@pytest.mark.parametrize(
    ("response", "error"),
    [
        (httpx.Response(302, headers={"Location": "https://evil.example/"}), NetworkError),
        (httpx.Response(503, html="<html>busy"), ServiceError),
    ],
)
def test_a_token_endpoint_that_sends_us_away_or_shows_a_page_is_one_line(
    response: httpx.Response, error: type[Exception]
) -> None:
    """Neither is a refusal: the sign-in stays as it is."""
    with answering(lambda _: response) as web, pytest.raises(error):
        exchange.refresh(web, ENDPOINTS.token, client_id="c", refresh_token="r", scope="s")
