"""Microsoft Entra ID: its constants, and how its authorities and tenants are written. Pure.

Sources: Microsoft's "Microsoft identity platform" pages and "Use Microsoft Entra OAuth with Azure DevOps". Its hosts
stand in ``hosts``, its refusals in ``entra_errors``.
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from git_credential_azdo.errors import UsageError
from git_credential_azdo.git.address import quoted
from git_credential_azdo.hosts import CLOUDS, LOGIN_HOSTS
from git_credential_azdo.signin.oauth import is_safe_url

DEFAULT_CLIENT_ID = (
    "872cd9fa-d31f-45e0-9eab-6e460a02d1f1"  # Visual Studio: the first-party client of all helpers
)
RESOURCE = "499b84ac-1321-427f-aa17-267ca6975798"  # Azure DevOps
DEFAULT_SCOPE = f"{RESOURCE}/.default offline_access openid profile"
DEFAULT_REDIRECT = "http://localhost"  # any port, but no path and no 127.0.0.1 (AADSTS50011)

PUBLIC_HOST = CLOUDS[0][0]
_ISSUER_HOSTS = {host: cloud[0] for cloud in CLOUDS for host in cloud}

ANY_WORK_TENANT = "organizations"  # also the way in for personal accounts (MSA pass-through)
_WELL_KNOWN = "/.well-known/openid-configuration"
GUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", re.ASCII)
_DOMAIN = re.compile(  # RFC 1123 section 2.1; a top-level domain begins with a letter
    r"(?=.{4,253}\Z)(?:[0-9a-z](?:[0-9a-z-]{0,61}[0-9a-z])?\.)+[a-z](?:[0-9a-z-]{0,61}[0-9a-z])",
    re.ASCII | re.IGNORECASE,
)
ANY_TENANT = frozenset({ANY_WORK_TENANT, "common", "consumers"})
"""What stands for many tenants in an authority."""


def authority(tenant: str, host: str = PUBLIC_HOST) -> str:
    """Return Microsoft's authority of a tenant: its GUID, a domain of it, or ``organizations`` and the like.

    Raise UsageError for a text that is no tenant.
    """
    if tenant not in ANY_TENANT:
        check_tenant(tenant)
    return f"https://{host}/{tenant}"


def check_tenant(tenant: str) -> None:
    """Raise UsageError for a text that is neither a GUID nor a domain: it becomes a part of an address."""
    if not GUID.fullmatch(tenant) and not _DOMAIN.fullmatch(tenant):
        raise UsageError(
            f"{quoted(tenant)} is not a valid tenant", "give the tenant's id (a GUID) or one of its domains"
        )


def is_entra(url: str) -> bool:
    """Return whether a URL is on one of Microsoft's login hosts, by https and without a port."""
    scheme, _, rest = url.partition("://")
    return scheme.lower() == "https" and rest.partition("/")[0].lower() in LOGIN_HOSTS


def same_cloud(one: str, other: str) -> bool:
    """Return whether two URLs are on login hosts of one of Microsoft's clouds."""
    hosts = [urlsplit(url).hostname or "" for url in (one, other)]
    return LOGIN_HOSTS.issuperset(hosts) and len({_ISSUER_HOSTS.get(host, host) for host in hosts}) == 1


def issuer(given: str) -> str:
    """Return the issuer that an authority's document must name, ``{tenantid}`` standing for any tenant.

    ``given``: an authority as people write it: with or without a final slash, ``/v2.0`` (Entra) or the whole
    well-known address. Raise UsageError if it is not https (loopback may be http).
    """
    base = _without_well_known(given)
    if not is_entra(base):
        return base
    host = urlsplit(base).netloc.lower()
    return f"https://{_ISSUER_HOSTS.get(host, host)}/{_issuer_tenant(_tenant_of(base))}/v2.0"


def discovery_url(given: str) -> str:
    """Return the address of an authority's OpenID configuration (``given`` as for ``issuer``)."""
    base = _without_well_known(given)
    if not is_entra(base):
        return base + _WELL_KNOWN
    return f"https://{urlsplit(base).netloc.lower()}/{_tenant_of(base)}/v2.0{_WELL_KNOWN}"


def _without_well_known(given: str) -> str:
    base = given.strip().partition("?")[0].removesuffix(_WELL_KNOWN).rstrip("/")
    if not is_safe_url(base):
        raise UsageError(
            "the authority must be an https address", f"for example --authority {authority(ANY_WORK_TENANT)}"
        )
    return base


def _tenant_of(base: str) -> str:
    first = urlsplit(base).path.lstrip("/").partition("/")[0]
    if first in ("", "v2.0"):
        return ANY_WORK_TENANT
    if first not in ANY_TENANT:
        check_tenant(first)
    return first


def _issuer_tenant(tenant: str) -> str:
    """Documents name a tenant by its GUID only; domains and ``common`` therefore match any."""
    return tenant.lower() if GUID.fullmatch(tenant) else "{tenantid}"
