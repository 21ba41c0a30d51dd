"""``setup --device-code``: show the link and the code, and wait until the person has typed it on any device.

Only on request, never what anything falls back to (RFC 8628; many tenants block it). A countdown is shown on a
terminal only.
"""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING

from git_credential_azdo.commands import console
from git_credential_azdo.signin import device
from git_credential_azdo.signin.oauth import OAuthError
from git_credential_azdo.web import HttpClient

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from git_credential_azdo.signin.device import DeviceCode
    from git_credential_azdo.signin.endpoints import Endpoints
    from git_credential_azdo.signin.oauth import Grant

ASK_SECONDS = 60.0


def grant(endpoints: Endpoints, *, client_id: str, scope: str, tenant: str | None) -> Grant:
    """Let a person sign in by device code; return what the authority granted. ``tenant`` as asked for, if any.

    Raise SignInError (declined, blocked by the tenant, too late), NetworkError, ServiceError.
    """
    try:
        with HttpClient(ASK_SECONDS) as web:
            code = device.ask_code(web, endpoints, client_id=client_id, scope=scope)
        _show(code)
        with _countdown() as tick:
            return device.wait(
                endpoints,
                code,
                client_id=client_id,
                tick=tick,
                open_web=HttpClient,
                sleep=time.sleep,
            )
    except OAuthError as refused:
        raise device.explain(refused, tenant=tenant) from None


def _show(code: DeviceCode) -> None:
    for line in ("open this link on any device and type the code:", "", code.page, code.user_code, ""):
        console.err(line)
    if code.direct_page:
        console.err(f"or open this link, which has the code in it: {code.direct_page}")
        console.err()
    console.err("type it only because you ran this command yourself, just now")
    if not console.stderr_is_terminal():
        console.err(f"waiting, at most {round(code.expires_in / 60)} minutes")


@contextlib.contextmanager
def _countdown() -> Iterator[Callable[[float], None]]:
    """Return what shows the seconds left, in one line of a terminal that is left behind at the end."""

    def show(left: float) -> None:
        minutes, seconds = divmod(round(left), 60)
        console.progress(f"waiting, {minutes:2}:{seconds:02} left ")

    if not console.stderr_is_terminal():
        yield lambda _left: None
        return
    try:
        yield show
    finally:
        console.err()
