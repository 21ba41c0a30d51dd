"""Azure DevOps' REST API: the identity of a token, its organizations, an organization's tenant, access to code.

Every request asks for a plain 401 (``X-TFS-FedAuthRedirect: Suppress``) instead of a sign-in page with 203 or 302. Must
never accept a token because of a response that is not JSON or has the anonymous identity, which organizations with
public projects return for any invalid token. Paths: https://learn.microsoft.com/rest/api/azure/devops/. Error codes:
Microsoft's pages on rate limits, policies and permissions, and published answers.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote

from git_credential_azdo import hints
from git_credential_azdo.errors import ServiceError, printable
from git_credential_azdo.git.target import (
    MSA_TENANT,
    NIL_TENANT,
    PROFILE_HOST,
    SERVICES_HOST,
    AnyOrganization,
    Collection,
    Organization,
    is_tenant,
    microsoft,
    tenant_in,
)
from git_credential_azdo.signin import oauth
from git_credential_azdo.signin.authorities import GUID
from git_credential_azdo.signin.entra_errors import read_cases

if TYPE_CHECKING:
    from git_credential_azdo.web import HttpClient, Response

ANONYMOUS = "aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa"
_OK, _NOT_FOUND = 200, 404
SUPPRESS = {"X-TFS-FedAuthRedirect": "Suppress"}
"""The header of every request that asks for a 401 instead of a sign-in page."""
_CODE = re.compile(r"\b(?:TF|VS)\d{5,6}\b", re.ASCII)
CASES = read_cases(
    """
TF400813 TF30063 | {where} does not accept this token: it has expired, belongs to another tenant, or its account has no access | {who_can} | unauthorized
TF401444 AadUserStateException | {where} does not know this identity yet: it has not signed in there with a browser | open {address} in a browser, sign in with this account, then try again | unauthorized
TF401019 | {where} does not exist, or this account may not see it | if another account may: {who_can}
VS800075 TF200016 | a project of {where} does not exist, or this account may not see it | if another account may: {who_can}
VS403463 | {where} refuses this by its Conditional Access policy | sign in from a device and network that the policy allows, or ask the administrator
TF402455 | {where} protects this branch: it accepts changes by pull request only | push to another branch and open a pull request
TF401027 | {where} denies this account the permission | ask an administrator of the project for the permission, or choose another account with {use}
TF400733 | {where} limits the rate of requests | try again in a few minutes
InvalidAccessException | only a person's own sign-in may manage personal access tokens, not a token, a service principal or a managed identity | {setup} | unauthorized
TF400898 | {where} had an internal error | try again in a few minutes
"""
)
"""Keyed by error code (TF..., VS...), or by ``typeKey`` for errors without one; form and flags as in ``entra_errors``.

``unauthorized``: the token or its identity is rejected, so another one may be accepted.
"""

_BY_STATUS = {_NOT_FOUND: "TF401019", 429: "TF400733"}
"""What a status without an error code means, as a key of ``CASES``."""


class UnauthorizedError(ServiceError):
    """Azure DevOps rejects the token here, or the token lacks a scope; it does not say which."""


@dataclass(frozen=True)
class Identity:
    """The identity of a token: ``id`` is Azure DevOps' own, ``name`` the sign-in name, ``printable``."""

    id: str
    name: str


def basic(token: str) -> dict[str, str]:
    """Return the Authorization header for a PAT (RFC 7617); the user name is empty, as in Microsoft's REST pages."""
    return {"Authorization": "Basic " + base64.b64encode(b":" + token.encode()).decode("ascii")}


def bearer(token: str) -> dict[str, str]:
    """Return the Authorization header for an Entra access token (RFC 6750)."""
    return {"Authorization": f"Bearer {token}"}


def origins_of(*organizations: AnyOrganization) -> frozenset[str]:
    """Return the origins that requests for these organizations may go to: Microsoft's, and each collection's."""
    return microsoft().union(each.address for each in organizations if isinstance(each, Collection))


def tenant_of(web: HttpClient, organization: AnyOrganization) -> str | None:
    """Return the tenant of an organization, requested without a credential; None if the response names none.

    It is MSA_TENANT for an organization of personal Microsoft accounts. Raise NetworkError, ServiceError when there is
    no such organization.
    """
    response = web.request("HEAD", organization.url, headers=SUPPRESS)
    if response.status == _NOT_FOUND:
        where = f" on {SERVICES_HOST}" if isinstance(organization, Organization) else ""
        raise ServiceError(f"there is no organization {organization}{where}", "check its spelling")
    named = (response.header("X-VSS-ResourceTenant") or "").lower().replace(" ", "").split(",")
    tenant = tenant_in(response.all("WWW-Authenticate")) or next(filter(is_tenant, named), None)
    return tenant or (MSA_TENANT if named == [NIL_TENANT] else None)


def who_am_i(web: HttpClient, organization: AnyOrganization, authorization: Mapping[str, str]) -> Identity:
    """Return the identity of the token in the organization. Raise UnauthorizedError, ServiceError, NetworkError."""
    # Every Azure DevOps Server accepts the request without a version; for Services it is the one that is tested.
    version = "?api-version=7.1-preview.1" if isinstance(organization, Organization) else ""
    url = f"{organization.url}/_apis/connectionData{version}"
    user = _get(web, url, authorization, organization).get("authenticatedUser")
    identifier = _text(user, "id")
    if not identifier or identifier == ANONYMOUS:
        raise UnauthorizedError(f"the organization {organization} does not accept this token")
    account = _text(user, "properties", "Account", "$value")
    descriptor = _text(user, "descriptor").rpartition("\\")[2]
    display_name = _text(user, "providerDisplayName") or _text(user, "customDisplayName")
    name = printable(account or descriptor or display_name).strip()
    return Identity(identifier, name or identifier)


