"""Azure DevOps' PAT lifecycle API: create, list and revoke personal access tokens.

Only a user's own Entra token may call it (https://learn.microsoft.com/rest/api/azure/devops/tokens/pats). A policy's
refusal comes as HTTP 200 with ``patTokenError``, a token of the wrong tenant gets an HTML page with 2xx, and an expiry
beyond the tenant's maximum is reduced. Values of ``patTokenError``: MicrosoftDocs/vsts-rest-api-specs,
specification/tokens/7.2. Must never print a token; a Pat's repr hides it.
"""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from git_credential_azdo import hints
from git_credential_azdo.devops import api
from git_credential_azdo.errors import ServiceError, printable
from git_credential_azdo.git.target import PATS_HOST, AnyOrganization, Organization
from git_credential_azdo.signin.authorities import GUID
from git_credential_azdo.signin.entra_errors import Case, read_cases
from git_credential_azdo.signin.oauth import first_line, read_token

if TYPE_CHECKING:
    from collections.abc import Mapping

    from git_credential_azdo.web import HttpClient

GIT_SCOPE, TO_WRITE, TO_READ = "vso.code_write", "Code (read & write)", "Code (read)"
"""The scope that git needs, its name on Microsoft's pages, and the name of the smallest one, for fetching only."""
_VERSION = "7.1-preview.1"
_MAX_PAGES = 50
_NO_ERROR = "none"
_NOT_FOUND = frozenset({"authorizationNotFound", "tokenNotFound"})  # unknown, or already revoked
PAT_CASES = read_cases(
    """
displayNameRequired | the token needs a name | give one with --name
invalidDisplayName | the token cannot have this name | give another one with --name
invalidValidTo | the token cannot expire on that day | give fewer days with --days, and check this machine's clock
invalidScope | one of the scopes is unknown, or not allowed for tokens | git needs --scope {scope}; all of them: {scopes}
userIdRequired | Azure DevOps could not determine the token's user | sign in again: {setup}
invalidUserId | Azure DevOps does not know the token's user | sign in again: {setup}
invalidUserType | this kind of identity cannot have personal access tokens | sign in as a person: {setup}
accessDenied | this account may not manage tokens in {organization} | ask an administrator of {organization}, or name another account with --account
failedToIssueAccessToken failedToUpdateAccessToken | Azure DevOps had an internal error with the token | try again in a few minutes
invalidClient invalidClientType invalidClientId | Azure DevOps does not allow this client id to manage tokens | sign in without --client-id: {setup}
invalidTargetAccounts | a token cannot be issued for the organization {organization} | {who_can}
hostAuthorizationNotFound | {organization} does not know this sign-in | sign in again: {setup}
authorizationNotFound tokenNotFound | {organization} has no such token, or it is already revoked | {list}
sourceNotSupported | {organization} does not accept the request from this program | ask an administrator of {organization}
invalidSourceIP invalidSource | {organization} does not accept the request from this network | try it from your company's network, or ask an administrator of {organization}
duplicateHash | Azure DevOps created a token that already exists | try again in a few minutes
sshPolicyDisabled | {organization} does not allow SSH keys | ask an administrator of {organization}
invalidToken | Azure DevOps cannot read the token | sign in again: {setup}
invalidAuthorizationId | that is not the id of a token | {list}
failedToReadTenantPolicy failedToReadOrgPolicy | Azure DevOps could not read the policy of {organization} | try again in a few minutes
globalPatPolicyViolation | the tenant of {organization} forbids tokens for all organizations | {create}
globalPATCreationBlocked | Azure DevOps no longer creates tokens for all organizations | one for each: {create}
fullScopePatPolicyViolation | the tenant of {organization} forbids tokens with full access | name its scope: --scope {scope}
patLifespanPolicyViolation | the token would be valid for longer than the tenant of {organization} allows | ask for fewer days: {create_short}
disablePatCreationPolicyViolation | the policy of {organization} forbids personal access tokens | git needs none after {setup}; else ask an administrator of {organization}
expiredPatCannotBeExtended | the token has expired, and an expired one cannot be extended | a new one: {create}
invalidTokenType | Azure DevOps does not accept this kind of token for the request | sign in as a person: {setup}
invalidAudience | the sign-in is not for Azure DevOps | sign in again: {setup}
invalidSubject | Azure DevOps does not know who signed in | sign in as a person: {setup}
deploymentHostNotSupported | tokens belong to an organization | name it with --org
"""
)
_UNKNOWN = Case(
    "{organization} refused the token for a reason that this program does not know", "open {page}"
)
_BY_LOWER = {error.lower(): case for error, case in PAT_CASES.items()}  # the service has sent both spellings
_TIME = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.\d+)?(?:Z|\+00:00)", re.ASCII)


class PatError(ServiceError):
    """Azure DevOps did not create, change or revoke the token; ``error`` is its ``patTokenError``."""

    def __init__(self, error: str, message: str, hint: str) -> None:
        super().__init__(message, hint)
        self.error = error


@dataclass(frozen=True)
class Pat:
    """A personal access token, as the service describes it.

    ``id``: its authorization id; ``expires_utc``, ``made_utc``: seconds since the epoch, None when they cannot be read;
    ``all_organizations``: whether it is for all of them; ``token``: the secret, only right after creation.
    """

    id: str
    name: str
    scope: str
    expires_utc: int | None
    made_utc: int | None
    all_organizations: bool
    token: str = field(default="", repr=False)


def reads_code(scopes: str) -> bool:
    """Return whether a token with these scopes (blank-separated) can serve git."""
    known = scopes.split()
    return any(
        each == "app_token" or (each.startswith("vso.code") and each != "vso.code_status") for each in known
    )


