"""Entra's token endpoint: authorization codes, refresh tokens, device codes and client credentials.

Rules: Microsoft's pages about each flow, and about refresh tokens (a new one with every answer, the old one stays
good; bound to person and client, not to a tenant). Personal accounts pass only at ``/organizations`` and the
transfer tenant (source: Git Credential Manager, artifacts-credprovider). Never logs a token.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.emulator import aadsts, tokens
from tests.emulator.aadsts import Refused
from tests.emulator.entra_scopes import Asked, read_scopes
from tests.emulator.messages import Response, json_response
from tests.emulator.metadata import EXCHANGE
from tests.emulator.model import CONSUMERS, RESOURCE, TRANSFER

if TYPE_CHECKING:
    from tests.emulator.messages import Request
    from tests.emulator.model import App, Person, Tenant
    from tests.emulator.world import World

GATHERING = ("common", "organizations", "consumers")
DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


@dataclass(frozen=True)
class Call:
    """One request to the token endpoint, its client already known."""

    world: World
    path: str
    app: App
    form: dict[str, str]

    def field(self, name: str) -> str:
        """Give a field of the form, or refuse."""
        if not self.form.get(name):
            raise Refused(900144)
        return self.form[name]


def client(world: World, path: str, client_id: str | None) -> App:
    """Find a client; refuse if it cannot be used at ``path`` (a tenant, or common and its like)."""
    tenant = world.tenant(path)
    if tenant is None and path not in GATHERING:
        raise Refused(90002)
    if not client_id:
        raise Refused(900144)
    app = world.apps.get(client_id.lower())
    if app is None or (app.tenant and tenant and tenant.id != app.tenant):
        raise Refused(700016)
    if path == "consumers" or (tenant and tenant.id == CONSUMERS):
        raise Refused(9002332)
    if app.tenant and tenant is None:
        raise Refused(50194)
    return app


def person(world: World, name: str) -> Person:
    """Find somebody who can sign in."""
    found = world.people.get(name.lower())
    if found is None or found.kind == "service":
        raise Refused(50034)
    return found


def tenant_for(world: World, app: App, who: Person, path: str) -> Tenant:
    """Give the tenant whose tokens a person gets at ``path``."""
    tenant = world.tenant(path)
    if tenant is None and who.kind == "personal":
        if path != "organizations":
            raise Refused(50020)
        if not app.first_party:
            raise Refused(500200)
        return world.tenants[TRANSFER]
    if tenant is None:
        return world.tenants[who.tenant]
    passed = tenant.id == TRANSFER and who.kind == "personal" and app.first_party
    if not passed and not world.belongs(who, tenant):
        raise Refused(50020 if who.kind == "personal" else 90072)
    return tenant


def answer(world: World, request: Request, path: str) -> Response:
    """Answer a request to ``/{path}/oauth2/v2.0/token``."""
    with world.lock:
        try:
            return json_response(200, _token(world, request, path), [("Cache-Control", "no-store, no-cache")])
        except Refused as refused:
            return aadsts.answer(refused.code, world.now())


def _token(world: World, request: Request, path: str) -> dict[str, Any]:
    forced = world.take_error("token")
    if forced is not None:
        raise Refused(forced)
    form = request.form
    grant = form.get("grant_type")
    if not grant:
        raise Refused(900144)
    if grant == "client_credentials" and path in GATHERING:
        raise Refused(9001023)
    app = client(world, path, form.get("client_id"))
    call = Call(world, path, app, form)
    _authenticate(call)
    if grant == "authorization_code":
        return _code(call)
    if grant == "refresh_token":
        return _refresh(call)
    if grant == DEVICE_GRANT:
        return _device(call)
    if grant == "client_credentials":
        return _service(call)
    raise Refused(70003)


def _authenticate(call: Call) -> None:
    """See that a confidential client proves itself and that a public one does not try."""
    secret, assertion = call.form.get("client_secret"), call.form.get("client_assertion")
    if call.app.public:
        if secret or assertion:
            raise Refused(700025)
        return
    if assertion:
        claims = tokens.claims_of(assertion)
        pair = (str(claims.get("iss")), str(claims.get("sub")))
        alive = float(claims.get("exp", 0)) > call.world.now().timestamp()
        foreign = bool(pair[0]) and pair[0] not in {"None", call.app.id}
        if foreign and (pair not in call.app.federated or claims.get("aud", EXCHANGE) != EXCHANGE):
            raise Refused(700213)
        if call.form.get("client_assertion_type") != ASSERTION or pair not in call.app.federated or not alive:
            raise Refused(700027)
    elif secret is None:
        raise Refused(7000218)
    elif secret not in call.app.secrets:
        raise Refused(7000215)


def _challenge(verifier: str, method: str) -> str:
    if method == "plain":
        return verifier
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")


def _code(call: Call) -> dict[str, Any]:
    code = call.world.grants.codes.get(call.field("code"))
    if code is None or code.client != call.app.id:
        raise Refused(70000)
    if code.used:
        raise Refused(54005)
    if code.expires <= call.world.now():
        raise Refused(70008)
    if code.asked.path != call.path:
        raise Refused(700005)
    if code.asked.redirect != call.field("redirect_uri"):
        raise Refused(500112)
    if _challenge(call.form.get("code_verifier", ""), code.asked.challenge_method) != code.asked.challenge:
        raise Refused(501481)
    asked = read_scopes(call.form.get("scope") or code.asked.scopes)
    who = call.world.people[code.person.lower()]
    answer = _issue(call, who, call.world.tenants[code.tenant], asked, code.asked.nonce)
    code.used = True
    extra = {"ext_expires_in": answer["expires_in"]}
    scope = (
        f"{RESOURCE}/user_impersonation {RESOURCE}/.default"
        if ".default" in asked.permissions
        else answer["scope"]
    )
    return {**answer, **extra, "scope": scope}


def _refresh(call: Call) -> dict[str, Any]:
    grants, now = call.world.grants, call.world.now()
    token = grants.refresh.get(call.field("refresh_token"))
    if token is None or token.client != call.app.id:
        raise Refused(70000)
    if token.person in grants.revoked and token.issued <= grants.revoked[token.person]:
        raise Refused(50173)
    if token.expires <= now:
        raise Refused(700082)
    who = call.world.people[token.person.lower()]
    tenant = tenant_for(call.world, call.app, who, call.path)
    asked = read_scopes(call.form.get("scope") or token.scopes)
    answer = _issue(call, who, tenant, asked, None, again=True)
    if grants.rotates:
        del grants.refresh[token.value]
    return answer


def _device(call: Call) -> dict[str, Any]:
    device = call.world.grants.devices.get(call.field("device_code"))
    if device is None or device.client != call.app.id or device.state == "used":
        raise Refused(70018)
    if device.expires <= call.world.now():
        raise Refused(70019)
    if device.state == "declined":
        raise Refused("authorization_declined")
    if device.state == "pending":
        raise Refused(70016)
    who = call.world.people[device.person.lower()]
    tenant = tenant_for(call.world, call.app, who, device.path)
    if tenant.blocks_device_code:
        raise Refused(53003)
    answer = _issue(call, who, tenant, read_scopes(device.scopes), None)
    device.state = "used"
    return answer


def _service(call: Call) -> dict[str, Any]:
    if call.app.public or call.app.tenant is None:
        raise Refused(7000218)
    asked = read_scopes(call.field("scope"))
    answer = _issue(call, call.world.people[call.app.id], call.world.tenants[call.app.tenant], asked, None)
    return {key: answer[key] for key in ("token_type", "expires_in", "access_token")}


def _issue(
    call: Call, who: Person, tenant: Tenant, asked: Asked, nonce: str | None, *, again: bool = False
) -> dict[str, Any]:
    """Hand out the tokens that were asked for; ``again`` after a refresh, which always brings a new refresh token."""
    if tenant.token_error is not None:
        raise Refused(tenant.token_error)
    if asked.audience == RESOURCE and not tenant.has_azure_devops:
        raise Refused(500011)
    if not call.app.first_party and who.kind != "service":
        consent = (call.app.id, who.name, tenant.id)
        if again and consent not in call.world.consents:
            raise Refused(65001)
    seconds = tenant.access_token_seconds
    scopes = " ".join(asked.permissions)
    grants = call.world.grants
    access = grants.new_access(who.name, tenant.id, call.app.id, asked.audience, scopes, seconds=seconds)
    answer: dict[str, Any] = {
        "token_type": "Bearer",
        "scope": " ".join(f"{asked.audience}/{permission}" for permission in asked.permissions),
        "expires_in": seconds,
        "access_token": access.value,
    }
    if again or "offline_access" in asked.openid:
        answer["refresh_token"] = grants.new_refresh(who.name, call.app.id, asked.text).value
    if "openid" in asked.openid:
        answer["id_token"] = _id_token(call, who, tenant, nonce)
    return answer


def _id_token(call: Call, who: Person, tenant: Tenant, nonce: str | None) -> str:
    now = int(call.world.now().timestamp())
    identity = call.world.identity_id(who, tenant.id)
    claims: dict[str, Any] = {
        "ver": "2.0",
        "iss": f"https://login.microsoftonline.com/{tenant.id}/v2.0",
        "sub": tokens.subject(call.app.id, identity),
        "aud": call.app.id,
        "exp": now + 3600,
        "iat": now,
        "nbf": now,
        "name": who.display_name,
        "preferred_username": who.name,
        "oid": identity,
        "tid": tenant.id,
        "nonce": nonce,
    }
    if who.kind == "personal":
        claims["idp"] = "live.com"
    elif who.tenant != tenant.id:
        claims["idp"] = f"https://sts.windows.net/{who.tenant}/"
    return tokens.id_token({key: value for key, value in claims.items() if value is not None})
