"""Microsoft Entra ID: its hosts, its constants, and what its refusals mean to a person. Pure.

Sources: Microsoft's "Microsoft identity platform" pages and "Use Microsoft Entra OAuth with Azure DevOps"; the
words for each AADSTS code are in ``aadsts``. Never branch on the prose of ``error_description``; never show
it as the whole message. The raw code, trace and correlation ids stand at the end, for administrators.
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from git_credential_azdo import hints
from git_credential_azdo.errors import SignInError, UsageError
from git_credential_azdo.hosts import CLOUDS, LOGIN_HOSTS, PUBLIC
from git_credential_azdo.signin.aadsts import BY_ERROR, BY_SUBERROR, CASES, UNKNOWN
from git_credential_azdo.signin.oauth import TokenRefused, is_safe_url

DEFAULT_CLIENT_ID = (
    "872cd9fa-d31f-45e0-9eab-6e460a02d1f1"  # Visual Studio: the first-party client of all helpers
)
RESOURCE = "499b84ac-1321-427f-aa17-267ca6975798"  # Azure DevOps
DEFAULT_SCOPE = f"{RESOURCE}/.default offline_access openid profile"
DEFAULT_REDIRECT = "http://localhost"  # any port, but no path and no 127.0.0.1 (AADSTS50011)

PUBLIC_HOST = PUBLIC.login_hosts[0]
_ISSUER_HOSTS = {host: cloud.login_hosts[0] for cloud in CLOUDS for host in cloud.login_hosts}

ANY_WORK_TENANT = "organizations"  # also the way in for personal accounts (MSA pass-through)
MSA_TENANT = (
    "9188040d-6c67-4c5b-b112-36a304b66dad"  # where personal accounts live; gives no Azure DevOps token
)
TRANSFER_TENANT = "f8cdef31-a31e-4b4a-93e4-5f571e91255a"  # where their Azure DevOps tokens come from
NO_TENANT = "00000000-0000-0000-0000-000000000000"  # what an organization of personal accounts says

_WELL_KNOWN = "/.well-known/openid-configuration"
_GUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", re.ASCII)
_DOMAIN = re.compile(  # RFC 1123 section 2.1; a top-level domain begins with a letter
    r"(?=.{4,253}\Z)(?:[0-9a-z](?:[0-9a-z-]{0,61}[0-9a-z])?\.)+[a-z](?:[0-9a-z-]{0,61}[0-9a-z])",
    re.ASCII | re.IGNORECASE,
)
_ANY_TENANT = frozenset({ANY_WORK_TENANT, "common", "consumers"})


# --- addresses


def authority(tenant: str, host: str = PUBLIC_HOST) -> str:
    """Return Microsoft's authority of a tenant: its GUID, a domain of it, or ``organizations`` and the like.

    Raise UsageError for a text that is no tenant.
    """
    if tenant not in _ANY_TENANT:
        check_tenant(tenant)
    return f"https://{host}/{tenant}"


def check_tenant(tenant: str) -> None:
    """Raise UsageError for a text that is neither a GUID nor a domain: it becomes a part of an address."""
    if not _GUID.fullmatch(tenant) and not _DOMAIN.fullmatch(tenant):
        raise UsageError(
            f"{tenant!r} is not a valid tenant", "give the tenant's id (a GUID) or one of its domains"
        )


def is_entra(url: str) -> bool:
    """Return whether a URL is on one of Microsoft's login hosts, by https and without a port."""
    scheme, _, rest = url.partition("://")
    return scheme.lower() == "https" and rest.partition("/")[0].lower() in LOGIN_HOSTS


def is_login_host(origin: str) -> bool:
    """Return whether an origin (``endpoints.origin``) is that of one of Microsoft's login hosts."""
    return is_entra(f"{origin}/")


