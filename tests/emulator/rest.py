"""Azure DevOps' REST answers: connectionData, projects, repositories, profile, accounts, vsts/info.

Sources: MicrosoftDocs/vsts-rest-api-specs 7.2; connectionData (undocumented) and vsts/info from clients that
read them. connectionData wants a ``-preview`` version; organizations with public projects answer it to anybody.
"""

from __future__ import annotations

import base64
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from tests.emulator import access, refusals
from tests.emulator.messages import Response, html_response, json_response
from tests.emulator.model import CONSUMERS, NO_TENANT, TRANSFER, guid

if TYPE_CHECKING:
    from tests.emulator.access import Caller, Visit
    from tests.emulator.messages import Request
    from tests.emulator.model import Organization, Person, Repository
    from tests.emulator.world import World

_VERSION = re.compile(r"(\d)\.(\d)(-preview(\.\d)?)?")
_WEBAPI = "Microsoft.VisualStudio.Services.WebApi"
_SCOPES: dict[tuple[str, ...], tuple[str, ...]] = {
    ("connectiondata",): (),
    ("projects",): ("vso.project", "vso.profile"),
    ("git", "repositories"): ("vso.code",),
    ("profile", "profiles", "me"): ("vso.profile",),
    ("accounts",): ("vso.profile",),
}


def organization(visit: Visit, segments: list[str]) -> Response:
    """Answer a REST request (or a page) of an organization; ``segments`` begin behind the organization."""
    world, request, org = visit.world, visit.request, visit.organization
    lower = [part.lower() for part in segments]
    at = lower.index("_apis") if "_apis" in lower else len(lower)
    route = tuple(lower[at + 1 :])
    key = route[:2] if route[:2] == ("git", "repositories") else route
    why = access.refusal(visit, _SCOPES.get(key, ()))
    if why and route == ("connectiondata",) and any(r.public for r in world.repositories_of(org.name)):
        return _versioned(request, preview=True) or json_response(200, {"authenticatedUser": _ANONYMOUS})
    person = visit.caller.person
    if why or person is None:
        return refusals.rest(why or access.Refusal.UNKNOWN, visit)
    if at == len(lower):
        return html_response(200, f"<html><body><h1>{org.name}</h1></body></html>")
    bad = _versioned(request, preview=route == ("connectiondata",))
    if bad:
        return bad
    if key == ("git", "repositories"):
        return _repositories(visit, person, segments[0] if at == 1 else None, segments[at + 3 :])
    if route == ("connectiondata",):
        value = _connection_data(world, person, org)
    elif route == ("projects",):
        found = {r.project_id: _project(org, r) for r in world.repositories_of(org.name)}
        value = {"count": len(found), "value": list(found.values())}
    elif route == ("profile", "profiles", "me"):
        value = _profile(world, person, org.tenant)
    elif route[:2] == ("servicedefinitions", "locationservice2"):
        value = {"location": f"https://spsprod{org.region}.vssps.visualstudio.com/A{org.id}/"}
    else:
        return _unknown(request)
    return json_response(200, value, refusals.user_data(visit))


def app(world: World, request: Request, caller: Caller, segments: list[str]) -> Response:
    """Answer a request on ``app.vssps.visualstudio.com``, which belongs to no organization."""
    route = tuple(part.lower() for part in segments[1:])
    why = access.refusal_everywhere(world, caller, _SCOPES.get(route, ()))
    if why or caller.person is None:
        return refusals.rest_everywhere(why or access.Refusal.UNKNOWN, request)
    bad = _versioned(request)
    if bad:
        return bad
    tenant = caller.token.tenant if caller.token else caller.person.tenant
    if route == ("profile", "profiles", "me"):
        return json_response(200, _profile(world, caller.person, tenant))
    if route == ("accounts",):
        return json_response(200, _accounts(world, request, caller.person, tenant))
    return _unknown(request)


def _unknown(request: Request) -> Response:
    return html_response(404, f"<html><body><h1>404</h1><p>{quote(request.path)}</p></body></html>")


def _versioned(request: Request, *, preview: bool = False) -> Response | None:
    """Refuse a version that the resource does not have; no version at all is accepted for reading."""
    version = request.parameters.get("api-version")
    if version is None:
        return None
    match = _VERSION.fullmatch(version)
    if match is None or int(match[1]) > 7:
        message = f"The requested REST API version of {version} is out of range for this server."
        return json_response(400, refusals.vss("VssVersionOutOfRangeException", message, _WEBAPI))
    if preview and not match[3]:
        message = (
            f'The requested version "{version}" of the resource is under preview. The -preview flag must be '
            f'supplied in the api-version for such requests. For example: "{version}-preview"'
        )
        return json_response(400, refusals.vss("VssInvalidPreviewVersionException", message, _WEBAPI))
    return None


