"""Authorities (Microsoft Entra's and others): how they are written, and where codes, tokens and secrets may be sent.

Two documents name addresses for secrets, an authority's OpenID configuration and the accounts file, and neither is
trusted by itself: an ``Endpoint`` is on the authority's own origin (Microsoft's login hosts of one cloud count as
one), or on a host that the user confirmed, or on the origin that the vault stores with the secret. Must never build an
address that secrets are sent to in any other way. Rules: OpenID Connect Discovery 1.0 section 4, RFC 8414 section 6.2,
RFC 9700 section 4.4, Microsoft's "Microsoft identity platform" and "Use Microsoft Entra OAuth with Azure DevOps".

A token request is a POST that may have been processed even if no response came, and refresh tokens rotate: it is
sent again only if the first one was not sent at all (``HttpClient`` ensures that). OAuth error responses are raised as
``OAuthError``; ``sign_in_errors`` makes them messages once the caller knows the account and the tenant.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, final
from urllib.parse import urlsplit, urlunsplit

from git_credential_azdo.errors import NetworkError, ServiceError, SignInError, UsageError, printable
from git_credential_azdo.git.address import quoted
from git_credential_azdo.git.target import CLOUDS, LOGIN_HOSTS, MSA_TENANT, MSA_TRANSFER_TENANT, NIL_TENANT
from git_credential_azdo.signin import oauth
from git_credential_azdo.signin.oauth import safe_origin

if TYPE_CHECKING:
    from git_credential_azdo.accounts.account import Block
    from git_credential_azdo.web import HttpClient, Response

    Fields = Mapping[str, str] | None

DEFAULT_CLIENT_ID = "872cd9fa-d31f-45e0-9eab-6e460a02d1f1"  # Visual Studio: also the other helpers' default
RESOURCE = "499b84ac-1321-427f-aa17-267ca6975798"  # Azure DevOps
DEFAULT_SCOPE = f"{RESOURCE}/.default offline_access openid profile"
DEFAULT_REDIRECT = "http://localhost"  # any port, but no path and no 127.0.0.1 (AADSTS50011)
PUBLIC_HOST = CLOUDS[0][0]
ANY_WORK_TENANT = "organizations"  # also for personal accounts (MSA pass-through)
ANY_TENANT = frozenset({ANY_WORK_TENANT, "common", "consumers"})
"""The names in an authority that stand for more than one tenant."""
GUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", re.ASCII)
_DOMAIN = re.compile(  # RFC 1123 section 2.1; a top-level domain begins with a letter
    r"(?=.{4,253}\Z)(?:[0-9a-z](?:[0-9a-z-]{0,61}[0-9a-z])?\.)+[a-z](?:[0-9a-z-]{0,61}[0-9a-z])",
    re.ASCII | re.IGNORECASE,
)
_WELL_KNOWN = "/.well-known/openid-configuration"


# --- how authorities and tenants are written


def authority_of(tenant: str, host: str = PUBLIC_HOST) -> str:
    """Return Microsoft's authority for a tenant: its GUID, one of its domains, or ``organizations`` and the like.

    Raise UsageError for a string that is not a tenant.
    """
    if tenant not in ANY_TENANT:
        check_tenant(tenant)
    return f"https://{host}/{tenant}"


def check_tenant(tenant: str) -> None:
    """Raise UsageError for a string that is neither a GUID nor a domain, since it becomes part of a URL."""
    if not GUID.fullmatch(tenant) and not _DOMAIN.fullmatch(tenant):
        raise UsageError(
            f"{quoted(tenant)} is not a valid tenant", "give the tenant's id (a GUID) or one of its domains"
        )


def is_entra(url: str) -> bool:
    """Return whether a URL is on one of Microsoft's login hosts, with https and without a port."""
    scheme, _, rest = url.partition("://")
    return scheme.lower() == "https" and rest.partition("/")[0].lower() in LOGIN_HOSTS


def same_cloud(one: str, other: str) -> bool:
    """Return whether two URLs are on login hosts of the same Microsoft cloud."""
    hosts = {urlsplit(one).hostname, urlsplit(other).hostname}
    return any(hosts.issubset(cloud) for cloud in CLOUDS)