def check(web: HttpClient, organization: AnyOrganization, token: str) -> tuple[str, str | None]:
    """Return the token's user, and a repository's address, once the organization accepts it for reading code.

    Raise ServiceError, NetworkError.
    """
    authorization = api.basic(token)
    try:
        name = api.who_am_i(web, organization, authorization).name
        repository = api.check_code_scope(web, organization, authorization)
    except api.UnauthorizedError as refused:
        kind = " (it looks like an id, not a token)" if GUID.fullmatch(token) else ""
        raise ServiceError(
            f"the organization {organization} does not accept this token{kind}: it is mistyped, expired, revoked, "
            f"of another organization, or lacks the scope {TO_READ}",
            f"look at it on {hints.tokens_page(organization.url)}",
        ) from refused
    return name, repository


def create(
    web: HttpClient,
    organization: Organization,
    authorization: Mapping[str, str],
    *,
    name: str,
    scope: str,
    expires_utc: int,
) -> Pat:
    """Create a token for one organization and return it; it may expire earlier than requested.

    Raise PatError, UnauthorizedError, ServiceError, NetworkError.
    """
    end = dt.datetime.fromtimestamp(expires_utc, dt.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    body = {"displayName": name, "scope": scope, "validTo": end, "allOrgs": False}
    document = _ask(web, "POST", organization, authorization, json=body)
    made = _read(document.get("patToken"))
    if made is None or not made.id or not read_token(made.token):
        raise ServiceError(f"the organization {organization} created a token, but did not return it")
    return made


def active(web: HttpClient, organization: Organization, authorization: Mapping[str, str]) -> list[Pat]:
    """Return the user's tokens that have not expired, without the secrets. Raise as ``create``."""
    found: list[Pat] = []
    asked = {"displayFilterOption": "active", "$top": "100"}
    for _ in range(_MAX_PAGES):
        document = _ask(web, "GET", organization, authorization, asked)
        listed = document.get("patTokens")
        found += [pat for entry in (listed if isinstance(listed, list) else []) if (pat := _read(entry))]
        more = document.get("continuationToken")
        if not isinstance(more, str) or not more:
            break
        asked["continuationToken"] = more
    return found


def revoke(
    web: HttpClient, organization: Organization, authorization: Mapping[str, str], identifier: str
) -> bool:
    """Revoke a token by its authorization id; return False when there is none. Raise as ``create``."""
    try:
        _ask(web, "DELETE", organization, authorization, {"authorizationId": identifier})
    except PatError as refused:
        if refused.error in _NOT_FOUND:
            return False
        raise
    return True


def _ask(
    web: HttpClient,
    method: str,
    organization: Organization,
    authorization: Mapping[str, str],
    parameters: Mapping[str, str] | None = None,
    *,
    json: object = None,
) -> Mapping[str, object]:
    query = urlencode({"api-version": _VERSION, **(parameters or {})}, safe="$")
    url = f"https://{PATS_HOST}/{organization}/_apis/tokens/pats?{query}"
    response = web.request(method, url, headers={**api.SUPPRESS, **authorization}, json=json)
    if response.status == 204:  # noqa: PLR2004 - how DELETE succeeds
        return {}
    if not 200 <= response.status < 300 or api.type_key(response):  # noqa: PLR2004 - HTTP's successes
        raise api.refusal(response, f"the organization {organization}", organization)
    if "json" not in (response.header("Content-Type") or ""):
        raise api.UnauthorizedError(
            f"the organization {organization} does not know this sign-in: it is of another tenant "
            f"(it returned an HTML page with status {response.status})",
            hints.setup(organization),
        )
    document = response.json()
    if not isinstance(document, dict):
        raise ServiceError(f"the organization {organization} returned JSON of an undocumented form")
    error = document.get("patTokenError") or _NO_ERROR
    if error != _NO_ERROR:
        raise explain(_line(error), organization, first_line(document.get("patTokenErrorMessage")))
    return document


def _read(entry: object) -> Pat | None:
    if not isinstance(entry, dict):
        return None
    token = entry.get("token")
    return Pat(
        id=_line(entry.get("authorizationId")),
        name=_line(entry.get("displayName")),
        scope=_line(entry.get("scope")),
        expires_utc=_seconds(_line(entry.get("validTo"))),
        made_utc=_seconds(_line(entry.get("validFrom"))),
        all_organizations=entry.get("targetAccounts") is None,
        token=token if isinstance(token, str) else "",
    )


def _line(value: object) -> str:
    """Return a string from the service, ``printable`` and at most 300 characters long."""
    return printable(value)[:300] if isinstance(value, str) else ""


def _seconds(text: str) -> int | None:
    """Return a time as .NET writes it, with any number of decimals, as seconds since the epoch; None if it is none."""
    found = _TIME.fullmatch(text)
    try:
        return int(dt.datetime.fromisoformat(f"{found[1]}+00:00").timestamp()) if found else None
    except ValueError:  # such as the 32nd of a month
        return None


def explain(error: str, organization: AnyOrganization, detail: str = "") -> PatError:
    """Return the error for a ``patTokenError``; ``detail``: the service's own message, if there is one."""
    case = _BY_LOWER.get(error.lower(), _UNKNOWN)
    words = {
        "organization": organization,
        "setup": hints.setup(organization),
        "create": hints.pat_create(organization),
        "create_short": hints.pat_create(organization, days=7),
        "list": hints.pat_list(organization),
        "who_can": hints.explain(organization.url, online=True),
        "scope": GIT_SCOPE,
        "scopes": hints.SCOPES_PAGE,
        "page": hints.tokens_page(organization.url),
    }
    message = case.cause.format_map(words)
    if detail:
        message += f"; the service says: {detail.rstrip('.')}"
    return PatError(error, f"{message} ({error})", case.hint.format_map(words))
