"""The services beside a machine in Azure, and the token services of GitHub and Azure Pipelines.

Asked directly, never through the proxy: ``Emulator.machine_address`` is where they listen. Shapes: Microsoft's page on
tokens of virtual machines (every number is a string) and App Service's; Arc's challenge as MSAL and azure-identity
answer it; GitHub's page on OpenID Connect; Azure DevOps' "Oidctoken - Create".
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.emulator import tokens
from tests.emulator.messages import Response, json_response
from tests.emulator.model import guid

if TYPE_CHECKING:
    from tests.emulator.messages import Request
    from tests.emulator.world import World

VM_HOST = "169.254.169.254"
GITHUB_HOST = "pipelines.actions.githubusercontent.com"
EXCHANGE = "api://AzureADTokenExchange"
SECONDS = 3599


@dataclass(frozen=True)
class ManagedIdentity:
    """An identity that Azure gave to a machine: ``client_id`` is also its name in the world's list of people."""

    client_id: str
    object_id: str
    resource_id: str
    tenant: str


@dataclass
class Machine:
    """A machine, or a job: its own identity, those assigned to it, and the secrets that prove who asks.

    ``busy`` are statuses to answer first; ``arc_folder`` is where the Arc agent puts its challenges; ``connections``
    are the service connections of the pipeline.
    """

    own: ManagedIdentity | None = None
    assigned: list[ManagedIdentity] = field(default_factory=list)
    busy: list[int] = field(default_factory=list)
    secret: str = field(default_factory=tokens.user_code)
    arc_folder: str = ""
    arc_keys: set[str] = field(default_factory=set)
    connections: set[str] = field(default_factory=set)


def handle(world: World, request: Request) -> Response:
    """Answer a request to the machine, or to GitHub's token service."""
    machine = world.machine
    if machine.busy:
        return json_response(machine.busy.pop(0), {"error": "busy"})
    answers = {
        "/metadata/identity/oauth2/token": _vm,
        "/arc": _arc,
        "/msi/token": _app_service,
        "/oidc/github": _github,
        "/oidc/pipelines": _pipelines,
    }
    answer = answers.get(request.path)
    return answer(world, request) if answer else json_response(404, {"error": "not found"})


def _find(
    machine: Machine, parameters: dict[str, str], names: tuple[str, str, str]
) -> ManagedIdentity | None:
    """Find the identity that is asked for by client id, object id or resource id; without any, the machine's own."""
    asked = [parameters.get(name) for name in names]
    if not any(asked):
        return machine.own
    every = [*([machine.own] if machine.own else []), *machine.assigned]
    return next(
        (
            one
            for one in every
            if (one.client_id in asked or one.object_id in asked or one.resource_id in asked)
        ),
        None,
    )


def _token(world: World, identity: ManagedIdentity, resource: str) -> str:
    if resource == EXCHANGE:
        issuer = f"https://login.microsoftonline.com/{identity.tenant}/v2.0"
        return _jwt(world, issuer, identity.object_id, resource)
    return world.new_access_token(identity.client_id, identity.tenant, resource, seconds=SECONDS)


def _jwt(world: World, issuer: str, subject: str, audience: str) -> str:
    now = int(world.now().timestamp())
    return tokens.id_token({"iss": issuer, "sub": subject, "aud": audience, "iat": now, "exp": now + 600})


def _vm(world: World, request: Request) -> Response:
    if request.header("Metadata") != "true":
        return json_response(400, _error("Required metadata header not specified"))
    identity = _find(world.machine, request.parameters, ("client_id", "object_id", "msi_res_id"))
    resource = request.parameters.get("resource")
    if identity is None or not resource or request.parameters.get("api-version") != "2018-02-01":
        return json_response(400, _error("Identity not found"))
    now = int(world.now().timestamp())
    return json_response(
        200,
        {
            "access_token": _token(world, identity, resource),
            "refresh_token": "",
            "expires_in": str(SECONDS),
            "expires_on": str(now + SECONDS),
            "not_before": str(now),
            "resource": resource,
            "token_type": "Bearer",
        },
    )


