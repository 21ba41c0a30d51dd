"""Azure DevOps over REST: whose token is this, which organizations, which tenant, may it read code.

Every request asks for plain refusals (``X-TFS-FedAuthRedirect: Suppress``), else a sign-in page comes with status
203 or 302. An answer proves something only when it is JSON; the anonymous identity, which organizations with public
projects give to any bad token, counts as a refusal. Paths: https://learn.microsoft.com/rest/api/azure/devops/.
"""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote

from git_credential_azdo import hints
from git_credential_azdo.devops.refusals import BY_TYPE, CASES
from git_credential_azdo.errors import ServiceError
from git_credential_azdo.git.target import (
    MSA_TENANT,
    NIL_TENANT,
    Collection,
    Organization,
    is_tenant,
    tenant_in,
)
from git_credential_azdo.hosts import MICROSOFT, PROFILE_HOST, SERVICES_HOST

if TYPE_CHECKING:
    from collections.abc import Mapping

    from git_credential_azdo.git.target import AnyOrganization
    from git_credential_azdo.response import Response
    from git_credential_azdo.web import HttpClient

ANONYMOUS = "aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa"
_OK = 200
_NOT_FOUND = 404
_TOO_MANY = 429
SUPPRESS = {"X-TFS-FedAuthRedirect": "Suppress"}
"""A header for every request: refuse, do not show a sign-in page."""
_CODE = re.compile(r"\b(?:TF|VS)\d{5,6}\b", re.ASCII)
_GUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


class Refused(ServiceError):  # noqa: N818 - an answer, not an accident
    """Azure DevOps does not accept the token here, or the token lacks a scope: it does not say which."""


@dataclass(frozen=True)
class Identity:
    """Whom a token speaks for: ``id`` is Azure DevOps' own, ``name`` the sign-in name."""

    id: str
    name: str
    display_name: str


def basic(token: str) -> dict[str, str]:
    """Return the header that carries a PAT; its user name is empty, as the REST pages have it."""
    return {"Authorization": "Basic " + base64.b64encode(b":" + token.encode()).decode("ascii")}


def bearer(token: str) -> dict[str, str]:
    """Return the header that carries an Entra access token."""
    return {"Authorization": f"Bearer {token}"}


def origins_of(*organizations: AnyOrganization) -> frozenset[str]:
    """Return the origins that requests about these may go to: those of Azure DevOps Services, and of each collection."""
    return MICROSOFT.union(each.address for each in organizations if isinstance(each, Collection))


def tokens_page(organization: AnyOrganization) -> str:
    """Return the page where a person makes and looks after personal access tokens."""
    return hints.tokens_page(organization.url)


def tenant_of(web: HttpClient, organization: AnyOrganization) -> str | None:
    """Ask, without a credential, for the tenant of an organization; None when it does not tell.

    An organization of personal Microsoft accounts gives their tenant, MSA_TENANT.
    Raise NetworkError, ServiceError when there is no such organization.
    """
    answer = web.request("HEAD", organization.url, headers=SUPPRESS)
    if answer.status == _NOT_FOUND:
        raise ServiceError(
            f"there is no organization {organization}{f' on {SERVICES_HOST}' if isinstance(organization, Organization) else ''}",
            "check its spelling",
        )
    tenant = tenant_in(answer.all("WWW-Authenticate"))
    if tenant:
        return tenant
    named = (answer.header("X-VSS-ResourceTenant") or "").lower().replace(" ", "").split(",")
    tenant = next((each for each in named if is_tenant(each)), None)
    return tenant or (MSA_TENANT if named == [NIL_TENANT] else None)


def who_am_i(web: HttpClient, organization: AnyOrganization, authorization: Mapping[str, str]) -> Identity:
    """Say whom the token speaks for in the organization. Raise Refused, ServiceError, NetworkError."""
    # Servers of any age answer without a version; Services are asked for the one that was recorded.
    version = "?api-version=7.1-preview.1" if isinstance(organization, Organization) else ""
    url = f"{organization.url}/_apis/connectionData{version}"
    user = _member(_get(web, url, authorization, organization), "authenticatedUser")
    identifier = _text(user, "id")
    if not identifier or identifier == ANONYMOUS:
        raise Refused(f"the organization {organization} does not accept this token")
    account = _text(_member(_member(user, "properties"), "Account"), "$value")
    descriptor = _text(user, "descriptor").rpartition("\\")[2]
    display_name = _text(user, "providerDisplayName") or _text(user, "customDisplayName")
    return Identity(identifier, account or descriptor or display_name or identifier, display_name)


def check_code_scope(
    web: HttpClient, organization: AnyOrganization, authorization: Mapping[str, str]
) -> str | None:
    """Return the address of a repository that the token may read, None where there is none.

    Raise Refused unless the token may read code in the organization; also ServiceError, NetworkError.
    """
    version = "7.1" if isinstance(organization, Organization) else "1.0"  # known since TFS 2015
    url = f"{organization.url}/_apis/git/repositories?api-version={version}&$top=1"
    listed = _get(web, url, authorization, organization).get("value")
    first = listed[0] if isinstance(listed, list) and listed and isinstance(listed[0], dict) else {}
    names = _text(_member(first, "project"), "name"), _text(first, "name")
    project, repository = (quote(name, safe="") for name in names)
    return f"{organization.url}/{project}/_git/{repository}" if project and repository else None