def check_code_scope(
    web: HttpClient, organization: AnyOrganization, authorization: Mapping[str, str]
) -> str | None:
    """Return the address of a repository that the token may read, None where there is none.

    Raise UnauthorizedError unless the token may read code in the organization; also ServiceError, NetworkError.
    """
    version = "7.1" if isinstance(organization, Organization) else "1.0"  # supported since TFS 2015
    url = f"{organization.url}/_apis/git/repositories?api-version={version}&$top=1"
    listed = _get(web, url, authorization, organization).get("value")
    first = listed[0] if isinstance(listed, list) and listed else None
    names = _text(first, "project", "name"), _text(first, "name")
    project, repository = (quote(name, safe="") for name in names)
    return f"{organization.url}/{project}/_git/{repository}" if project and repository else None


def can_read_repository(web: HttpClient, url: str, authorization: Mapping[str, str]) -> bool:
    """Return whether git's own first request succeeds; False when the repository is absent or not visible.

    Raise UnauthorizedError, ServiceError, NetworkError.
    """
    refs = f"{url.rstrip('/')}/info/refs?service=git-upload-pack"
    response = web.request("GET", refs, headers={**SUPPRESS, **authorization})
    if response.status == _OK and "git-upload-pack" in (response.header("Content-Type") or ""):
        return True
    if response.status == _NOT_FOUND:
        return False
    raise refusal(response, "the repository")


def profile(web: HttpClient, authorization: Mapping[str, str]) -> Identity:
    """Return the identity of the token, without an organization. Raise UnauthorizedError for a PAT of one organization."""
    document = _get(
        web, f"https://{PROFILE_HOST}/_apis/profile/profiles/me?api-version=7.1", authorization, None
    )
    name = _text(document, "emailAddress") or _text(document, "displayName")
    return Identity(_text(document, "id"), printable(name).strip())


def organizations(web: HttpClient, authorization: Mapping[str, str], member: str) -> list[Organization]:
    """Return the organizations that ``member`` (an Identity's id) can access, sorted. Raise as ``profile``."""
    url = f"https://{PROFILE_HOST}/_apis/accounts?memberId={quote(member, safe='')}&api-version=7.1"
    listed = _get(web, url, authorization, None).get("value")
    entries = listed if isinstance(listed, list) else []
    named = {Organization.read(_text(entry, "accountName")) for entry in entries}
    return sorted(each for each in named if each is not None)


def _get(
    web: HttpClient, url: str, authorization: Mapping[str, str], organization: AnyOrganization | None
) -> dict[str, object]:
    response = web.request("GET", url, headers={**SUPPRESS, **authorization})
    where = f"the organization {organization}" if organization else "Azure DevOps"
    if response.status == _OK:
        document = response.json()
        if isinstance(document, dict):
            return document
        raise ServiceError(f"{where} returned JSON of an undocumented form")
    raise refusal(response, where, organization)


def refusal(response: Response, where: str, organization: AnyOrganization | None = None) -> ServiceError:
    """Return the error for a response other than 200, by Azure DevOps' own code (TF..., VS...) if it has one.

    ``where``: what refused, such as ``the organization contoso``; ``organization``: for the commands in the hint.
    """
    text, key = _text(response.fields(), "message"), type_key(response)
    service_error = unquote(response.header("X-TFS-ServiceError") or "")
    # The HTML page of a 403 contains the code, too.
    places = (text, service_error, response.body[:65_536].decode("utf-8", "replace"))
    code = next((found[0] for place in places if (found := _CODE.search(place))), "")
    known = next((each for each in (key, code) if each in CASES), "")
    case = CASES.get(known or _BY_STATUS.get(response.status, ""))
    if case:
        address = organization.url if organization else f"https://{SERVICES_HOST}/ORGANIZATION"
        words = {"where": where, "address": address, "setup": hints.setup(organization or "")}
        words |= {"who_can": hints.explain(address, online=True), "use": hints.use()}
        kind = UnauthorizedError if "unauthorized" in case.flags else ServiceError
        # Microsoft can find the request by its activity id.
        activity = response.header("ActivityId") or response.header("X-VSS-E2EID") or ""
        more = f", activity id {activity}" if GUID.fullmatch(activity) else ""
        label = known or f"status {response.status}"
        return kind(f"{case.cause.format_map(words)} ({label}{more})", case.hint.format_map(words))
    said = oauth.first_line(text.strip().rstrip("."))
    detail = f" ({said})" if said else ""
    if response.status in {203, 301, 302, 303, 307, 308, 401, 403}:
        return UnauthorizedError(f"{where} does not accept this token{detail}")
    return ServiceError(f"{where} answered with status {response.status}{detail}", "try again later")


def type_key(response: Response) -> str:
    """Return the ``typeKey`` of an Azure DevOps error, or an empty string."""
    return _text(response.fields(), "typeKey")


def _text(value: object, *path: str) -> str:
    """Return the string at a path of JSON object members, or an empty one."""
    for name in path:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value if isinstance(value, str) else ""
