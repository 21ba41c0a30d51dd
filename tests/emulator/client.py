"""A small client for the emulator's own tests: Basic and Bearer requests, and the OAuth flows by hand.

It must not use the product: the emulator is judged by what goes over the wire. Shapes: RFC 6749 and RFC 7636.
"""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx

from tests.emulator.default_world import ANN
from tests.emulator.model import RESOURCE, VISUAL_STUDIO

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self

    from tests.emulator.emulator import Emulator

SCOPE = f"{RESOURCE}/.default offline_access openid profile"
REDIRECT = "http://localhost:45123/"
VERIFIER = "v" * 64
LOGIN = "https://login.microsoftonline.com"
ORG = "https://dev.azure.com/contoso"
APP = f"{ORG}/app/_git/app"
PROJECTS = f"{ORG}/_apis/projects"
REPOSITORIES = f"{ORG}/_apis/git/repositories?api-version=7.1"
OWN_APP = "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0"


def challenge(verifier: str) -> str:
    """Give the S256 challenge of a PKCE verifier."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")


def basic(password: str, user: str = "anything") -> dict[str, str]:
    """Give the header of a Basic credential."""
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


def bearer(token: str) -> dict[str, str]:
    """Give the header of a Bearer token."""
    return {"Authorization": f"Bearer {token}"}


class Client:
    """An HTTP client behind the emulator's proxy, and somebody to click for it."""

    def __init__(self, emulator: Emulator) -> None:
        self.emulator = emulator
        self.http = httpx.Client(verify=emulator.tls, proxy=emulator.proxy, trust_env=False, timeout=90)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.http.close()

    def get(
        self, url: str, headers: dict[str, str] | None = None, *, suppress: bool = False
    ) -> httpx.Response:
        """GET ``url``; ``suppress`` asks Azure DevOps not to send us to a sign-in page."""
        more = {"X-TFS-FedAuthRedirect": "Suppress"} if suppress else {}
        return self.http.get(url, headers={**(headers or {}), **more})

    def authorize_url(self, tenant: str = "organizations", **changes: str | None) -> str:
        """Build an authorize URL; a parameter set to None is left out."""
        parameters: dict[str, str | None] = {
            "client_id": VISUAL_STUDIO,
            "response_type": "code",
            "redirect_uri": REDIRECT,
            "response_mode": "query",
            "scope": SCOPE,
            "state": "a state",
            "code_challenge": challenge(VERIFIER),
            "code_challenge_method": "S256",
            **changes,
        }
        query = urlencode({key: value for key, value in parameters.items() if value is not None})
        return f"{LOGIN}/{tenant}/oauth2/v2.0/authorize?{query}"

    def sign_in(
        self, person: str | None = ANN, tenant: str = "organizations", **changes: str | None
    ) -> dict[str, str]:
        """Sign in with the browser; give the query that came back to the redirect URI."""
        back = self.emulator.sign_in(self.authorize_url(tenant, **changes), person)
        return dict(parse_qsl(urlsplit(back).query))

    def token(self, tenant: str, **form: str) -> httpx.Response:
        """Ask the token endpoint."""
        return self.http.post(
            f"{LOGIN}/{tenant}/oauth2/v2.0/token", data={"client_id": VISUAL_STUDIO, **form}
        )

    def redeem(self, code: str, tenant: str = "organizations", **changes: str) -> httpx.Response:
        """Redeem an authorization code."""
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": REDIRECT,
            "code_verifier": VERIFIER,
            "scope": SCOPE,
            **changes,
        }
        return self.token(tenant, **form)

    def refresh(self, refresh_token: str, tenant: str = "organizations", **changes: str) -> httpx.Response:
        """Redeem a refresh token."""
        scope = f"{RESOURCE}/.default offline_access"
        form = {"grant_type": "refresh_token", "refresh_token": refresh_token, "scope": scope, **changes}
        return self.token(tenant, **form)

    def tokens(self, person: str = ANN, tenant: str = "organizations", **changes: str) -> dict[str, Any]:
        """Sign in and redeem; give the token endpoint's answer."""
        code = self.sign_in(person, tenant, **changes)["code"]
        answer: dict[str, Any] = self.redeem(code, tenant, **changes).json()
        return answer
