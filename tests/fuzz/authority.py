"""What a sign-in server answers, or whatever stands in its place."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, cast
from urllib.parse import urlsplit

from git_credential_azdo import hints
from git_credential_azdo.accounts.account import Block
from git_credential_azdo.errors import NetworkError, ServiceError, SignInError
from git_credential_azdo.signin import (
    authorities,
    device,
    federation,
    managed_identity,
    oauth,
    sign_in_errors,
    workload,
)
from tests.fuzz.answers import Answering, hostile_answer
from tests.fuzz.oracle import check, check_message, check_printable

if TYPE_CHECKING:
    from collections.abc import Collection

    from git_credential_azdo.web import HttpClient
    from tests.fuzz.source import Source

_ISSUER = "https://login.microsoftonline.com/{tenantid}/v2.0"
_MICROSOFT = frozenset(
    {"login.microsoftonline.com", "login.windows.net", "login.microsoft.com", "sts.windows.net"}
)
_OWN = "https://id.example:8443/realm"
_LOGIN = "https://login.microsoftonline.com/organizations/oauth2/v2.0"
_DOCUMENT = (
    "issuer",
    "authorization_endpoint",
    "token_endpoint",
    "device_authorization_endpoint",
    "access_token",
    "refresh_token",
    "id_token",
    "token_type",
    "Bearer",
    "expires_in",
    "scope",
    "error",
    "suberror",
    "error_codes",
    "error_description",
    "error_uri",
    "claims",
    "correlation_id",
    "trace_id",
    "device_code",
    "user_code",
    "verification_uri",
    "verification_uri_complete",
    "interval",
    "invalid_grant",
    "interaction_required",
    "authorization_pending",
    "slow_down",
    "AADSTS50076: ",
    " Trace ID: 3f2b1c4d-5e6f-4a7b-8c9d-0e1f2a3b4c5d",
    "https://login.microsoftonline.com/{tenantid}/v2.0",
    "https://login.microsoftonline.com/organizations/oauth2/v2.0/token",
    "https://evil.test/token",
    _OWN,
    f"{_OWN}/token",
    "https://id.example:8443@evil.test/token",
    "https://login.microsoftonline.com:8443/token",
    "https://login.microsoftonline.us/token",
    "http://localhost/token",
    "https://user@evil.test/",
    "javascript:alert(1)",
    "e30.e30.e30",
    "x.eyJhdWQiOiJiIiwibm9uY2UiOiJuIn0.y",
    "\r\n",
    "\x1b]0;x\x07",
    "12345",
    "1e400",
)
_GOOD: tuple[object, ...] = (
    {
        "issuer": _ISSUER,
        "authorization_endpoint": f"{_LOGIN}/authorize",
        "token_endpoint": f"{_LOGIN}/token",
        "device_authorization_endpoint": f"{_LOGIN}/devicecode",
    },
    {"issuer": _OWN, "authorization_endpoint": f"{_OWN}/authorize", "token_endpoint": f"{_OWN}/token"},
    {
        "access_token": "x",
        "refresh_token": "y",
        "token_type": "Bearer",
        "expires_in": "3599",
        "id_token": "x.eyJhdWQiOiJiIiwibm9uY2UiOiJuIn0.y",
        "scope": "x",
    },
    {
        "error": "invalid_grant",
        "suberror": "consent_required",
        "error_codes": [50076, 65001],
        "error_description": "AADSTS50076: Due to a change.\r\nTrace ID: 1234567890",
        "claims": "{}",
    },
    {
        "device_code": "x",
        "user_code": "ABCD-1234",
        "verification_uri": "https://login.microsoft.com/device",
        "expires_in": 900,
        "interval": 5,
    },
)


def answers(source: Source) -> None:
    """Read what a sign-in server answers: endpoints, a grant, a code for a device, or a refusal for people."""
    answer = hostile_answer(source, _DOCUMENT, _GOOD)
    try:
        body = answer.json()
    except ServiceError as refused:
        check_message(refused)
        return
    _read_endpoints(body, _ISSUER, _MICROSOFT)
    _read_endpoints(body, _OWN, {"id.example:8443"})
    try:
        grant = oauth.read_grant(answer.status, body, nonce="n", audience="b")
    except oauth.OAuthError as refused:
        _check_refusal(refused)
    except (ServiceError, SignInError) as refused:
        check_message(refused)
    else:
        check(
            grant.access_token.isascii() and grant.access_token.isprintable(), "no token", grant.access_token
        )
        check(0 <= grant.expires_in <= 30 * 24 * 3600, "a life without end", grant.expires_in)
        hidden = dataclasses.replace(grant, access_token="", refresh_token=None)
        check(repr(grant) == repr(hidden), "a repr shows a token")
    try:
        code = device.read_code(answer.status, body)
    except oauth.OAuthError as refused:
        check_message(device.explain(refused, who=None, tenant="contoso.com", setup=hints.setup))
    except ServiceError as refused:
        check_message(refused)
    else:
        check_printable(code.user_code + code.page + (code.direct_page or ""), "a code for people")
        check(1 <= code.interval <= 60 and 0 < code.expires_in <= 3600, "no pause", code.interval)


def _read_endpoints(body: object, issuer: str, hosts: Collection[str]) -> None:
    """Read a discovery document: endpoints are on the authority's own hosts, or there are none."""
    try:
        found = authorities.read_discovery(body, issuer)
        found.token.for_tenant("contoso.com")
    except (ServiceError, NetworkError) as refused:
        check_message(refused)
        return
    for url in filter(None, (found.authorization, found.token, found.device_authorization)):
        parts = urlsplit(url)
        check(parts.scheme == "https" and parts.netloc.lower() in hosts, "a secret goes elsewhere", url)
        check_printable(url, "an endpoint")


