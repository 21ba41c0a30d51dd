"""The PAT lifecycle API and the session tokens beside it.

Source: MicrosoftDocs/vsts-rest-api-specs, specification/tokens/7.2 (policy failures come as HTTP 200 with
``patTokenError``); session tokens from Git Credential Manager's requests. Only a person's Entra token may call.
"""

from __future__ import annotations

import datetime as dt
import json
from typing import TYPE_CHECKING, Any

from tests.emulator import access, refusals
from tests.emulator.access import Visit
from tests.emulator.messages import Response, html_response, json_response

if TYPE_CHECKING:
    from tests.emulator.access import Caller
    from tests.emulator.messages import Request
    from tests.emulator.model import Organization, Pat
    from tests.emulator.world import World

_SCOPES = {"GET": ("vso.pats", "vso.pats_manage")}
_SOON = dt.timedelta(days=30)


def lifecycle(visit: Visit) -> Response:
    """Answer ``/{organization}/_apis/tokens/pats``: create, list, read, change, revoke."""
    world, request, caller, organization = visit.world, visit.request, visit.caller, visit.organization
    scopes = () if caller.pat else _SCOPES.get(request.method, ("vso.pats_manage",))
    why = access.refusal(visit, scopes)
    if why is None and (caller.pat or (caller.person and caller.person.kind == "service")):
        # The status of this answer was not recorded.
        body = refusals.vss("InvalidAccessException", "The requested operation is not allowed.")
        return json_response(401, body, refusals.trace())
    if why is access.Refusal.IDENTITY and not refusals.suppressed(request):
        return refusals.sign_in_page()  # a token of the wrong tenant was seen to get a page here, not a 401
    if why or caller.person is None:
        return refusals.rest(why or access.Refusal.UNKNOWN, visit)
    person = caller.person.name
    one = request.parameters.get("authorizationId")
    if request.method == "POST":
        return _create(world, person, organization, _body(request))
    if request.method == "PUT":
        return _update(world, person, organization, _body(request))
    if request.method == "DELETE":
        pat = _find(world, person, one)
        if pat is None:
            return _failed("authorizationNotFound")
        pat.revoked = True
        return Response(204)
    if request.method == "GET" and one:
        pat = _find(world, person, one)
        return _done(world, pat, secret=False) if pat else _failed("authorizationNotFound")
    if request.method == "GET":
        mine = [
            _shown(world, pat, secret=False)
            for pat in world.pats
            if pat.person == person and access.pat_is_good(world, pat, organization.name)
        ]
        return json_response(200, {"continuationToken": "", "patTokens": mine})
    return html_response(405, "<html><body>405</body></html>")


def session_token(world: World, request: Request, caller: Caller, segments: list[str]) -> Response:
    """Answer ``spsprod{region}/A{organization id}/_apis/token/sessiontokens``; anything else is the sign-in page."""
    organization = next((o for o in world.organizations.values() if segments[:1] == [f"A{o.id}"]), None)
    if organization is None or [part.lower() for part in segments[1:]] != ["_apis", "token", "sessiontokens"]:
        return html_response(200, refusals.SIGN_IN_PAGE)
    visit = Visit(world, request, caller, organization)
    why = access.refusal(visit, ("vso.tokens",))
    if why or caller.person is None:
        return refusals.rest(why or access.Refusal.UNKNOWN, visit)
    if organization.policies.pat_error != "none":
        return json_response(
            403, {"message": f"The token could not be made: {organization.policies.pat_error}"}
        )
    scopes = str(_body(request).get("scope", "vso.code_write"))
    return json_response(200, {"token": world.new_pat(caller.person.name, [organization.name], scopes)})


def _body(request: Request) -> dict[str, Any]:
    try:
        value = json.loads(request.body or b"{}")
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _time(text: str) -> dt.datetime | None:
    """Read ISO 8601 with any number of decimals, which ``fromisoformat`` of Python 3.10 does not."""
    whole, _, fraction = text.rstrip("Z").partition(".")
    try:
        parsed = dt.datetime.strptime(whole, "%Y-%m-%dT%H:%M:%S").replace(tzinfo=dt.timezone.utc)
    except ValueError:
        return None
    return parsed + dt.timedelta(seconds=float(f"0.{fraction or 0}"))