_ANONYMOUS = {
    "id": access.ANONYMOUS,
    "descriptor": f"System:PublicAccess;{access.ANONYMOUS}",
    "providerDisplayName": "Anonymous",
}


def _user(world: World, person: Person, org: Organization) -> dict[str, Any]:
    identity = world.identity_id(person, org.tenant)
    domain = "Windows Live ID" if org.tenant == NO_TENANT else org.tenant
    prefix = {"work": "aad", "personal": "msa", "service": "svc"}[person.kind]
    return {
        "id": identity,
        "descriptor": f"Microsoft.IdentityModel.Claims.ClaimsIdentity;{domain}\\{person.name}",
        "subjectDescriptor": f"{prefix}.{base64.b64encode(identity.encode()).decode().rstrip('=')}",
        "providerDisplayName": person.display_name,
        "isActive": True,
        "properties": {"Account": {"$type": "System.String", "$value": person.name}},
        "resourceVersion": 2,
        "metaTypeId": 0,
    }


def _connection_data(world: World, person: Person, org: Organization) -> dict[str, Any]:
    user = _user(world, person, org)
    return {
        "authenticatedUser": user,
        "authorizedUser": user,
        "instanceId": org.id,
        "deploymentId": guid("deployment"),
        "deploymentType": "hosted",
        "locationServiceData": {
            "serviceOwner": "00025394-6065-48ca-87d9-7f5672854ef7",
            "defaultAccessMappingMoniker": "PublicAccessMapping",
            "lastChangeId": 62693399,
            "lastChangeId64": 62693399,
        },
    }


def _profile(world: World, person: Person, tenant: str) -> dict[str, Any]:
    known = NO_TENANT if tenant in {CONSUMERS, TRANSFER} else tenant
    identity = world.identity_id(person, known)
    return {
        "displayName": person.display_name,
        "publicAlias": identity,
        "emailAddress": person.name,
        "coreRevision": 1647,
        "timeStamp": "2014-05-12T22:23:07.727+00:00",
        "id": identity,
        "revision": 1647,
    }


def _accounts(world: World, request: Request, person: Person, tenant: str) -> dict[str, Any]:
    """List the organizations of one identity: those of the token's tenant; nobody else's, no service's."""
    known = NO_TENANT if tenant in {CONSUMERS, TRANSFER} else tenant
    mine = request.parameters.get("memberId", "").lower() == world.identity_id(person, known)
    found = [
        {
            "accountId": org.id,
            "accountUri": f"https://vssps.dev.azure.com/{org.name}/",
            "accountName": org.name,
            "properties": {},
        }
        for org in world.organizations.values()
        if mine and org.tenant == known and person.name in org.members and person.kind != "service"
    ]
    return {"count": len(found), "value": found}


def _url(org: Organization, *parts: str) -> str:
    return "/".join([f"https://dev.azure.com/{org.name}", *(quote(part, safe="") for part in parts)])


def _project(org: Organization, repository: Repository) -> dict[str, Any]:
    return {
        "id": repository.project_id,
        "name": repository.project,
        "url": _url(org, "_apis", "projects", repository.project_id),
        "state": "wellFormed",
        "revision": 293012730,
    }


def _repository(org: Organization, repository: Repository) -> dict[str, Any]:
    return {
        "id": repository.id,
        "name": repository.name,
        "url": _url(org, "_apis", "git", "repositories", repository.id),
        "project": _project(org, repository),
        "defaultBranch": "refs/heads/main",
        "remoteUrl": _url(org, repository.project, "_git", repository.name),
    }


def _repositories(visit: Visit, person: Person, project: str | None, wanted: list[str]) -> Response:
    """List what the caller may see (of one project), or one repository by name or GUID."""
    world, org = visit.world, visit.organization
    seen = [
        repository
        for repository in world.repositories_of(org.name)
        if world.right(person, org, repository) != "none"
        and (project is None or project.lower() in {repository.project.lower(), repository.project_id})
    ]
    headers = refusals.user_data(visit)
    if not wanted:
        return json_response(200, {"value": [_repository(org, r) for r in seen], "count": len(seen)}, headers)
    one = next((r for r in seen if wanted[0].lower() in {r.name.lower(), r.id}), None)
    if one is None:
        return refusals.repository_not_found(wanted[0], visit)
    return json_response(200, _repository(org, one), headers)


def vsts_info(org: Organization, repository: Repository) -> Response:
    """Answer ``{repository}/vsts/info``."""
    url = f"https://dev.azure.com/{org.name}"
    collection = {"id": org.id, "name": org.name, "url": _url(org, "_apis", "projectCollections", org.id)}
    project = _project(org, repository)
    project.pop("revision")
    described = {**_repository(org, repository), "project": project}
    described.pop("defaultBranch")
    return json_response(200, {"serverUrl": url, "collection": collection, "repository": described})