def same_cloud(one: str, other: str) -> bool:
    """Return whether two URLs are on login hosts of one of Microsoft's clouds."""
    hosts = [urlsplit(url).hostname or "" for url in (one, other)]
    return LOGIN_HOSTS.issuperset(hosts) and len({_ISSUER_HOSTS.get(host, host) for host in hosts}) == 1


def issuer(given: str) -> str:
    """Give the issuer that an authority's document must name, ``{tenantid}`` standing for any tenant.

    ``given``: an authority as people write it: with or without a final slash, ``/v2.0`` (Entra) or the whole
    well-known address. ``UsageError`` if it is not https (loopback may be http).
    """
    base = _without_well_known(given)
    if not is_entra(base):
        return base
    host = urlsplit(base).netloc.lower()
    return f"https://{_ISSUER_HOSTS.get(host, host)}/{_issuer_tenant(_tenant_of(base))}/v2.0"


def discovery_url(given: str) -> str:
    """Give the address of an authority's OpenID configuration (``given`` as for ``issuer``)."""
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
    if first not in _ANY_TENANT:
        check_tenant(first)
    return first


def _issuer_tenant(tenant: str) -> str:
    """Documents name a tenant by its GUID only; domains and ``common`` therefore match any."""
    return tenant.lower() if _GUID.fullmatch(tenant) else "{tenantid}"


# --- refusals

_TRANSIENT_CODES = frozenset({90055, 90033, 90006})
_TRANSIENT_ERRORS = frozenset({"temporarily_unavailable", "server_error"})


def sign_in_error(
    refused: TokenRefused, *, who: str | None, tenant: str | None, organization: str | None = None
) -> SignInError:
    """Word a refusal: who, where, what happened, what to run. Unknown codes by ``error`` and ``suberror``.

    ``who``: the sign-in name, if known; ``tenant``: as asked for, if any; ``organization``: Azure DevOps'.
    """
    known = next((CASES[code] for code in refused.codes if code in CASES), None)
    case = known or BY_SUBERROR.get(refused.suberror) or BY_ERROR.get(refused.error) or UNKNOWN
    words = _words(who, tenant, organization)
    message = case.cause.format_map(words)
    if not known and refused.description:
        message += f"; the server says: {refused.description}"
    return SignInError(f"{message} ({for_administrators(refused)})", case.hint.format_map(words))


def refusal_is_transient(refused: TokenRefused) -> bool:
    """Say whether the same request may succeed later, without anyone doing anything."""
    return (
        refused.status == 429  # noqa: PLR2004 - Too Many Requests
        or refused.status >= 500  # noqa: PLR2004 - the server's own trouble
        or refused.error in _TRANSIENT_ERRORS
        or not _TRANSIENT_CODES.isdisjoint(refused.codes)
    )


def _words(who: str | None, tenant: str | None, organization: str | None) -> dict[str, str]:
    """Fill-ins for causes and hints; the commands are ready to be copied into a shell."""
    known_tenant = tenant if tenant and tenant not in ("common", ANY_WORK_TENANT) else None
    where = {"organization": organization} if organization else {"tenant": known_tenant or ""}
    return {
        "who": who or "this account",
        "tenant": f"tenant {known_tenant}" if known_tenant else "the tenant",
        "setup": hints.setup(**where, login_hint=who if who and "@" in who else ""),
        "setup_other": hints.setup(**where),
        "setup_tenant": hints.setup(tenant=known_tenant or hints.TENANT),
    }


def for_administrators(refused: TokenRefused) -> str:
    """Give the raw codes and ids of a refusal, which an administrator looks for in the tenant's sign-in logs."""
    parts = [f"AADSTS{code}" for code in refused.codes] or [refused.error]
    if not refused.codes and refused.suberror:
        parts.append(refused.suberror)
    if refused.trace_id:
        parts.append(f"trace id {refused.trace_id}")
    if refused.correlation_id:
        parts.append(f"correlation id {refused.correlation_id}")
    return ", ".join(parts)
