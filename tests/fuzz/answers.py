"""Azure DevOps' answers over HTTP, or those of whatever stands in its place."""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING, cast

from git_credential_azdo.devops import api, pats
from git_credential_azdo.errors import NetworkError, ServiceError
from git_credential_azdo.git.target import Organization, tenant_in
from git_credential_azdo.web import Response, retry_after
from tests.fuzz.oracle import check, check_message, check_printable, is_organization, is_tenant

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from git_credential_azdo.web import HttpClient
    from tests.fuzz.source import Source

CONTOSO = Organization("contoso")
_STATUSES = (200, 200, 200, 201, 203, 204, 301, 302, 400, 401, 403, 404, 409, 429, 500, 503, 599, 0)
_TYPES = (
    "application/json",
    "application/json; charset=utf-8",
    "text/html",
    "",
    "application/x-git-upload-pack-advertisement",
)
_TENANT = "3f2b1c4d-5e6f-4a7b-8c9d-0e1f2a3b4c5d"
_CHALLENGES = (
    "Bearer ",
    "authorization_uri=",
    "https://login.microsoftonline.com/",
    "https://login.microsoftonline.com.evil.test/",
    "https://evil.test/",
    _TENANT,
    _TENANT.upper(),
    "Basic realm=",
    '"',
    ",",
    " ",
)
_DOCUMENT = (
    "authenticatedUser",
    "id",
    "aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa",
    "properties",
    "Account",
    "$value",
    "descriptor",
    "providerDisplayName",
    "customDisplayName",
    "emailAddress",
    "displayName",
    "value",
    "accountName",
    "contoso",
    "https://evil.test/x",
    "../x",
    "message",
    "typeKey",
    "InvalidAccessException",
    "TF401019: ",
    "VS403463: ",
    "{where}",
    "patToken",
    "patTokens",
    "patTokenError",
    "patTokenErrorMessage",
    "accessDenied",
    "authorizationNotFound",
    "none",
    "authorizationId",
    "validTo",
    "2026-12-01T00:00:00.1234567Z",
    "2026-99-99T00:00:00Z",
    "0001-01-01T00:00:00Z",
    "scope",
    "vso.code_write",
    "targetAccounts",
    "token",
    "continuationToken",
    "\x1b]0;x\x07",
    "\r\n",
    "\ud800",
)


_GOOD: tuple[object, ...] = (
    {
        "authenticatedUser": {
            "id": _TENANT,
            "descriptor": "Microsoft.IdentityModel.Claims.ClaimsIdentity;x\\ann@contoso.com",
            "providerDisplayName": "Ann",
            "properties": {"Account": {"$value": "ann@contoso.com"}},
        }
    },
    {"id": _TENANT, "emailAddress": "ann@contoso.com", "displayName": "Ann"},
    {"value": [{"accountName": "contoso"}, {"accountName": "fabrikam"}]},
    {
        "patToken": {
            "token": "x",
            "authorizationId": _TENANT,
            "displayName": "laptop",
            "validTo": "2026-12-01T00:00:00Z",
            "scope": "vso.code_write",
            "targetAccounts": ["x"],
        },
        "patTokenError": "none",
    },
    {"patTokens": [{"authorizationId": _TENANT, "displayName": "laptop"}], "continuationToken": "x"},
    {"message": "TF401019: the repository", "typeKey": "GitRepositoryNotFoundException"},
)
CONTOSO = Organization("contoso")


def hostile_answer(source: Source, words: Sequence[str], good: Sequence[object]) -> Response:
    """Return an answer with any status, headers and body; most bodies are much like one of the good ones."""
    kind = source.number(9)
    if kind == 0:
        body = source.raw(source.number(4_000))
    elif kind == 1:
        body = source.pick(
            (
                b"<!doctype html><title>Sign in</title>",
                b"[" * 100_000,
                b'{"a":' * 50_000,
                b"",
                b"\xef\xbb\xbf{}",
            )
        )
    else:
        document = source.json(words) if kind == 2 else source.like(source.pick(good), words)
        body = b"\xef\xbb\xbf" * source.number(1) + json.dumps(document).encode("utf-8", "surrogatepass")
    headers = [
        ("Content-Type", source.pick(_TYPES)),
        ("WWW-Authenticate", source.word(_CHALLENGES, 8)),
        ("X-VSS-ResourceTenant", source.word((_TENANT, "00000000-0000-0000-0000-000000000000", ",", " "), 4)),
        ("Retry-After", source.word(("120", "Wed, 21 Oct 2099 07:28:00 GMT", "-1", "9" * 30, "٣", "1e9"), 2)),
        ("X-TFS-ServiceError", source.word(("TF400813%3A", "%", "VS403463", " "), 4)),
        ("ActivityId", source.word((_TENANT, "\x1b"), 2)),
    ]
    return Response("dev.azure.com", source.pick(_STATUSES), headers[: source.number(len(headers))], body)