def _check_refusal(refused: oauth.OAuthError) -> None:
    fields = (refused.error, refused.suberror, *refused.ids, refused.description)
    for field in fields:
        check_printable(field, "a field of a refusal")
        check(len(field) <= 300, "a field without end", len(field))
    check_message(refused)
    check_message(sign_in_errors.sign_in_error(refused, who="ann@contoso.com", tenant="contoso.com"))
    sign_in_errors.flags_of(refused)


_MACHINE = (
    "access_token",
    "accessToken",
    "expires_in",
    "expires_on",
    "expiresOn",
    "tenant",
    "value",
    "oidcToken",
    "error",
    "error_description",
    "message",
    "1790000000",
    "2026-12-01 00:00:00.000000",
    "9999-12-31 23:59:59",
    "\x1b]0;x\x07",
)
_MACHINE_GOOD: tuple[object, ...] = (
    {"access_token": "x", "token_type": "Bearer", "expires_in": "86400", "expires_on": "1790000000"},
    {"accessToken": "x", "expiresOn": "2026-12-01 00:00:00.000000", "expires_on": 1790000000, "tenant": "y"},
    {"value": "x", "oidcToken": "y"},
    {"error": "invalid_request", "error_description": "Identity not found\r\n"},
)
_PLACES = (managed_identity.VM, managed_identity.APP_SERVICE, managed_identity.ARC)
_ENVIRONMENT = {
    "IDENTITY_ENDPOINT": "http://127.0.0.1:41564/msi/token",
    "IDENTITY_HEADER": "x",
    "ACTIONS_ID_TOKEN_REQUEST_URL": "https://pipelines.example/token?x=1",
    "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "x",
    "SYSTEM_OIDCREQUESTURI": "https://dev.azure.com/contoso/_apis/oidctoken",
    "SYSTEM_ACCESSTOKEN": "x",
}


def machines(source: Source) -> None:
    """Ask the services beside a machine, a pipeline or ``az`` for a token, and read what comes."""
    web = cast("HttpClient", Answering(source, _MACHINE, _MACHINE_GOOD))
    kind = source.pick(("az", *federation.SOURCES, *_PLACES))
    try:
        if kind == "az":
            printed = hostile_answer(source, _MACHINE, _MACHINE_GOOD).body
            grant, _ = workload.read_az(printed, 1_780_000_000.0)
        elif kind in _PLACES:
            which = managed_identity.read_identity("system")
            grant = managed_identity.ask(web, kind, which, "x", _ENVIRONMENT)
        elif kind in {federation.GITHUB, federation.PIPELINES}:
            block = Block([("source", kind), ("service_connection", "x")])
            check_printable(federation.assertion(web, block, _ENVIRONMENT), "a token")
            return
        else:
            return
    except (ServiceError, NetworkError, SignInError) as refused:
        check_message(refused)
        return
    check(0 <= grant.expires_in <= 30 * 24 * 3600, "a life without end", grant.expires_in)
    check_printable(grant.access_token, "a token")
