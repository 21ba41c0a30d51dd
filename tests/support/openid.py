"""A small OpenID provider on loopback that is not Entra, for ``setup --authority``: everybody is Olga there.

OpenID Connect Discovery 1.0 and Core 1.0, as far as a public client with PKCE needs them; ``quirks`` change
what it says.
"""

from __future__ import annotations

import base64
import hashlib
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

from tests.support.watch import WATCH, new_password

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self

OLGA = "olga@example.org"


class Provider:
    """The provider; ``issuer`` is its authority, ``forms`` what its token endpoint was sent.

    ``claims`` are the identity token's; None for an answer without one. ``refreshes``: whether it gives refresh tokens.
    ``scope``: what it says it granted, if it says so. ``refusal``: its answer to every token request from then on.
    """

    def __init__(self) -> None:
        self.claims: dict[str, Any] | None = {"sub": "olga-1", "preferred_username": OLGA}
        self.refreshes = True
        self.scope: str | None = None
        self.document: dict[str, Any] = {}
        self.refusal: dict[str, str] = {}
        self.forms: list[dict[str, str]] = []
        self._challenges: dict[str, tuple[str, str]] = {}
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._answer(*provider.discover(self.path))

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                self._answer(*provider.redeem(dict(parse_qsl(body))))

            def _answer(self, status: int, document: dict[str, Any]) -> None:
                data = json.dumps(document).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_: object) -> None:
                """Stay silent."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self.issuer = f"http://127.0.0.1:{self._server.server_port}/realm"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def discover(self, path: str) -> tuple[int, dict[str, Any]]:
        """Give the configuration document."""
        if path != "/realm/.well-known/openid-configuration":
            return 404, {}
        endpoints = {f"{name}_endpoint": f"{self.issuer}/{name}" for name in ("authorization", "token")}
        return 200, {"issuer": self.issuer, **endpoints, **self.document}

    def sign_in(self, link: str) -> str:
        """Let Olga sign in; give the address at which her browser ends."""
        asked = {key: values[0] for key, values in parse_qs(urlsplit(link).query).items()}
        code = new_password(300)
        self._challenges[code] = asked["code_challenge"], asked["nonce"]
        return f"{asked['redirect_uri']}?{urlencode({'code': code, 'state': asked['state']})}"

    def redeem(self, form: dict[str, str]) -> tuple[int, dict[str, Any]]:
        """Answer the token endpoint."""
        self.forms.append(form)
        if self.refusal:
            return 400, self.refusal
        if form["grant_type"] == "refresh_token":
            return 200, self._grant(form, None)
        challenge, nonce = self._challenges.pop(form["code"], ("", ""))
        hashed = hashlib.sha256(form["code_verifier"].encode()).digest()
        if base64.urlsafe_b64encode(hashed).rstrip(b"=").decode() != challenge:
            return 400, {"error": "invalid_grant"}
        return 200, self._grant(form, nonce)

    def _grant(self, form: dict[str, str], nonce: str | None) -> dict[str, Any]:
        grant = {"access_token": new_password(40), "token_type": "Bearer", "expires_in": 3600}
        if self.scope is not None:
            grant["scope"] = self.scope
        if self.refreshes:
            grant["refresh_token"] = new_password(40)
        if self.claims is not None and nonce:
            claims = {"iss": self.issuer, "aud": form["client_id"], "nonce": nonce, **self.claims}
            parts = [_encoded({"alg": "none"}), _encoded(claims), ""]
            grant["id_token"] = WATCH.remember(".".join(parts))
        return grant


def _encoded(value: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()
