"""Endpoints of the login hosts, and the OpenID configuration that names them.

Every spelling of a tenant leads to it: its id, its domain; ``common``, ``organizations`` and ``consumers`` are
none. Source: Microsoft's pages about OpenID Connect on the identity platform.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.emulator import aadsts, entra_authorize, entra_device, entra_token, pages
from tests.emulator.entra_token import GATHERING
from tests.emulator.messages import Response, html_response, json_response
from tests.emulator.model import CONSUMERS

if TYPE_CHECKING:
    from tests.emulator.messages import Request
    from tests.emulator.world import World

HOSTS = frozenset(
    {
        "login.microsoftonline.com",
        "login.microsoftonline.us",
        "login.partner.microsoftonline.cn",
        "login.windows.net",
        "login.microsoft.com",
        "microsoft.com",
    }
)
CONFIGURATION = [".well-known", "openid-configuration"]


def handle(world: World, request: Request) -> Response:
    """Answer a request to a login host."""
    segments = request.segments
    lower = [part.lower() for part in segments]
    if request.host == "microsoft.com" or lower[:1] in (["device"], ["devicelogin"]):
        return (
            entra_device.page(world, request) if lower[:1] in (["device"], ["devicelogin"]) else _not_found()
        )
    if lower == ["common", "oauth2", "nativeclient"]:
        return html_response(200, pages.NATIVE_CLIENT)
    if lower == ["common", "wrongplace"]:
        return html_response(200, pages.WRONG_PLACE)
    if not segments:
        return _not_found()
    path, below = lower[0], lower[1:]
    if below in (["v2.0", *CONFIGURATION], CONFIGURATION):
        return configuration(world, request.host, path)
    if below == ["discovery", "v2.0", "keys"]:
        return json_response(200, {"keys": []})
    if below == ["oauth2", "v2.0", "authorize"] and request.method in {"GET", "POST"}:
        return entra_authorize.answer(world, request, path)
    if below == ["oauth2", "v2.0", "token"]:
        return entra_token.answer(world, request, path)
    if below == ["oauth2", "v2.0", "devicecode"]:
        return entra_device.code(world, request, path)
    return _not_found()


def _not_found() -> Response:
    return html_response(404, "<html><body><h1>404 - File or directory not found</h1></body></html>")


def configuration(world: World, host: str, path: str) -> Response:
    """Answer the OpenID configuration of a tenant, or of common, organizations or consumers."""
    tenant = world.tenant(CONSUMERS if path == "consumers" else path)
    if tenant is None and path not in GATHERING:
        return aadsts.answer(90002, world.now())
    issuer = "{tenantid}" if path in {"common", "organizations"} or tenant is None else tenant.id
    base = f"https://{host}/{path}"
    return json_response(
        200,
        {
            "token_endpoint": f"{base}/oauth2/v2.0/token",
            "token_endpoint_auth_methods_supported": [
                "client_secret_post",
                "private_key_jwt",
                "client_secret_basic",
            ],
            "jwks_uri": f"{base}/discovery/v2.0/keys",
            "response_modes_supported": ["query", "fragment", "form_post"],
            "subject_types_supported": ["pairwise"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "response_types_supported": ["code", "id_token", "code id_token", "id_token token"],
            "scopes_supported": ["openid", "profile", "email", "offline_access"],
            "issuer": f"https://{host}/{issuer}/v2.0",
            "request_uri_parameter_supported": False,
            "userinfo_endpoint": "https://graph.microsoft.com/oidc/userinfo",
            "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
            "device_authorization_endpoint": f"{base}/oauth2/v2.0/devicecode",
            "http_logout_supported": True,
            "frontchannel_logout_supported": True,
            "end_session_endpoint": f"{base}/oauth2/v2.0/logout",
            "claims_supported": [
                "sub",
                "iss",
                "aud",
                "exp",
                "iat",
                "nonce",
                "preferred_username",
                "name",
                "tid",
            ],
            "kerberos_endpoint": f"{base}/kerberos",
            "tenant_region_scope": None if path in GATHERING else "EU",
            "cloud_instance_name": "microsoftonline.com",
            "cloud_graph_host_name": "graph.windows.net",
            "msgraph_host": "graph.microsoft.com",
            "rbac_url": "https://pas.windows.net",
        },
    )