def read_authority(given: str) -> tuple[str, str]:
    """Return the issuer that an authority's OpenID configuration must name, and the address of that document.

    ``given``: an authority as users write it: with or without a trailing slash, ``/v2.0`` (Entra) or the whole
    well-known address. In the issuer ``{tenantid}`` stands for any tenant: Entra's documents name a tenant by its GUID
    only. Raise UsageError if it is not https (loopback may be http).
    """
    base = given.strip().partition("?")[0].removesuffix(_WELL_KNOWN).rstrip("/")
    if not safe_origin(base):
        example = authority_of(ANY_WORK_TENANT)
        raise UsageError("the authority must be an https address", f"for example --authority {example}")
    if not is_entra(base):
        return base, base + _WELL_KNOWN
    host, _, path = base.partition("://")[2].partition("/")
    tenant = path.lstrip("/").partition("/")[0]
    tenant = ANY_WORK_TENANT if tenant in ("", "v2.0") else tenant
    issuing = next(cloud[0] for cloud in CLOUDS if host.lower() in cloud)
    named = tenant.lower() if GUID.fullmatch(tenant) else "{tenantid}"
    return f"https://{issuing}/{named}/v2.0", f"{authority_of(tenant, host.lower())}/v2.0{_WELL_KNOWN}"


# --- where secrets may go


@final
class Endpoint(str):
    """A URL that an authority's secrets may be sent to. Raise ServiceError for any other.

    ``authority``: as the user gave it, or its issuer. ``confirmed``: further hosts (with their port, if any) that the
    user confirmed; Microsoft's authorities have none.
    """

    __slots__ = ()

    def __new__(cls, url: str, authority: str, confirmed: Collection[str] = ()) -> Endpoint:
        """Check the address."""
        if not _belongs(url, authority, confirmed):
            raise ServiceError(
                f"{safe_origin(url) or 'an endpoint'} is not an endpoint of {safe_origin(authority)}"
            )
        return super().__new__(cls, url)

    def for_tenant(self, tenant: str) -> Endpoint:
        """Return the same endpoint for another tenant (a GUID or a domain), or itself if it is not Entra's.

        The tenant of personal accounts, and the zero tenant that their organizations name, become the transfer tenant:
        only that one issues them tokens for Azure DevOps. Raise UsageError for a string that is not a tenant.
        """
        if not is_entra(self):
            return self
        check_tenant(tenant)
        if tenant.lower() in (MSA_TENANT, NIL_TENANT):
            tenant = MSA_TRANSFER_TENANT
        parts = urlsplit(self)
        rest = parts.path.lstrip("/").partition("/")[2]
        return Endpoint(urlunsplit(parts._replace(path=f"/{tenant}/{rest}")), self)


@dataclass(frozen=True)
class Endpoints:
    """An authority's endpoints, from its OpenID configuration. ``issuer``: as the document writes it."""

    authorization: Endpoint
    token: Endpoint
    device_authorization: Endpoint | None
    issuer: str


class OtherHostsError(ServiceError):
    """A configuration names endpoints on ``hosts`` (each with its port, if any) that only the user can confirm."""

    def __init__(self, issuer: str, hosts: list[str]) -> None:
        named = ", ".join(hosts)
        super().__init__(f"the OpenID configuration of {issuer} names endpoints on other hosts: {named}")
        self.hosts = hosts


def read_discovery(document: object, issuer: str, confirmed: Collection[str] = ()) -> Endpoints:
    """Return the endpoints of an OpenID configuration document that ``issuer`` must have issued.

    ``{tenantid}`` on either side (as in Entra's documents for ``common``) matches any single segment.
    Raise OtherHostsError if endpoints are on hosts other than the issuer's and ``confirmed``, ServiceError if it is not
    such a document or names a URL that secrets must not be sent to, NetworkError if it is another issuer's.
    """
    if not isinstance(document, Mapping):
        raise ServiceError(f"{issuer} has no OpenID configuration")
    issued_by = document.get("issuer")
    if not isinstance(issued_by, str) or not _same_issuer(issued_by, issuer):
        raise NetworkError(
            f"the OpenID configuration of {issuer} names another issuer: {printable(str(issued_by))[:200]}",
            "give --authority exactly as the server's documentation writes its issuer",
        )
    names = ["authorization_endpoint", "token_endpoint"]
    names += ["device_authorization_endpoint"] if document.get("device_authorization_endpoint") else []
    urls = [_safe(document, name, issuer) for name in names]
    other = [urlsplit(url).netloc.lower() for url in urls if not _belongs(url, issuer, confirmed)]
    if other:
        raise OtherHostsError(issuer, list(dict.fromkeys(other)))
    authorization, token, *device = (Endpoint(url, issuer, confirmed) for url in urls)
    return Endpoints(authorization, token, device[0] if device else None, issued_by)


def discover(
    web: HttpClient, authority: str, confirm: Callable[[OtherHostsError], bool] = lambda _other: False
) -> Endpoints:
    """Return the endpoints of an authority (as ``read_authority`` takes it), from its configuration.

    ``confirm``: called for endpoints on hosts other than the authority's, which are refused unless it returns True.
    Raise ServiceError if there is no such authority, OtherHostsError, NetworkError.
    """
    issuer, url = read_authority(authority)
    answer = ask(web, "GET", url)
    if answer.status != 200:  # noqa: PLR2004 - OpenID Connect Discovery section 4.2
        raise ServiceError(
            f"{answer.host} has no OpenID configuration for that authority{oauth.error_text(answer)} (status {answer.status})",
            "check --tenant and --authority",
        )
    document = answer.json()
    try:
        return read_discovery(document, issuer)
    except OtherHostsError as other:
        if not confirm(other):
            raise
        return read_discovery(document, issuer, other.hosts)


