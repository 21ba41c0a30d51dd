"""Every host of Microsoft's that a token or a sign-in may be sent to: the one list.

Other hosts come from a person only: a registered server, an authority given to ``setup``. The caller of ``web`` passes
the origins it may send to; ``web`` refuses all others. Must never hold a host that Microsoft does not document: "Allowed
IP addresses and domain URLs" (https://learn.microsoft.com/azure/devops/organizations/security/allow-list-ip-url) and
"National clouds" (https://learn.microsoft.com/entra/identity-platform/authentication-national-cloud).
"""

from __future__ import annotations

SERVICES_HOST = "dev.azure.com"
LEGACY_SUFFIX = ".visualstudio.com"
PROFILE_HOST = "app.vssps.visualstudio.com"
PATS_HOST = "vssps.dev.azure.com"
CLOUDS = (
    ("login.microsoftonline.com", "login.windows.net", "login.microsoft.com", "sts.windows.net"),
    ("login.microsoftonline.us",),
    ("login.partner.microsoftonline.cn", "login.chinacloudapi.cn"),
)
"""The Entra login hosts of each of Microsoft's clouds; a cloud's first is the issuer's in its OpenID configuration."""
LOGIN_HOSTS = frozenset(host for cloud in CLOUDS for host in cloud)


def microsoft() -> frozenset[str]:
    """Return the https origins of Entra and of Azure DevOps Services, such as ``https://dev.azure.com``."""
    return frozenset(f"https://{host}" for host in (*LOGIN_HOSTS, SERVICES_HOST, PROFILE_HOST, PATS_HOST))


def origin(url: str) -> str:
    """Return the origin of a URL (RFC 6454) without its default port; empty for what has none, a user, or a space."""
    from urllib.parse import urlsplit  # noqa: PLC0415 - only where a request is due

    if not url.isprintable() or "\\" in url or " " in url:
        return ""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        return ""
    usual = {"https": 443, "http": 80}.get(parts.scheme)
    if not host or usual is None or "@" in parts.netloc:
        return ""
    shown = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{shown}" + ("" if port in {None, usual} else f":{port}")
