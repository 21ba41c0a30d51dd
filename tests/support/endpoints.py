"""Endpoints of Entra and of another authority, and hosts that only look like Microsoft's."""

from __future__ import annotations

ISSUER = "https://id.example/realms/a"
TENANT = "72f988bf-86f1-41af-91ab-2d7cd011db47"
BASE = "https://login.microsoftonline.com"
TOKEN = f"{BASE}/organizations/oauth2/v2.0/token"
LOOK_ALIKES = (
    "https://evil.test/organizations/oauth2/v2.0/token",
    "https://login.microsoftonline.com.evil.test/token",
    "https://login.microsoftonline.com@evil.test/token",
    "https://login.microsoftonline.com:443@evil.test/token",
    "https://evil.test#@login.microsoftonline.com/token",
    "https://evil.test\\@login.microsoftonline.com/token",
    "https://login.microsoftonline.com%2eevil.test/token",
    "https://xlogin.microsoftonline.com/token",
    "https://login.microsoftonline.com:8443/token",
    "https://login.microsoftonline.com:443/token",
    "http://login.microsoftonline.com/token",
    "http://127.0.0.1:8080/token",
    "http://localhost/token",
    "https://login\u3002microsoftonline\u3002com/token",
    "https://login.micros\u043eftonline.com/token",
)
