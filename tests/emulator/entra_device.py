"""Sign-in for devices without a browser: the device's request and the page where a person types its code.

Source: Microsoft's page about the device authorization grant, and RFC 8628. Polling is the token endpoint's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.emulator import aadsts, entra_token, pages
from tests.emulator.aadsts import Refused
from tests.emulator.entra_scopes import read_scopes
from tests.emulator.grants import DEVICE_SECONDS
from tests.emulator.messages import Response, html_response, json_response

if TYPE_CHECKING:
    from tests.emulator.grants import DeviceCode
    from tests.emulator.messages import Request
    from tests.emulator.world import World

VERIFICATION = "https://microsoft.com/devicelogin"


def code(world: World, request: Request, path: str) -> Response:
    """Answer a device that asks for a code."""
    try:
        device = _start(world, request, path)
    except Refused as refused:
        return aadsts.answer(refused.code, world.now())
    text = (
        f"To sign in, use a web browser to open the page {VERIFICATION} and enter the code {device.user_code} "
        "to authenticate."
    )
    return json_response(
        200,
        {
            "user_code": device.user_code,
            "device_code": device.value,
            "verification_uri": VERIFICATION,
            "expires_in": DEVICE_SECONDS,
            "interval": world.device_interval,
            "message": text,
        },
    )


def _start(world: World, request: Request, path: str) -> DeviceCode:
    forced = world.take_error("devicecode")
    if forced is not None:
        raise Refused(forced)
    app = entra_token.client(world, path, request.form.get("client_id"))
    asked = read_scopes(request.form.get("scope", ""))
    return world.grants.new_device(path, app.id, asked.text)


def page(world: World, request: Request) -> Response:
    """Show the page where a person types a device's code (GET), or take what was typed (POST)."""
    if request.method != "POST":
        return html_response(200, pages.device(world, request))
    try:
        return html_response(200, pages.message(_typed(world, request.form)))
    except Refused as refused:
        return html_response(400, pages.error(int(refused.code)))


def _typed(world: World, form: dict[str, str]) -> str:
    """Take a typed code and a choice; give the sentence that the person sees then."""
    device = world.grants.device_of(form.get("code", ""))
    if device is None or device.state != "pending" or device.expires <= world.now():
        raise Refused(70018)
    if "decline" in form:
        device.state = "declined"
        return "You declined the sign-in. You may close this window."
    person = entra_token.person(world, form.get("person", ""))
    entra_token.tenant_for(world, world.apps[device.client], person, device.path)
    device.state, device.person = "granted", person.name
    return "You have signed in on your device. You may close this window."
