"""Where a sign-in's codes, refresh tokens and client secrets may be sent, and the requests that send them.

Two texts name such an address, an authority's OpenID configuration and the accounts file, and neither is believed by
itself: an ``Endpoint`` is on the authority's own origin (Microsoft's login hosts of one cloud count as one), or on a
host that a person confirmed, or on the origin that the vault keeps beside the very secret. Never make an address that
secrets go to in another way. Rules: OpenID Connect Discovery 1.0 section 4, RFC 8414 section 6.2, RFC 9700 section 4.4.

A token request is a POST that may have been processed even if no answer came, and refresh tokens rotate: it is sent
once more only if the first never left (``HttpClient`` sees to that). Refusals stay ``OAuthError``; ``sign_in_errors``
words them once the caller knows who and where.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, final
from urllib.parse import urlsplit, urlunsplit

from git_credential_azdo.errors import NetworkError, ServiceError, SignInError, printable
from git_credential_azdo.git.target import MSA_TENANT, MSA_TRANSFER_TENANT, NIL_TENANT
from git_credential_azdo.hosts import origin
from git_credential_azdo.signin import entra, oauth
from git_credential_azdo.signin.oauth import is_safe_url

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from git_credential_azdo.accounts.account import Block
    from git_credential_azdo.web import HttpClient, Response


@final
class Endpoint(str):
    """An address that an authority's secrets may be sent to. Raise ServiceError for one that may not be.

    ``authority``: as a person gave it, or its issuer. ``confirmed``: further hosts (with their port, if any) that a
    person confirmed; Microsoft's authorities have none.
    """

    __slots__ = ()

    def __new__(cls, url: str, authority: str, confirmed: Collection[str] = ()) -> Endpoint:
        """Check the address."""
        if not _belongs(url, authority, confirmed):
            raise ServiceError(f"{_origin(url) or 'an endpoint'} is not an endpoint of {_origin(authority)}")
        return super().__new__(cls, url)

    def for_tenant(self, tenant: str) -> Endpoint:
        """Return the same endpoint for another tenant (a GUID or a domain); beside Entra there are none.

        Personal accounts' own tenant, and the zero tenant their organizations name, become the transfer tenant:
        only that one gives them tokens for Azure DevOps. Raise UsageError for a text that is no tenant.
        """
        if not entra.is_entra(self):
            return self
        entra.check_tenant(tenant)
        if tenant.lower() in (MSA_TENANT, NIL_TENANT):
            tenant = MSA_TRANSFER_TENANT
        parts = urlsplit(self)
        rest = parts.path.lstrip("/").partition("/")[2]
        return Endpoint(urlunsplit(parts._replace(path=f"/{tenant}/{rest}")), self)


@dataclass(frozen=True)
class Endpoints:
    """Where an authority is asked, from its OpenID configuration. ``issuer`` as the document writes it."""

    authorization: Endpoint
    token: Endpoint
    device_authorization: Endpoint | None
    issuer: str


class OtherHostsError(ServiceError):
    """A configuration names endpoints on ``hosts`` (each with its port, if any) that only a person can confirm."""

    def __init__(self, issuer: str, hosts: list[str]) -> None:
        super().__init__(
            f"the OpenID configuration of {issuer} names endpoints on other hosts: {', '.join(hosts)}"
        )
        self.hosts = hosts


def read_discovery(document: object, issuer: str, confirmed: Collection[str] = ()) -> Endpoints:
    """Return the endpoints of an OpenID configuration document that ``issuer`` must have issued.

    Where either side says ``{tenantid}`` (Entra's documents of ``common`` do), any single segment fits.
    Raise OtherHostsError if endpoints are on other hosts than the issuer's and ``confirmed``, ServiceError if it is no
    such document or names an address that secrets must not go to, NetworkError if it is another issuer's.
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
    """Return the endpoints of an authority (as ``entra.issuer`` takes it), from its configuration.

    ``confirm``: asked about endpoints on other hosts than the authority's, which are refused unless it says yes.
    Raise ServiceError if there is no such authority, OtherHostsError, NetworkError.
    """
    url = entra.discovery_url(authority)
    answer = web.request("GET", url, elsewhere=True)  # an authority is a person's own word
    _check(answer)
    if answer.status != 200:  # noqa: PLR2004 - OpenID Connect Discovery section 4.2
        raise ServiceError(
            f"{answer.host} has no OpenID configuration for that authority{oauth.said(answer)} (status {answer.status})",
            "check --tenant and --authority",
        )
    document, issuer = answer.json(), entra.issuer(authority)
    try:
        return read_discovery(document, issuer)
    except OtherHostsError as other:
        if not confirm(other):
            raise
        return read_discovery(document, issuer, other.hosts)


def request_token(
    web: HttpClient,
    endpoint: Endpoint,
    form: Mapping[str, str],
    *,
    nonce: str | None = None,
    audience: str | None = None,
) -> oauth.Grant:
    """Send one token request (a form of ``oauth``); return the grant.

    ``nonce``, ``audience``: what the identity token, if one comes, must say. Raise OAuthError for a no, NetworkError,
    ServiceError.
    """
    answer = web.request("POST", endpoint, form=form, elsewhere=True)
    _check(answer)
    return oauth.read_grant(answer.status, answer.json(), nonce=nonce, audience=audience)


def _check(answer: Response) -> None:
    """Raise NetworkError for a response that says nothing about the request: sent elsewhere, or the server's own trouble."""
    busy = answer.status == 429 or answer.status >= 500  # noqa: PLR2004 - as sign_in_errors.is_transient
    if busy and not answer.fields().get("error"):
        message = (
            f"{answer.host} is busy or has an internal error{oauth.said(answer)} (status {answer.status})"
        )
        raise NetworkError(message, "try again in a minute")
    if 300 <= answer.status < 400:  # noqa: PLR2004 - the redirects
        raise NetworkError(
            f"{answer.host} redirected the request (status {answer.status}); one with a secret is never redirected",
            "a proxy or a network's sign-in page may stand in between: open a browser to see it",
        )


def kept_endpoint(block: Block, kept_origin: str | None, cure: str) -> Endpoint:
    """Return the token endpoint of an account, from the accounts file, for a secret of it that is about to be sent.

    ``kept_origin``: the ``origin`` in the vault beside the secret; None where an earlier version wrote it without.
    Raise SignInError, with ``cure`` as its hint, if the address is not one that this secret was got from: a changed accounts file gets nothing.
    """
    url, authority = block.get("token_endpoint"), block.get("authority")
    there = _origin(url)
    if kept_origin is None:
        # Accounts of Entra, which alone knows tenants, may have no authority written down.
        mine = _belongs(url, authority or url) and (
            entra.is_entra(url) or bool(authority and not block.get("tenant"))
        )
    else:
        mine = there == kept_origin and _belongs(url, url)
    if mine:
        return Endpoint(url, url)
    raise SignInError(
        f"the token endpoint of {block.get('name') or block.get('client_id')} in the accounts file is not where this"
        f" account was set up: {there or 'no https address'}",
        cure,
    )


def _belongs(url: str, authority: str, confirmed: Collection[str] = ()) -> bool:
    there, home = _origin(url), _origin(authority)
    if not there or not home:
        return False
    if entra.is_entra(there) or entra.is_entra(home):
        return entra.is_entra(url) and entra.same_cloud(url, authority)
    scheme = home.partition("://")[
        0
    ]  # plain http only on this machine, and only if the authority is there, too
    return there == home or there in {
        _origin(f"{each}://{host}") for host in confirmed for each in ("https", scheme)
    }


def _safe(document: Mapping[str, object], name: str, issuer: str) -> str:
    """Return an address of the document. Raise ServiceError for one that no confirmation could make good."""
    url = document.get(name)
    there, home = _origin(url) if isinstance(url, str) else "", _origin(issuer)
    if not isinstance(url, str) or not there or there.startswith("http:") > home.startswith("http:"):
        raise ServiceError(f"the OpenID configuration of {issuer} gives no https address as {name}")
    if _belongs(url, issuer) or not (entra.is_entra(there) or entra.is_entra(home)):
        return url
    raise ServiceError(
        f"the OpenID configuration of {issuer} names {urlsplit(url).netloc} as {name}, which is another authority's",
        f"give that one: --authority {there}/TENANT" if entra.is_entra(url) else None,
    )


def _same_issuer(issued_by: str, expected: str) -> bool:
    """Compare segment by segment; a final slash counts for nothing, ``{tenantid}`` for any one segment."""
    left, right = issued_by.rstrip("/").split("/"), expected.rstrip("/").split("/")
    return len(left) == len(right) and all(
        a == b or (position > 2 and "{tenantid}" in (a, b) and bool(a and b))  # noqa: PLR2004 - never the host
        for position, (a, b) in enumerate(zip(left, right, strict=True))
    )


def _origin(url: str) -> str:
    """Return the origin of an address, or an empty text for one that no secret may be sent to."""
    return origin(url) if is_safe_url(url) else ""
