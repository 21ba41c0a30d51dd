"""What a client asks for in ``scope``: one resource's permissions, and the few scopes of OpenID Connect.

Source: Microsoft's pages about scopes and about Azure DevOps' (azure-devops-docs, entra-oauth.md). One request
may name one resource; the resource is the part before the last slash.
"""

from __future__ import annotations

from dataclasses import dataclass

from tests.emulator.aadsts import Refused
from tests.emulator.model import RESOURCE

OPENID = frozenset({"openid", "profile", "email", "offline_access"})
RESOURCES = {
    RESOURCE: RESOURCE,
    "https://app.vssps.visualstudio.com": RESOURCE,
    "https://graph.microsoft.com": "00000003-0000-0000-c000-000000000000",
    "https://management.azure.com": "797f4846-ba00-4fd7-ba43-dac1f8f63013",
    "https://management.core.windows.net": "797f4846-ba00-4fd7-ba43-dac1f8f63013",
}


@dataclass(frozen=True)
class Asked:
    """What was asked for: the resource's id, its permissions (short names), the OpenID scopes, the whole text."""

    audience: str
    permissions: tuple[str, ...]
    openid: frozenset[str]
    text: str

    @property
    def granted(self) -> list[str]:
        """The permissions as a consent page lists them."""
        return [*self.permissions, *sorted(self.openid)]


def read_scopes(text: str) -> Asked:
    """Read ``scope``; raises ``Refused`` if it is not valid."""
    wanted = text.split()
    openid = OPENID.intersection(wanted)
    audiences, permissions = [], []
    for scope in wanted:
        if scope in openid:
            continue
        resource, slash, permission = scope.rpartition("/")
        audience = RESOURCES.get(resource.rstrip("/").lower())
        if not slash or not permission:
            raise Refused(70011)
        if audience is None:
            raise Refused(500011)
        audiences.append(audience)
        permissions.append(permission)
    if not audiences:
        raise Refused(70011)
    if len(set(audiences)) > 1:
        raise Refused(700022)
    return Asked(audiences[0], tuple(permissions), openid, text)
