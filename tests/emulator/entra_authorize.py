"""Entra's authorize endpoint: what a client may ask, and what happens when a person clicks.

Rules: Microsoft's pages about the authorization code flow and about reply URLs. A wrong client or redirect URI
is shown as a page and never redirected; the port of ``http://localhost`` is ignored, its path is not. That a
client must use PKCE is stricter than Entra. The status of the error pages is an inference.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlencode, urlsplit, urlunsplit

from tests.emulator import aadsts, entra_token, pages
from tests.emulator.aadsts import Refused
from tests.emulator.entra_scopes import Asked, read_scopes
from tests.emulator.grants import Authorization
from tests.emulator.messages import Response, html_response
from tests.emulator.model import RESOURCE, guid

if TYPE_CHECKING:
    from tests.emulator.messages import Request
    from tests.emulator.model import App
    from tests.emulator.world import World


class SentBack(Refused):
    """An error that is sent back to the client's redirect URI; any other is shown as a page."""


def answer(world: World, request: Request, path: str) -> Response:
    """Show the sign-in page (GET), or take what the person chose there (POST to the same address)."""
    parameters = request.parameters
    try:
        app = _client(world, path, parameters)
        asked = _asked(world, parameters)
        if request.method == "GET":
            return html_response(200, pages.sign_in(world, app, request, parameters.get("login_hint")))
        return _chosen(world, request, path, app, asked)
    except SentBack as refused:
        body = aadsts.body(int(refused.code), world.now())
        return _back(parameters, {key: body[key] for key in ("error", "error_description")})
    except Refused as refused:
        return html_response(400, pages.error(int(refused.code)))


def same_redirect(registered: str, asked: str) -> bool:
    """Tell whether a redirect URI is the registered one; for ``http://localhost`` the port does not count."""
    one, other = urlsplit(registered), urlsplit(asked)
    if (one.scheme, one.hostname) == ("http", "localhost"):
        return (other.scheme, other.hostname, other.path or "/") == ("http", "localhost", one.path or "/")
    return registered == asked


def _client(world: World, path: str, parameters: dict[str, str]) -> App:
    """Find the client and see that it may be asked for here and that the redirect URI is its own."""
    app = entra_token.client(world, path, parameters.get("client_id"))
    redirect = parameters.get("redirect_uri")
    if redirect is None:
        raise Refused(900144)
    if redirect.startswith("urn:"):
        raise Refused(500119)
    if not any(same_redirect(registered, redirect) for registered in app.redirects):
        raise Refused(50011)
    return app


def _asked(world: World, parameters: dict[str, str]) -> Asked:
    """See that the rest of an authorization request is in order; give what it asks for."""
    code = world.take_error("authorize")
    if code is not None:
        raise SentBack(code)
    if parameters.get("response_type") != "code":
        raise SentBack(70005)
    if parameters.get("response_mode", "query") not in {"query", "fragment"}:
        raise SentBack(9002313)  # form_post exists at Entra, but nobody needs it here
    if not parameters.get("code_challenge") or parameters.get("code_challenge_method") not in {
        "S256",
        "plain",
    }:
        raise SentBack(9002325)
    try:
        asked = read_scopes(parameters.get("scope", ""))
    except Refused as refused:
        raise SentBack(refused.code) from refused
    if parameters.get("prompt") == "none":
        raise SentBack(50058)
    return asked


def _back(parameters: dict[str, str], said: dict[str, str]) -> Response:
    """Send the browser back to the client with ``said`` and ``state`` in the query (or the fragment)."""
    target = urlsplit(parameters["redirect_uri"])
    state = {"state": parameters["state"]} if "state" in parameters else {}
    session = {"session_state": said.pop("session_state")} if "session_state" in said else {}
    pairs = urlencode({**said, **state, **session})
    path, query, fragment = target.path or "/", target.query, ""
    if parameters.get("response_mode") == "fragment":
        fragment = pairs
    else:
        query = f"{query}&{pairs}" if query else pairs
    location = urlunsplit((target.scheme, target.netloc, path, query, fragment))
    return html_response(302, "<html><body>Object moved</body></html>", [("Location", location)])


def _chosen(world: World, request: Request, path: str, app: App, asked: Asked) -> Response:
    parameters, form = request.parameters, request.form
    if "decline" in form:
        text = "the user canceled the authentication"
        return _back(parameters, {"error": "access_denied", "error_description": text})
    person = entra_token.person(world, form.get("person", ""))
    tenant = entra_token.tenant_for(world, app, person, path)
    if asked.audience == RESOURCE and not tenant.has_azure_devops:
        raise SentBack(500011)
    consent = (app.id, person.name, tenant.id)
    if not app.first_party and consent not in world.consents:
        if "refuse" in form:
            raise SentBack(65004)
        if "accept" not in form:
            return html_response(200, pages.consent(app, person, asked.granted, request))
        world.consents.add(consent)
    authorization = Authorization(
        path,
        parameters["redirect_uri"],
        asked.text,
        parameters.get("nonce"),
        parameters["code_challenge"],
        parameters["code_challenge_method"],
    )
    code = world.grants.new_code(person.name, tenant.id, app.id, authorization)
    return _back(parameters, {"code": code.value, "session_state": guid("session", person.name)})
