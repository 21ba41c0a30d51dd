"""OAuth 2.0 for a public client: builds requests and reads responses. Pure.

No clock, no environment, no files, no network: functions read a response and return a value or raise an error.
Rules: RFC 6749 (OAuth), RFC 7636 (PKCE), RFC 8628 (device code), OpenID Connect Core 1.0.
Codes, verifiers and tokens must never appear in a repr or an error. ``redirect`` reads what the browser returns.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode, urlsplit

from git_credential_azdo.errors import AzdoError, ServiceError, SignInError, printable
from git_credential_azdo.git.target import is_tenant, origin

if TYPE_CHECKING:
    from git_credential_azdo.web import Response

OPENID_SCOPE = "openid profile offline_access"
"""Scopes that every OpenID provider supports: who signs in, and a refresh token (OpenID Connect Core sections 5.4 and 11)."""
LOOPBACK_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})

_USUAL_LIFE = 3600  # seconds; RFC 6749 allows a server to omit expires_in
_LONGEST_LIFE = 30 * 24 * 3600
_TOKEN = re.compile(r"[\x21-\x7e]+")
_SCOPE = re.compile(r"[ -~]{1,4096}")
_NUMBER = re.compile(r"\d{1,12}(?:\.\d*)?", re.ASCII)
_AADSTS = re.compile(r"AADSTS(\d{2,9})\b", re.ASCII)
_WORD = re.compile(r"[\w.:/-]{1,80}", re.ASCII)
_LONG_WORD = re.compile(r"\S{24,}")
_NAMES = ("preferred_username", "upn", "unique_name")
_URL = re.compile(r"[!#-;=?-\[\]_a-z{}~]+")  # what RFC 3986 leaves unescaped, and {} for {tenantid}


@dataclass(frozen=True)
class Grant:
    """A successful token response (RFC 6749 section 5.1).

    ``expires_in``: seconds from its receipt; ``claims``: the ID token's, {} if there is none.
    """

    access_token: str = field(repr=False)
    expires_in: int
    refresh_token: str | None = field(repr=False)
    claims: Mapping[str, object] = field(repr=False)
    scope: str | None


@dataclass(frozen=True)
class Person:
    """Who signed in: ``subject`` never changes, ``tenant`` is empty outside Entra; unknown values are empty strings.

    ``names``: every sign-in name in the ID token, in lower case. At Entra ``email`` is not one: users of any
    tenant may set theirs to another person's (Microsoft's "Migrate away from using email claims").
    """

    name: str
    subject: str
    tenant: str
    names: frozenset[str] = frozenset()


@dataclass(eq=False)
class OAuthError(AzdoError):
    """An OAuth error response (RFC 6749 sections 4.1.2.1 and 5.2); every field is safe to print.

    ``codes``: the AADSTS numbers; ``ids``: what an administrator looks for in logs, such as ``trace id 1f2e3d4c``;
    ``description``: the first line of the server's text, with words that could be a secret masked.
    """

    error: str
    status: int = 400
    suberror: str = ""
    codes: tuple[int, ...] = ()
    ids: tuple[str, ...] = ()
    description: str = ""

    def __post_init__(self) -> None:
        """Format the message."""
        numbers = ", ".join(f"AADSTS{code}" for code in self.codes)
        super().__init__(f"the sign-in server refused: {self.error}{f' ({numbers})' if numbers else ''}")


# --- requests


def challenge(verifier: str) -> str:
    """Return the S256 challenge of a verifier (RFC 7636 section 4.2)."""
    return base64url(hashlib.sha256(verifier.encode("ascii")).digest())


def authorize_url(endpoint: str, **parameters: str | None) -> str:
    """Return the link that the user opens to sign in; the response comes to ``redirect_uri`` in the query.

    ``parameters``: ``client_id``, ``redirect_uri``, ``scope``, ``state``, ``nonce``, ``code_challenge``, and unless they
    are None ``login_hint`` and ``prompt``.
    """
    asked = {"response_type": "code", "response_mode": "query", "code_challenge_method": "S256", **parameters}
    return with_query(endpoint, **{key: value for key, value in asked.items() if value})


def with_query(url: str, **parameters: str) -> str:
    """Return a URL with more parameters; the query that it already has is retained (RFC 6749 section 3.1)."""
    return f"{url}{'&' if '?' in url else '?'}{urlencode(parameters, quote_via=quote)}"


# --- responses


def safe_origin(url: str) -> str:
    """Return the origin of a URL that secrets may be sent to at all, or an empty string.

    Such a URL is https, or http on loopback; ASCII, without user, fragment or space.
    """
    there = origin(url) if _URL.fullmatch(url) and "#" not in url else ""
    is_safe = there.startswith("https:") or (there and urlsplit(url).hostname in LOOPBACK_HOSTS)
    return there if is_safe else ""


def read_token(value: object) -> str:
    """Return a token (RFC 6749 appendix A, but without spaces), or an empty string for anything else."""
    return value if isinstance(value, str) and _TOKEN.fullmatch(value) else ""


def read_grant(status: int, body: object, *, nonce: str | None = None, audience: str | None = None) -> Grant:
    """Return the grant in a token response. ``nonce``, ``audience``: what the ID token, if there is one, must name.

    Raise OAuthError for an error response, SignInError for an ID token that is for another request, ServiceError for
    anything that is neither a grant nor an error.
    """
    if not isinstance(body, Mapping):
        raise ServiceError(f"the sign-in server's response is not a token response (status {status})")
    if body.get("error"):
        raise read_refusal(status, body)
    access_token, refresh_token = read_token(body.get("access_token")), read_token(body.get("refresh_token"))
    is_bearer = str(body.get("token_type", "bearer")).lower() == "bearer"
    if status != 200 or not access_token or not is_bearer:  # noqa: PLR2004 - RFC 6749 section 5.1
        raise ServiceError(f"the sign-in server's response has no access token (status {status})")
    if body.get("refresh_token") and not refresh_token:
        raise ServiceError("the sign-in server's response has an invalid refresh token")
    scope = body.get("scope")
    return Grant(
        access_token=access_token,
        # An invalid lifetime counts as omitted: git would silently drop the token, and ask for a password.
        expires_in=int(seconds(body.get("expires_in"), 0, _LONGEST_LIFE)) or _USUAL_LIFE,
        refresh_token=refresh_token or None,
        claims=_claims(body.get("id_token"), nonce, audience),
        scope=" ".join(scope.split()) if isinstance(scope, str) and _SCOPE.fullmatch(scope) else None,
    )


def read_person(grant: Grant, *, is_entra: bool) -> Person:
    """Return who signed in, from the ID token's claims; empty strings for claims that are missing."""

    def claims(*names: str) -> list[str]:
        values = (grant.claims.get(name) for name in names)
        return [text for value in values if isinstance(value, str) and (text := printable(value).strip())]

    tenant = next(iter(claims("tid")), "").lower() if is_entra else ""
    names = claims(*_NAMES, *(() if is_entra else ("email",)))
    return Person(
        next(iter(names or claims("email")), ""),
        next(iter(claims("oid", "sub")), ""),
        tenant if is_tenant(tenant) else "",
        frozenset(name.lower() for name in names),
    )


