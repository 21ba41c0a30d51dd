"""The requests of a sign-in: discover an authority, redeem a code, refresh. All through a given ``Web``.

A token request is a POST that may have been processed even if no answer came, and refresh tokens rotate:
it is sent once more only if the first never left (``Web`` sees to that). Refusals stay ``TokenRefused``;
``entra.sign_in_error`` words them once the caller knows who and where.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from git_credential_azdo.errors import NetworkError, ServiceError
from git_credential_azdo.hosts import origin
from git_credential_azdo.signin import entra, oauth
from git_credential_azdo.signin.endpoints import OtherHostsError, read_discovery

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from git_credential_azdo.signin.endpoints import Endpoint, Endpoints
    from git_credential_azdo.web import HttpClient, Response


def discover(
    web: HttpClient, authority: str, confirm: Callable[[OtherHostsError], bool] = lambda _other: False
) -> Endpoints:
    """Ask an authority (as ``entra.issuer`` takes it) for its endpoints.

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


def redeem(
    web: HttpClient,
    endpoints: Endpoints,
    *,
    client_id: str,
    redirect_uri: str,
    code: str,
    verifier: str,
    scope: str,
    nonce: str | None = None,
    client_secret: str | None = None,
) -> oauth.Grant:
    """Turn a code into tokens. ``redirect_uri``: the very one of the link; ``TokenRefused`` for a no."""
    form = oauth.code_form(
        client_id=client_id,
        code=code,
        redirect_uri=redirect_uri,
        verifier=verifier,
        scope=scope,
        client_secret=client_secret,
    )
    return ask_token(web, endpoints.token, form, nonce=nonce, audience=client_id)


def refresh(
    web: HttpClient,
    token_endpoint: Endpoint,
    *,
    client_id: str,
    refresh_token: str,
    scope: str,
    client_secret: str | None = None,
) -> oauth.Grant:
    """Get the next access token. A new refresh token in the grant replaces the old one."""
    form = oauth.refresh_form(
        client_id=client_id, refresh_token=refresh_token, scope=scope, client_secret=client_secret
    )
    return ask_token(web, token_endpoint, form, audience=client_id)


def ask_token(
    web: HttpClient,
    endpoint: Endpoint,
    form: Mapping[str, str],
    *,
    nonce: str | None = None,
    audience: str | None = None,
) -> oauth.Grant:
    """Send one token request and read the grant."""
    answer = web.request("POST", endpoint, form=form, also=(origin(endpoint),))
    _refuse_redirect(answer)
    return oauth.read_grant(answer.status, answer.json(), nonce=nonce, audience=audience)


def _refuse_redirect(answer: Response) -> None:
    if 300 <= answer.status < 400:  # noqa: PLR2004 - the redirects
        raise NetworkError(
            f"{answer.host} wants us to ask elsewhere (status {answer.status}), which we do not do with secrets",
            "a proxy or a network's sign-in page may stand in between: open a browser to see it",
        )
