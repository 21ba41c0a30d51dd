"""What Entra has handed out: authorization codes, access and refresh tokens, device codes.

Holds the values and when they end, by the world's clock; who may get them is for ``entra`` and
``entra_token``. Lifetimes: Microsoft's documentation (codes about 10 minutes, refresh tokens 90 days, device
codes 15 minutes).
"""

from __future__ import annotations

import datetime as dt
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.emulator import tokens

if TYPE_CHECKING:
    from tests.emulator.world import Clock

CODE_SECONDS = 600
REFRESH_DAYS = 90
DEVICE_SECONDS = 900


@dataclass(frozen=True)
class AccessToken:
    """An access token: good for one audience in one tenant."""

    value: str
    person: str
    tenant: str
    client: str
    audience: str
    scopes: str
    expires: dt.datetime


@dataclass(frozen=True)
class RefreshToken:
    """A refresh token: bound to a person and a client, to no tenant and no resource."""

    value: str
    person: str
    client: str
    scopes: str
    issued: dt.datetime
    expires: dt.datetime


@dataclass(frozen=True)
class Authorization:
    """What a client asked the authorize endpoint for; ``path`` is the tenant in the address, or common and its like."""

    path: str
    redirect: str
    scopes: str
    nonce: str | None
    challenge: str
    challenge_method: str


@dataclass
class Code:
    """An authorization code and what was asked for with it."""

    value: str
    person: str
    tenant: str
    client: str
    asked: Authorization
    expires: dt.datetime
    used: bool = False


@dataclass
class DeviceCode:
    """A device's request: ``state`` goes from ``pending`` to ``granted``, ``declined`` or ``used``."""

    value: str
    user_code: str
    path: str
    client: str
    scopes: str
    expires: dt.datetime
    state: str = "pending"
    person: str = ""


@dataclass
class Grants:
    """All that is out, and since when a person's earlier sign-ins no longer count (``revoked``).

    ``rotates``: whether a refresh token ends when it is used, as at many authorities (RFC 9700 section 4.14.2); Entra's
    stays good.
    """

    clock: Clock
    access: dict[str, AccessToken] = field(default_factory=dict)
    refresh: dict[str, RefreshToken] = field(default_factory=dict)
    codes: dict[str, Code] = field(default_factory=dict)
    devices: dict[str, DeviceCode] = field(default_factory=dict)
    revoked: dict[str, dt.datetime] = field(default_factory=dict)
    rotates: bool = False
    lock: threading.RLock = field(default_factory=threading.RLock, repr=False)

    def _in(self, seconds: float) -> dt.datetime:
        return self.clock.now() + dt.timedelta(seconds=seconds)

    def new_access(
        self, person: str, tenant: str, client: str, audience: str, scopes: str, *, seconds: float
    ) -> AccessToken:
        """Hand out an access token that lives for ``seconds``."""
        token = AccessToken(
            tokens.access_token(), person, tenant, client, audience, scopes, self._in(seconds)
        )
        self.access[token.value] = token
        return token

    def new_refresh(self, person: str, client: str, scopes: str) -> RefreshToken:
        """Hand out a refresh token; it lives for 90 days from now."""
        end = self._in(REFRESH_DAYS * 86400)
        token = RefreshToken(tokens.refresh_token(), person, client, scopes, self.clock.now(), end)
        self.refresh[token.value] = token
        return token

    def new_code(self, person: str, tenant: str, client: str, asked: Authorization) -> Code:
        """Hand out an authorization code, good once and for 10 minutes."""
        code = Code(tokens.authorization_code(), person, tenant, client, asked, self._in(CODE_SECONDS))
        self.codes[code.value] = code
        return code

    def new_device(self, path: str, client: str, scopes: str) -> DeviceCode:
        """Hand out a device code and the code that a person types for it."""
        device = DeviceCode(
            tokens.device_code(), tokens.user_code(), path, client, scopes, self._in(DEVICE_SECONDS)
        )
        self.devices[device.value] = device
        return device

    def device_of(self, user_code: str) -> DeviceCode | None:
        """Find the device that shows ``user_code``."""
        wanted = user_code.strip().upper()
        return next((device for device in list(self.devices.values()) if device.user_code == wanted), None)

    def revoke_sign_ins(self, person: str) -> None:
        """End every refresh token that ``person`` holds now; access tokens live on until they expire."""
        self.revoked[person] = self.clock.now()
