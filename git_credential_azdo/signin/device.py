"""Sign-in by device code (RFC 8628): a short code to type on any device, while this program polls.

Many tenants block it by Conditional Access, which gets a message other than that for a user who declined. Must never
be a fallback: it is used only if requested.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from git_credential_azdo import hints
from git_credential_azdo.errors import NetworkError, ServiceError, SignInError
from git_credential_azdo.signin import oauth, sign_in_errors
from git_credential_azdo.signin.authorities import Endpoints, ask, request_token

if TYPE_CHECKING:
    from git_credential_azdo.web import HttpClient

_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
_USUAL_INTERVAL = 5.0  # seconds, RFC 8628 section 3.2
_SLOWER = 5.0  # section 3.5: added to the interval after slow_down
_LONGEST_INTERVAL = 60.0
_USUAL_LIFE, _LONGEST_LIFE = 900.0, 3600.0
_POLL_SECONDS = 30.0
_WITHOUT = f"without device-code, with a browser on any machine: {hints.setup()}"
_USER_CODE = re.compile(r"[\w .-]{1,40}", re.ASCII)


@dataclass(frozen=True)
class DeviceCode:
    """What the user types (``user_code``) and where (``page``; ``direct_page``, if given, includes the code).

    ``expires_in`` and ``interval``: seconds.
    """

    device_code: str = field(repr=False)
    user_code: str
    page: str
    direct_page: str | None
    expires_in: float
    interval: float


def ask_code(web: HttpClient, endpoints: Endpoints, *, client_id: str, scope: str) -> DeviceCode:
    """Return a code. Raise SignInError if the authority has no such endpoint, OAuthError for an error response."""
    if endpoints.device_authorization is None:
        raise SignInError(f"{endpoints.issuer} has no sign-in by device code", hints.setup())
    answer = ask(web, "POST", endpoints.device_authorization, form={"client_id": client_id, "scope": scope})
    return read_code(answer.status, answer.json())


def read_code(status: int, body: object) -> DeviceCode:
    """Return the code in a device authorization response. Raise OAuthError, ServiceError for an invalid response."""
    fields = body if isinstance(body, Mapping) else {}
    if fields.get("error"):
        raise oauth.read_refusal(status, fields)

    def text(*names: str) -> str:
        return next((value for name in names if isinstance(value := fields.get(name), str)), "")

    device_code, user_code = text("device_code"), text("user_code")
    page, direct_page = text("verification_uri", "verification_url"), text("verification_uri_complete")
    if status != 200 or not (device_code and _USER_CODE.fullmatch(user_code) and oauth.safe_origin(page)):  # noqa: PLR2004 - RFC 8628 section 3.2
        raise ServiceError(f"the sign-in server's response contains no device code (status {status})")
    return DeviceCode(
        device_code,
        user_code,
        page,
        direct_page if oauth.safe_origin(direct_page) else None,
        expires_in=oauth.seconds(fields.get("expires_in"), 0, _LONGEST_LIFE) or _USUAL_LIFE,
        interval=max(1.0, oauth.seconds(fields.get("interval"), 0, _LONGEST_INTERVAL) or _USUAL_INTERVAL),
    )


def wait(
    endpoints: Endpoints,
    device: DeviceCode,
    *,
    client_id: str,
    web: Callable[[float], HttpClient],
    sleep: Callable[[float], None],
    clock: Callable[[], float] = time.monotonic,
) -> oauth.Grant:
    """Poll until the user has finished; return the grant. ``web`` returns a client for so many seconds.

    Raise OAuthError when the user declined or the tenant forbids it, SignInError when the code has expired.
    """
    end, interval = clock() + device.expires_in, device.interval
    while clock() + interval < end:
        sleep(interval)
        try:
            own = {"client_id": client_id, "device_code": device.device_code}
            left = min(_POLL_SECONDS, max(1.0, end - clock()))  # one poll without a response is not the end
            return request_token(web(left), endpoints.token, _GRANT, **own)
        except oauth.OAuthError as refused:
            if refused.error == "slow_down":
                interval += _SLOWER
            elif "transient" in sign_in_errors.flags_of(refused):
                interval *= 2
            elif refused.error != "authorization_pending":
                raise
        except NetworkError:
            interval *= 2  # as section 3.5 requires
        interval = min(interval, _LONGEST_INTERVAL)
    raise _too_late()


def explain(
    refused: oauth.OAuthError, *, who: str | None, tenant: str | None, setup: Callable[..., str]
) -> SignInError:
    """Return the error to show: the tenant blocks device codes, the code has expired, or as ``sign_in_error``."""
    if "blocks-device-code" in sign_in_errors.flags_of(refused):
        where = f"tenant {tenant}" if tenant else "the tenant"
        raw = sign_in_errors.for_administrators(refused)
        return SignInError(
            f"{where} blocks the sign-in by device code: its Conditional Access policies forbid it ({raw})",
            f"sign in {_WITHOUT}",
        )
    if refused.error == "expired_token":
        return _too_late()
    return sign_in_errors.sign_in_error(refused, who=who, tenant=tenant, setup=setup)


def _too_late() -> SignInError:
    """Return the error for an expired code; a page that blocks the user has the same effect: the hint covers both."""
    return SignInError(
        "the code was not entered in time",
        f"run the same command again for a new one; if the page said that access is blocked, {_WITHOUT}",
    )