def can_read_repository(web: HttpClient, url: str, authorization: Mapping[str, str]) -> bool:
    """Ask git's own first question of a repository; False when it is not there or may not be seen.

    Raise Refused, ServiceError, NetworkError.
    """
    question = f"{url.rstrip('/')}/info/refs?service=git-upload-pack"
    answer = web.request("GET", question, headers={**SUPPRESS, **authorization})
    if answer.status == _OK and "git-upload-pack" in (answer.header("Content-Type") or ""):
        return True
    if answer.status == _NOT_FOUND:
        return False
    raise refusal(answer, "the repository")


def profile(web: HttpClient, authorization: Mapping[str, str]) -> Identity:
    """Say whom the token speaks for, with no organization. Raise Refused for a PAT of one organization."""
    document = _get(
        web, f"https://{PROFILE_HOST}/_apis/profile/profiles/me?api-version=7.1", authorization, None
    )
    name = _text(document, "emailAddress") or _text(document, "displayName")
    return Identity(_text(document, "id"), name, _text(document, "displayName"))


def organizations(web: HttpClient, authorization: Mapping[str, str], member: str) -> list[Organization]:
    """Return the organizations that the member ``member`` (an Identity's id) can access."""
    url = f"https://{PROFILE_HOST}/_apis/accounts?memberId={quote(member, safe='')}&api-version=7.1"
    listed = _get(web, url, authorization, None).get("value")
    entries = listed if isinstance(listed, list) else []
    named = (Organization.read(_text(entry, "accountName")) for entry in entries if isinstance(entry, dict))
    return sorted({each for each in named if each is not None})


def _get(
    web: HttpClient, url: str, authorization: Mapping[str, str], organization: AnyOrganization | None
) -> dict[str, object]:
    answer = web.request("GET", url, headers={**SUPPRESS, **authorization})
    where = f"the organization {organization}" if organization else "Azure DevOps"
    if answer.status == _OK:
        document = answer.json()
        if isinstance(document, dict):
            return document
        raise ServiceError(f"{where} answered with JSON of another form than documented")
    raise refusal(answer, where, organization)


def refusal(answer: Response, where: str, organization: AnyOrganization | None = None) -> ServiceError:
    """Word an answer other than 200, by Azure DevOps' own code where it gives one (TF..., VS...).

    ``where`` names in words who refused; ``organization`` is for the commands in the hint.
    """
    text = _message(answer)
    service_error = unquote(answer.header("X-TFS-ServiceError") or "")
    # The page of a 403 has the code, too.
    places = (text, service_error, answer.body[:65_536].decode("utf-8", "replace"))
    code = next((found[0] for place in places if (found := _CODE.search(place))), "")
    case = CASES.get(code) or BY_TYPE.get(type_key(answer))
    if case:
        address = organization.url if organization else f"https://{SERVICES_HOST}/ORGANIZATION"
        words = {"where": where, "organization": organization or "ORGANIZATION", "address": address}
        words |= {"who_can": hints.explain(address, online=True), "use": hints.use()}
        kind = Refused if case.refused else ServiceError
        return kind(
            f"{case.cause.format_map(words)} ({_for_administrators(answer, code)})",
            case.hint.format_map(words),
        )
    if answer.status == _NOT_FOUND:
        return ServiceError(f"{where} does not exist, or this account may not see it (status 404)")
    if answer.status == _TOO_MANY:
        return ServiceError(f"{where} asks us to slow down (status 429)", "try again in a few minutes")
    detail = f" ({text})" if text else ""
    if answer.status in {203, 301, 302, 303, 307, 308, 401, 403}:
        return Refused(f"{where} does not accept this token{detail}")
    return ServiceError(f"{where} answered with status {answer.status}{detail}", "try again later")


def type_key(answer: Response) -> str:
    """Return the kind of an error as Azure DevOps names it, or an empty text."""
    try:
        document = answer.json()
    except ServiceError:
        return ""
    return _text(document, "typeKey") if isinstance(document, dict) else ""


def _for_administrators(answer: Response, code: str) -> str:
    """Return the code, and the id by which Microsoft finds the request again."""
    activity = answer.header("ActivityId") or answer.header("X-VSS-E2EID") or ""
    parts = [code or type_key(answer), f"activity id {activity}" if _GUID.fullmatch(activity) else ""]
    return ", ".join(part for part in parts if part)


def _message(answer: Response) -> str:
    try:
        document = answer.json()
    except ServiceError:
        return ""
    text = _text(document, "message") if isinstance(document, dict) else ""
    return text.strip().rstrip(".")[:300]


def _member(document: Mapping[str, object], name: str) -> Mapping[str, object]:
    value = document.get(name)
    return value if isinstance(value, dict) else {}


def _text(document: Mapping[str, object], name: str) -> str:
    value = document.get(name)
    return value if isinstance(value, str) else ""
