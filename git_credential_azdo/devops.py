"""Azure DevOps over REST: whose token is this, which organizations, which tenant, may it read code.

Every request asks for plain refusals (``X-TFS-FedAuthRedirect: Suppress``), else a sign-in page comes with status
203 or 302. An answer proves something only when it is JSON; the anonymous identity, which organizations with public
projects give to any bad token, counts as a refusal. Paths: https://learn.microsoft.com/rest/api/azure/devops/.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote

from git_credential_azdo.errors import ServiceError
from git_credential_azdo.git.remote import NIL_TENANT, SERVICES_HOST, is_tenant, tenant_in
from git_credential_azdo.signin.entra import MSA_TENANT

if TYPE_CHECKING:
    from collections.abc import Mapping

    from git_credential_azdo.web import Answer, Web

ANONYMOUS = "aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa"
TOKENS_PAGE = "https://dev.azure.com/{organization}/_usersSettings/tokens"
_PROFILE_HOST = "https://app.vssps.visualstudio.com"
_OK = 200
_NOT_FOUND = 404
_TOO_MANY = 429
_SUPPRESS = {"X-TFS-FedAuthRedirect": "Suppress"}


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


def organization_url(organization: str) -> str:
    """Return the organization's address."""
    return f"https://{SERVICES_HOST}/{quote(organization, safe='')}"


def tenant_of(web: Web, organization: str) -> str | None:
    """Ask, without a credential, for the tenant of an organization; None when it does not tell.

    An organization of personal Microsoft accounts gives their tenant, MSA_TENANT.
    Raises NetworkError, ServiceError when there is no such organization.
    """
    answer = web.request("HEAD", organization_url(organization), headers=_SUPPRESS)
    if answer.status == _NOT_FOUND:
        raise ServiceError(
            f"there is no organization {organization} on {SERVICES_HOST}", "check its spelling"
        )
    tenant = tenant_in(answer.all("WWW-Authenticate"))
    if tenant:
        return tenant
    named = (answer.header("X-VSS-ResourceTenant") or "").lower().replace(" ", "").split(",")
    tenant = next((each for each in named if is_tenant(each)), None)
    return tenant or (MSA_TENANT if named == [NIL_TENANT] else None)


def who_am_i(web: Web, organization: str, authorization: Mapping[str, str]) -> Identity:
    """Say whom the token speaks for in the organization. Raises Refused, ServiceError, NetworkError."""
    url = f"{organization_url(organization)}/_apis/connectionData?api-version=7.1-preview.1"
    user = _member(_get(web, url, authorization, organization), "authenticatedUser")
    identifier = _text(user, "id")
    if not identifier or identifier == ANONYMOUS:
        raise Refused(f"the organization {organization} does not accept this token")
    account = _text(_member(_member(user, "properties"), "Account"), "$value")
    descriptor = _text(user, "descriptor").rpartition("\\")[2]
    display_name = _text(user, "providerDisplayName") or _text(user, "customDisplayName")
    return Identity(identifier, account or descriptor or display_name or identifier, display_name)


def check_code_scope(web: Web, organization: str, authorization: Mapping[str, str]) -> None:
    """Raise Refused unless the token may read code in the organization; also ServiceError, NetworkError."""
    url = f"{organization_url(organization)}/_apis/git/repositories?api-version=7.1&$top=1"
    _get(web, url, authorization, organization)


def can_read_repository(web: Web, url: str, authorization: Mapping[str, str]) -> bool:
    """Ask git's own first question of a repository; False when it is not there or may not be seen.

    Raises Refused, ServiceError, NetworkError.
    """
    question = f"{url.rstrip('/')}/info/refs?service=git-upload-pack"
    answer = web.request("GET", question, headers={**_SUPPRESS, **authorization})
    if answer.status == _OK and "git-upload-pack" in (answer.header("Content-Type") or ""):
        return True
    if answer.status == _NOT_FOUND:
        return False
    raise refusal(answer, "the repository")


def profile(web: Web, authorization: Mapping[str, str]) -> Identity:
    """Say whom the token speaks for, with no organization. Raises Refused for a PAT of one organization."""
    document = _get(web, f"{_PROFILE_HOST}/_apis/profile/profiles/me?api-version=7.1", authorization, None)
    name = _text(document, "emailAddress") or _text(document, "displayName")
    return Identity(_text(document, "id"), name, _text(document, "displayName"))


def organizations(web: Web, authorization: Mapping[str, str], member: str) -> list[str]:
    """Return the names of the organizations that the member ``member`` (an Identity's id) can access."""
    url = f"{_PROFILE_HOST}/_apis/accounts?memberId={quote(member, safe='')}&api-version=7.1"
    listed = _get(web, url, authorization, None).get("value")
    entries = listed if isinstance(listed, list) else []
    return sorted(
        {name for entry in entries if isinstance(entry, dict) and (name := _text(entry, "accountName"))}
    )


def _get(web: Web, url: str, authorization: Mapping[str, str], organization: str | None) -> dict[str, object]:
    answer = web.request("GET", url, headers={**_SUPPRESS, **authorization})
    where = f"the organization {organization}" if organization else "Azure DevOps"
    if answer.status == _OK:
        document = answer.json()
        if isinstance(document, dict):
            return document
        raise ServiceError(f"{where} answered with JSON of another form than documented")
    raise refusal(answer, where)


def refusal(answer: Answer, where: str) -> ServiceError:
    """Word an answer other than 200, by Azure DevOps' own code where it gives one (TF..., VS...)."""
    told = _message(answer)
    code = told.partition(":")[0]
    if code == "VS403463" or "VS403463" in told:
        return ServiceError(
            f"{where} refused by its Conditional Access policy (VS403463)",
            "sign in from a device and network that the policy allows, or ask the administrator",
        )
    if answer.status == _NOT_FOUND:
        return ServiceError(f"{where} does not exist, or this account may not see it (status 404)")
    if answer.status == _TOO_MANY:
        return ServiceError(f"{where} asks us to slow down (status 429)", "try again in a few minutes")
    if "materialized" in told:
        return Refused(
            f"{where} does not know this identity yet: it never signed in there with a browser",
            f"open https://{SERVICES_HOST} in a browser, sign in with this account, then try again",
        )
    if answer.status in {203, 301, 302, 303, 307, 308, 401, 403}:
        detail = f" ({told})" if told else ""
        return Refused(f"{where} does not accept this token{detail}")
    return ServiceError(f"{where} answered with status {answer.status}", "try again later")


def _message(answer: Answer) -> str:
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
