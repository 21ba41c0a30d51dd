"""The requests of a sign-in: an authority's configuration, and its tokens. All through a given ``Web``.

A token request is a POST that may have been processed even if no answer came, and refresh tokens rotate:
it is sent once more only if the first never left (``Web`` sees to that). Refusals stay ``OAuthError``;
``sign_in_errors`` words them once the caller knows who and where.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from git_credential_azdo.errors import NetworkError, ServiceError
from git_credential_azdo.hosts import origin
from git_credential_azdo.signin import entra, oauth
from git_credential_azdo.signin.endpoints import OtherHostsError, read_discovery

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from git_credential_azdo.response import Response
    from git_credential_azdo.signin.endpoints import Endpoint, Endpoints
    from git_credential_azdo.web import HttpClient


def discover(
    web: HttpClient, authority: str, confirm: Callable[[OtherHostsError], bool] = lambda _other: False
) -> Endpoints:
    """Return the endpoints of an authority (as ``entra.issuer`` takes it), from its configuration.

    ``confirm``: asked about endpoints on other hosts than the authority's, which are refused unless it says yes.
    Raise ServiceError if there is no such authority, OtherHostsError, NetworkError.
    """
    url = entra.discovery_url(authority)
    answer = web.request("GET", url, also=(origin(url),))  # an authority is a person's own word
    _refuse_redirect(answer)
    if answer.status != 200:  # noqa: PLR2004 - OpenID Connect Discovery section 4.2
        raise ServiceError(
            f"{answer.host} has no OpenID configuration for that authority (status {answer.status})",
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
    answer = web.request("POST", endpoint, form=form, also=(origin(endpoint),))
    _refuse_redirect(answer)
    return oauth.read_grant(answer.status, answer.json(), nonce=nonce, audience=audience)


def _refuse_redirect(answer: Response) -> None:
    if 300 <= answer.status < 400:  # noqa: PLR2004 - the redirects
        raise NetworkError(
            f"{answer.host} wants us to ask elsewhere (status {answer.status}), which we do not do with secrets",
            "a proxy or a network's sign-in page may stand in between: open a browser to see it",
        )
