"""authorities.py: Microsoft's addresses, and the requests of a sign-in."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

import httpx
import pytest

from git_credential_azdo.errors import NetworkError, ServiceError, UsageError
from git_credential_azdo.git.network import Settings
from git_credential_azdo.signin import authorities
from git_credential_azdo.signin.authorities import Endpoint, Endpoints, discover, request_token
from git_credential_azdo.signin.oauth import OAuthError
from git_credential_azdo.web import HttpClient

if TYPE_CHECKING:
    from collections.abc import Callable

TENANT = "72f988bf-86f1-41af-91ab-2d7cd011db47"
BASE = "https://login.microsoftonline.com"


# --- addresses


def test_the_authority_of_a_tenant_is_on_the_public_cloud() -> None:
    """A GUID, a domain or one of Microsoft's words."""
    assert authorities.authority_of("organizations") == f"{BASE}/organizations"
    assert authorities.authority_of("contoso.onmicrosoft.com") == f"{BASE}/contoso.onmicrosoft.com"


@pytest.mark.parametrize("tenant", ["", "a/b", "..", "a b", "a?b", "-", "contoso", "x" * 300, "caf\u00e9"])
def test_what_is_no_tenant_is_refused(tenant: str) -> None:
    """It becomes a part of a URL that is given secrets."""
    with pytest.raises(UsageError, match="is not a valid tenant"):
        authorities.authority_of(tenant)


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
    assert authorities.read_authority(given_authority) == (issuer, f"{url}/.well-known/openid-configuration")


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
        authorities.read_authority(given_authority)


# --- the requests

ENDPOINTS = Endpoints(
    Endpoint(f"{BASE}/{TENANT}/authorize", BASE),
    Endpoint(f"{BASE}/{TENANT}/oauth2/v2.0/token", BASE),
    None,
    BASE,
)


def answering(handler: Callable[[httpx.Request], httpx.Response]) -> HttpClient:
    """Make a Web whose server is a function."""
    return HttpClient(5, Settings(), transport=httpx.MockTransport(handler))


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
        found = discover(web, authorities.authority_of("organizations"))

    assert asked == [f"GET {BASE}/organizations/v2.0/.well-known/openid-configuration"]
    assert found.token == f"{BASE}/organizations/oauth2/v2.0/token"


@pytest.mark.parametrize(
    ("response", "error", "said"),
    [
        (
            httpx.Response(400, json={"error": "invalid_tenant", "error_description": "AADSTS90002: no x"}),
            ServiceError,
            "no OpenID configuration for that authority: AADSTS90002: no x",
        ),
        (httpx.Response(404, html="<html>"), ServiceError, "no OpenID configuration"),
        (httpx.Response(200, html="<html>"), ServiceError, "HTML page"),
        (
            httpx.Response(302, headers={"Location": "https://evil.example/"}),
            NetworkError,
            "redirected the request",
        ),
    ],
)
def test_an_authority_that_has_no_document_is_one_line(
    response: httpx.Response, error: type[Exception], said: str
) -> None:
    """A mistyped tenant, a web page, a captive network."""
    with answering(lambda _: response) as web, pytest.raises(error, match=said):
        discover(web, BASE)


def test_a_code_is_redeemed_with_its_verifier() -> None:
    """One POST of the form; the grant is checked against nonce and client id."""
    forms: list[dict[str, list[str]]] = []

    def handler(request: httpx.Request) -> httpx.Response:
        forms.append(parse_qs(request.content.decode()))
        return httpx.Response(200, json={"access_token": "at", "token_type": "Bearer", "expires_in": 60})

    with answering(handler) as web:
        code = {"code": "k", "redirect_uri": "http://localhost:1/", "code_verifier": "v", "scope": "s t"}
        grant = request_token(web, ENDPOINTS.token, "authorization_code", client_id="c", nonce="n", **code)

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

    own = {"client_id": "c", "scope": "s"}
    with answering(handler) as web, pytest.raises(OAuthError) as caught:
        request_token(web, ENDPOINTS.token, "refresh_token", refresh_token=secret, **own)

    assert asked == [b"grant_type=refresh_token&client_id=c&refresh_token=rt-secret&scope=s"]
    assert caught.value.codes == (700082,)
    assert secret not in repr(caught.value) + str(caught.value)


@pytest.mark.parametrize(
    ("response", "error"),
    [
        (httpx.Response(302, headers={"Location": "https://evil.example/"}), NetworkError),
        (httpx.Response(503, html="<html>busy"), NetworkError),
        (httpx.Response(500, json={"message": "the database is gone"}), NetworkError),
    ],
)
def test_a_token_endpoint_that_sends_us_away_or_shows_a_page_is_one_line(
    response: httpx.Response, error: type[Exception]
) -> None:
    """Neither is a refusal: the sign-in stays as it is."""
    with answering(lambda _: response) as web, pytest.raises(error) as caught:
        request_token(web, ENDPOINTS.token, "refresh_token", client_id="c")
    assert ("the database is gone" in str(caught.value)) is (response.status_code == 500)