def request_token(
    web: HttpClient,
    endpoint: Endpoint,
    grant_type: str,
    *,
    client_id: str,
    nonce: str | None = None,
    **parameters: str,
) -> oauth.Grant:
    """Send a token request (RFC 6749 section 3.2) and return the grant.

    ``client_id``, ``nonce``: an ID token in the response must name these, too. Raise OAuthError for an OAuth error
    response, NetworkError, ServiceError.
    """
    answer = ask(web, "POST", endpoint, form={"grant_type": grant_type, "client_id": client_id, **parameters})
    return oauth.read_grant(answer.status, answer.json(), nonce=nonce, audience=client_id)


def ask(web: HttpClient, method: str, url: str, *, form: Fields = None, headers: Fields = None) -> Response:
    """Return an authority's response. The user or the environment named the authority, so any origin is allowed.

    Raise NetworkError also for a response that does not answer the request: a redirect, or a busy or failing server.
    """
    answer = web.request(method, url, form=form, headers=headers, elsewhere=True)
    if oauth.is_busy(answer.status) and not answer.fields().get("error"):
        raise NetworkError(
            f"{answer.host} is busy or has an internal error{oauth.error_text(answer)} (status {answer.status})",
            "try again in a minute",
        )
    if 300 <= answer.status < 400:  # noqa: PLR2004 - the redirects
        raise NetworkError(
            f"{answer.host} redirected the request (status {answer.status}); one with a secret is never redirected",
            "a proxy or a network's sign-in page may stand in between: open a browser to see it",
        )
    return answer


def saved_endpoint(block: Block, saved_origin: str | None, cure: str) -> Endpoint:
    """Return an account's token endpoint from the accounts file, for a secret of it that is about to be sent.

    ``saved_origin``: the ``origin`` stored in the vault with the secret; None if an earlier version stored none. Raise
    SignInError, with ``cure`` as its hint, if the secret is not from there: an altered accounts file must not get it.
    """
    url, authority = block.get("token_endpoint"), block.get("authority")
    there = safe_origin(url)
    if saved_origin is not None:
        mine = there == saved_origin and _belongs(url, url)
    else:  # accounts of Entra (only it has tenants) may have no authority in the file
        known = is_entra(url) or (authority and not block.get("tenant"))
        mine = bool(known) and _belongs(url, authority or url)
    if mine:
        return Endpoint(url, url)
    who = block.get("name") or block.get("client_id")
    where = f"is not where this account was set up: {there or 'no https address'}"
    raise SignInError(f"the token endpoint of {who} in the accounts file {where}", cure)


def _belongs(url: str, authority: str, confirmed: Collection[str] = ()) -> bool:
    there, home = safe_origin(url), safe_origin(authority)
    if not there or not home:
        return False
    if is_entra(there) or is_entra(home):
        return is_entra(url) and same_cloud(url, authority)
    # Plain http only on this machine, and only if the authority is on it, too.
    schemes = {"https", home.partition("://")[0]}
    return there in {home, *(safe_origin(f"{scheme}://{host}") for host in confirmed for scheme in schemes)}


def _safe(document: Mapping[str, object], name: str, issuer: str) -> str:
    """Return a URL of the document. Raise ServiceError for one that not even the user may confirm."""
    url = document.get(name)
    there, home = safe_origin(url) if isinstance(url, str) else "", safe_origin(issuer)
    if not isinstance(url, str) or not there or there.startswith("http:") > home.startswith("http:"):
        raise ServiceError(f"the OpenID configuration of {issuer} has no https address as {name}")
    if _belongs(url, issuer) or not (is_entra(there) or is_entra(home)):
        return url
    raise ServiceError(
        f"the OpenID configuration of {issuer} names {urlsplit(url).netloc} as {name}, which is another authority's",
        f"give that one: --authority {there}/TENANT" if is_entra(url) else None,
    )


def _same_issuer(issued_by: str, expected: str) -> bool:
    """Return whether all segments match; a trailing slash is ignored, ``{tenantid}`` matches any one segment."""
    left, right = issued_by.rstrip("/").split("/"), expected.rstrip("/").split("/")
    return len(left) == len(right) and all(
        a == b or (position > 2 and "{tenantid}" in (a, b) and bool(a and b))  # noqa: PLR2004 - never the host
        for position, (a, b) in enumerate(zip(left, right, strict=True))
    )