class Answering:
    """Stands in for ``HttpClient``: answers every request as the fuzzer likes, and notes which hosts were asked."""

    def __init__(self, source: Source, words: Sequence[str], good: Sequence[object]) -> None:
        self._source, self._words, self._good = source, words, good
        self.hosts: set[str] = set()

    def request(self, _method: str, url: str, **_more: object) -> Response:
        """Answer as ``HttpClient.request`` does."""
        self.hosts.add(url.partition("://")[2].partition("/")[0])
        return hostile_answer(self._source, self._words, self._good)

    def wait_before_next(self, _what: str, _seconds: float) -> None:
        """Wait for nothing."""

    def remaining(self) -> float:
        """Return some seconds, as ``HttpClient.remaining`` does."""
        return 30.0


def azure_devops(source: Source) -> None:
    """Ask everything that we ask of Azure DevOps, and read what comes."""
    answers = Answering(source, _DOCUMENT, _GOOD)
    try:
        source.pick(_QUESTIONS)(cast("HttpClient", answers), api.bearer("not-a-token"))
    except (ServiceError, NetworkError) as refused:
        check_message(refused)
    allowed = {"dev.azure.com", "vssps.dev.azure.com", "app.vssps.visualstudio.com"}
    check(answers.hosts <= allowed, "an answer leads elsewhere", *answers.hosts)


def _ask_tenant(web: HttpClient, _header: Mapping[str, str]) -> None:
    tenant = api.tenant_of(web, CONTOSO)
    check(tenant is None or is_tenant(tenant), "a tenant is no GUID", tenant)


def _ask_identity(web: HttpClient, header: Mapping[str, str]) -> None:
    identity = api.who_am_i(web, CONTOSO, header)
    check(identity.id and identity.name, "nobody")


def _ask_organizations(web: HttpClient, header: Mapping[str, str]) -> None:
    names = api.organizations(web, header, "3f2b1c4d")
    check(all(is_organization(name) for name in names), "no name of an organization", *names)


def _make_token(web: HttpClient, header: Mapping[str, str]) -> None:
    end = 1_800_000_000
    made = pats.create(web, CONTOSO, header, name="laptop", scope="vso.code_write", expires_utc=end)
    _check_pat(made)
    check(made.token.isascii() and made.token.isprintable(), "no token", made.token)


def _list_tokens(web: HttpClient, header: Mapping[str, str]) -> None:
    for pat in pats.active(web, CONTOSO, header):
        _check_pat(pat)


def _check_pat(pat: pats.Pat) -> None:
    for field in (pat.id, pat.name, pat.scope):
        check_printable(field, "a field of a token's")
    check(repr(pat) == repr(dataclasses.replace(pat, token="")), "a repr shows the token")
    pats.reads_code(pat.scope)


_QUESTIONS: tuple[Callable[[HttpClient, Mapping[str, str]], object], ...] = (
    _ask_tenant,
    _ask_identity,
    _ask_organizations,
    _make_token,
    _list_tokens,
    api.profile,
    lambda web, header: api.check_code_scope(web, CONTOSO, header),
    lambda web, header: api.can_read_repository(web, "https://dev.azure.com/contoso/app/_git/app", header),
    lambda web, header: pats.revoke(web, CONTOSO, header, "3f2b1c4d"),
)


def headers(source: Source) -> None:
    """Read the headers that decide something: whose tenant, and when to come back."""
    answer = hostile_answer(source, _DOCUMENT, _GOOD)
    tenant = tenant_in(answer.all("WWW-Authenticate"))
    check(tenant is None or is_tenant(tenant), "a tenant is no GUID", tenant)
    seconds = retry_after(answer, 1_790_000_000.0)
    check(seconds is None or 0 <= seconds < 10**12, "no pause", seconds)
    check_message(api.refusal(answer, "the organization contoso", CONTOSO))