def _written(when: dt.datetime) -> str:
    """Write a time as .NET does: no trailing zeros."""
    text = when.strftime("%Y-%m-%dT%H:%M:%S.%f").rstrip("0").rstrip(".")
    return f"{text}Z"


def _find(world: World, person: str, one: str | None) -> Pat | None:
    return next(
        (pat for pat in world.pats if pat.person == person and pat.id == one and not pat.revoked), None
    )


def _shown(world: World, pat: Pat, *, secret: bool) -> dict[str, Any]:
    targets = None
    if pat.organizations is not None:
        targets = [found.id for name in sorted(pat.organizations) if (found := world.organization(name))]
    return {
        "displayName": pat.name,
        "validTo": _written(pat.expires),
        "scope": pat.scopes,
        "targetAccounts": targets,
        "validFrom": _written(pat.created),
        "authorizationId": pat.id,
        "token": pat.token if secret else None,
    }


def _done(world: World, pat: Pat, *, secret: bool) -> Response:
    return json_response(200, {"patToken": _shown(world, pat, secret=secret), "patTokenError": "none"})


def _failed(error: str) -> Response:
    return json_response(200, {"patToken": None, "patTokenError": error})


def _refused(world: World, organization: Organization, body: dict[str, Any]) -> str | None:
    """Say which policy of the organization or the tenant forbids a PAT, if one does."""
    tenant = world.tenants.get(organization.tenant)
    if organization.policies.pat_error != "none":
        return organization.policies.pat_error
    if tenant and tenant.restrict_global_pats and body.get("allOrgs"):
        return "globalPatPolicyViolation"
    if tenant and tenant.restrict_full_scope_pats and body.get("scope") == "app_token":
        return "fullScopePatPolicyViolation"
    if not all(
        scope == "app_token" or scope.startswith("vso.") for scope in str(body.get("scope", "")).split()
    ):
        return "invalidScope"
    return None


def _end(
    world: World, organization: Organization, body: dict[str, Any], default: dt.datetime
) -> dt.datetime | None:
    """Give the end that was asked for, no later than the tenant allows; None if it cannot be read or is past."""
    text = body.get("validTo")
    end = _time(text) if isinstance(text, str) else default
    tenant = world.tenants.get(organization.tenant)
    days = (tenant.pat_days if tenant else None) or 365
    if end is None or end <= world.now():
        return None
    return min(end, world.now() + dt.timedelta(days=days))


def _create(world: World, person: str, organization: Organization, body: dict[str, Any]) -> Response:
    error = _refused(world, organization, body)
    end = _end(world, organization, body, world.now() + _SOON)
    if error or end is None:
        return _failed(error or "invalidValidTo")
    where = None if body.get("allOrgs") else [organization.name]
    pat = world.find_pat(world.new_pat(person, where, str(body.get("scope") or "app_token"), end))
    if pat is None:  # it was made on the line above
        return _failed("failedToIssueAccessToken")
    pat.name = str(body.get("displayName") or "")
    return _done(world, pat, secret=True)


def _update(world: World, person: str, organization: Organization, body: dict[str, Any]) -> Response:
    pat = _find(world, person, body.get("authorizationId"))
    if pat is None:
        return _failed("authorizationNotFound")
    if pat.expires <= world.now():
        return _failed("expiredPatCannotBeExtended")
    error = _refused(world, organization, {"scope": pat.scopes, **body})
    end = _end(world, organization, body, pat.expires)
    if error or end is None:
        return _failed(error or "invalidValidTo")
    pat.name, pat.scopes, pat.expires = (
        str(body.get("displayName", pat.name)),
        str(body.get("scope", pat.scopes)),
        end,
    )
    if "allOrgs" in body:
        pat.organizations = None if body["allOrgs"] else frozenset({organization.name})
    return _done(world, pat, secret=False)