def _error(text: str) -> dict[str, Any]:
    return {"error": "invalid_request", "error_description": text}


def _app_service(world: World, request: Request) -> Response:
    if request.header("X-IDENTITY-HEADER") != world.machine.secret:
        return json_response(401, {"statusCode": 401, "message": "Unauthorized"})
    return _answer(world, request, "2019-08-01", ("client_id", "object_id", "mi_res_id"))


def _answer(world: World, request: Request, version: str, names: tuple[str, str, str]) -> Response:
    identity = _find(world.machine, request.parameters, names)
    resource = request.parameters.get("resource")
    if identity is None or not resource or request.parameters.get("api-version") != version:
        return json_response(
            400, {"statusCode": 400, "message": "No User Assigned or Delegated Managed Identity"}
        )
    return json_response(
        200,
        {
            "access_token": _token(world, identity, resource),
            "client_id": identity.client_id,
            "expires_on": str(int(world.now().timestamp()) + SECONDS),
            "resource": resource,
            "token_type": "Bearer",
        },
    )


def _arc(world: World, request: Request) -> Response:
    """Name a file that only those who may ask can read, and take its content as the proof, once."""
    machine = world.machine
    scheme, _, key = (request.header("Authorization") or "").partition(" ")
    if scheme == "Basic" and key in machine.arc_keys:
        machine.arc_keys.remove(key)
        identity, resource = machine.own, request.parameters.get("resource", "")
        if identity:
            body = {"access_token": _token(world, identity, resource), "expires_in": str(SECONDS)}
            return json_response(200, {**body, "resource": resource, "token_type": "Bearer"})
    key = tokens.device_code()
    path = os.path.join(machine.arc_folder, f"{tokens.user_code()}.key")
    with open(path, "w", encoding="ascii") as file:
        file.write(key)
    machine.arc_keys.add(key)
    return json_response(401, _error("challenge"), [("WWW-Authenticate", f"Basic realm={path}")])


def _github(world: World, request: Request) -> Response:
    if request.header("Authorization") != f"Bearer {world.machine.secret}":
        return json_response(401, {"message": "Unauthorized"})
    audience = request.parameters.get("audience", "https://github.com/contoso")
    issuer, subject = GITHUB_SUBJECT
    return json_response(200, {"value": _jwt(world, issuer, subject, audience)})


def _pipelines(world: World, request: Request) -> Response:
    """Azure DevOps gives the token of a service connection that the pipeline may use, and only for a POST."""
    if request.method != "POST" or request.header("Authorization") != f"Bearer {world.machine.secret}":
        return json_response(401, {})
    if request.parameters.get("serviceConnectionId") not in world.machine.connections:
        return json_response(404, {"message": "no such service connection"})
    issuer, subject = PIPELINES_SUBJECT
    return json_response(200, {"oidcToken": _jwt(world, issuer, subject, EXCHANGE)})


GITHUB_SUBJECT = ("https://token.actions.githubusercontent.com", "repo:contoso/app:ref:refs/heads/main")
PIPELINES_SUBJECT = (
    f"https://vstoken.dev.azure.com/{guid('organization', 'contoso')}",
    "sc://contoso/app/deploy",
)


def new_identity(world: World, name: str, tenant: str) -> ManagedIdentity:
    """Let Azure know a managed identity; a machine has it once it is ``own`` or ``assigned``."""
    path = f"/subscriptions/{guid('subscription', name)}/resourcegroups/rg/providers"
    identity = ManagedIdentity(
        guid("client", name),
        guid("object", name),
        f"{path}/Microsoft.ManagedIdentity/userAssignedIdentities/{name}",
        tenant,
    )
    world.add_person(identity.client_id, name, tenant, "service")
    return identity
