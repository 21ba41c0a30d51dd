"""``setup --device-code``: show the link and the code, and wait until the person has typed it on any device.

Only on request, never what anything falls back to (RFC 8628; many tenants block it). A QR code of the link and a
countdown are shown on a terminal only; the QR code needs the optional package segno (the extra ``qr``).
"""

from __future__ import annotations

import contextlib
import io
import shutil
import time
from typing import TYPE_CHECKING

from git_credential_azdo.commands import console
from git_credential_azdo.signin import device
from git_credential_azdo.signin.oauth import OAuthError
from git_credential_azdo.web import HttpClient

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import segno

    from git_credential_azdo.signin.device import DeviceCode
    from git_credential_azdo.signin.endpoints import Endpoints
    from git_credential_azdo.signin.oauth import Grant

_draw: Callable[..., segno.QRCode] | None
try:
    from segno import make
except ImportError:  # the extra is not installed: the link stands there as text
    _draw = None
else:
    _draw = make

ASK_SECONDS = 60.0
_QUIET_ZONE = (
    2  # modules around the code; the four of ISO/IEC 18004 make it too tall, and readers do with two
)


def grant(endpoints: Endpoints, *, client_id: str, scope: str, tenant: str | None) -> Grant:
    """Let a person sign in by device code; return what the authority granted. ``tenant`` as asked for, if any.

    Raises SignInError (declined, blocked by the tenant, too late), NetworkError, ServiceError.
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
    picture = _qr_code(code.direct_page or code.page) if console.stderr_is_terminal() else ""
    if picture:
        for line in ("", *picture.splitlines(), ""):
            console.err(line)
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
    """Give what shows the seconds left, in one line of a terminal that is left behind at the end."""

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


def _qr_code(link: str) -> str:
    """Draw the link for a phone's camera; an empty text where that cannot be, or would not fit."""
    if _draw is None:
        return ""
    drawing = io.StringIO()
    _draw(link, error="l", micro=False).terminal(drawing, border=_QUIET_ZONE, compact=True)
    text = drawing.getvalue()
    lines = text.splitlines()
    size = shutil.get_terminal_size()
    if len(lines[0]) > size.columns or len(lines) > size.lines:
        return ""
    return text if console.can_show(text) else ""