def read_refusal(status: int, fields: Mapping[str, object]) -> OAuthError:
    """Return an OAuth error: from a token endpoint's JSON or the query of a redirect, with AADSTS codes from either."""
    description = fields.get("error_description")
    description = description if isinstance(description, str) else ""
    codes = fields.get("error_codes")
    numbers = [code for code in codes if type(code) is int] if isinstance(codes, list) else []
    return OAuthError(
        _word(fields.get("error")) or "unknown_error",
        status=status,
        suberror=_word(fields.get("suberror")) or _word(fields.get("error_subcode")),
        codes=tuple(numbers[:8] or map(int, _AADSTS.findall(description[:2000])[:8])),
        ids=tuple(_ids(fields, description)),
        description=first_line(description),
    )


def is_busy(status: int) -> bool:
    """Return whether a response's status says that the server is busy or has an internal error."""
    return status == 429 or status >= 500  # noqa: PLR2004 - Too Many Requests, the server's errors


def error_text(answer: Response) -> str:
    """Return a colon and the first line of a server's error text, from any of the usual members, or an empty string."""
    body = answer.fields()
    error = body.get("error")
    inner = error.get("message") if isinstance(error, Mapping) else error
    text = body.get("error_description") or body.get("message") or inner
    return f": {line}" if (line := first_line(text)) else ""


def base64url(data: bytes) -> str:
    """Return bytes in base64url without padding (RFC 7636 appendix A)."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def seconds(value: object, usual: float, most: float) -> float:
    """Return a number of seconds, which may come as a string of digits; ``usual`` for anything else."""
    if isinstance(value, str) and _NUMBER.fullmatch(value):
        value = float(value)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or value != value:  # noqa: PLR0124 - NaN
        return usual
    return max(0.0, min(value, most))


def _claims(id_token: object, nonce: str | None, audience: str | None) -> Mapping[str, object]:
    """Return an ID token's payload. Its signature would prove nothing more: it came by TLS from the token endpoint.

    Two checks bind it to this request (OpenID Connect Core section 3.1.3.7).
    """
    if id_token is None or id_token == "":
        return {}
    try:
        payload = str(id_token).split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except (ValueError, IndexError, RecursionError):
        claims = None
    if not isinstance(claims, dict):
        raise ServiceError("the sign-in server's id token cannot be read")
    made_for = claims.get("aud")
    if audience is not None and audience not in (made_for if isinstance(made_for, list) else [made_for]):
        raise SignInError("the sign-in server's id token was made for another program")
    if nonce is not None and claims.get("nonce") != nonce:
        raise SignInError("the ID token belongs to another sign-in attempt", "start again, with the new link")
    return claims


def _word(value: object) -> str:
    return value if isinstance(value, str) and _WORD.fullmatch(value) else ""


def _ids(fields: Mapping[str, object], description: str) -> Iterator[str]:
    for key, label in (("trace_id", "Trace ID"), ("correlation_id", "Correlation ID")):
        written = re.search(rf"{label}: ([0-9A-Za-z-]{{8,64}})", description[:2000])
        if value := _word(fields.get(key)) or (written[1] if written else ""):
            yield f"{key.replace('_', ' ')} {value}"


def first_line(text: object) -> str:
    """Return the first line of a server's text, without ids, and with words masked that could be a code or a token."""
    words = text if isinstance(text, str) else ""
    line = words.strip().split("\r")[0].split("\n")[0].split(" Trace ID:")[0]
    return _LONG_WORD.sub("...", printable(line))[:300]
