"""Entra's errors: which code goes with which OAuth error, and the body that carries them.

Codes: Microsoft's reference-error-codes page; the texts are paraphrased. The shape of the body: Microsoft's
pages about the authorization code flow and the device code flow. Words in place of numbers are errors of the
device flow for which no number is documented.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.emulator.messages import Response, json_response

if TYPE_CHECKING:
    import datetime as dt


@dataclass(frozen=True)
class Kind:
    """One row: the OAuth error, what went wrong, and what the body adds."""

    error: str
    text: str
    suberror: str | None = None
    status: int = 400
    claims: str | None = None


_MORE = '{"access_token":{"capolids":{"essential":true,"values":["0c1a2b3c-4d5e-6f70-8192-a3b4c5d6e7f8"]}}}'

KINDS: dict[int, Kind] = {
    28000: Kind("invalid_scope", "scope not valid: more than one resource"),
    50011: Kind(
        "invalid_request", "redirect URI does not match the redirect URIs configured for the application"
    ),
    50020: Kind("invalid_grant", "account of identity provider live.com not in tenant"),
    50034: Kind("invalid_grant", "user account does not exist in directory"),
    50058: Kind("login_required", "silent sign-in request was sent but no user is signed in"),
    50074: Kind("invalid_grant", "strong authentication required", "basic_action"),
    50076: Kind("invalid_grant", "multi-factor authentication required", "basic_action", claims=_MORE),
    50078: Kind("invalid_grant", "multi-factor authentication expired", "basic_action"),
    50079: Kind("invalid_grant", "user must enrol in multi-factor authentication", "basic_action"),
    50089: Kind("invalid_grant", "flow token expired"),
    50173: Kind("invalid_grant", "grant revoked, fresh token needed", "bad_token"),
    50194: Kind("invalid_request", "application is not configured as multi-tenant, do not use /common"),
    53000: Kind("invalid_grant", "device is not compliant", "message_only"),
    53001: Kind("invalid_grant", "device is not domain joined", "message_only"),
    53002: Kind("invalid_grant", "application is not an approved app", "message_only"),
    53003: Kind("invalid_grant", "blocked by Conditional Access", "message_only"),
    54005: Kind("invalid_grant", "authorization code already redeemed"),
    65001: Kind("invalid_grant", "consent missing", "consent_required"),
    65002: Kind("invalid_client", "first-party applications must be preauthorized for each other"),
    65004: Kind("access_denied", "user declined to consent to access the app"),
    70000: Kind("invalid_grant", "the provided value is not valid"),
    70003: Kind("unsupported_grant_type", "grant type not supported"),
    70005: Kind("unsupported_response_type", "response type not supported"),
    70008: Kind("invalid_grant", "authorization code or refresh token expired"),
    70011: Kind("invalid_scope", "scope not valid"),
    70016: Kind("authorization_pending", "authorization pending"),
    70018: Kind("bad_verification_code", "bad verification code"),
    70019: Kind("expired_token", "expired token"),
    70043: Kind("invalid_grant", "refresh token expired by sign-in frequency checks", "bad_token"),
    90002: Kind("invalid_request", "tenant not found"),
    90006: Kind("temporarily_unavailable", "external server error, try again", status=503),
    90014: Kind("invalid_request", "required field is missing from the credential"),
    90033: Kind("temporarily_unavailable", "a transient error has occurred, try again", status=503),
    90038: Kind("invalid_request", "tenant is in a national cloud"),
    90055: Kind("temporarily_unavailable", "too many requests", status=429),
    90072: Kind("invalid_grant", "external account must be added to tenant first"),
    90094: Kind("access_denied", "administrator consent is required"),
    90095: Kind("access_denied", "administrator consent has been requested"),
    90130: Kind("invalid_request", "application is not supported over the /common or /consumers endpoints"),
    500011: Kind("invalid_resource", "resource principal not in tenant"),
    500112: Kind("invalid_grant", "reply address does not match the one of the authorization request"),
    500119: Kind("invalid_request", "redirect URI has a prohibited scheme"),
    500200: Kind("invalid_request", "personal Microsoft account is not supported for this application"),
    501481: Kind("invalid_grant", "code_verifier does not match code_challenge"),
    530032: Kind("invalid_grant", "blocked by the tenant's security policy", "message_only"),
    700005: Kind("invalid_grant", "authorization code is intended for use against another tenant"),
    700011: Kind("invalid_request", "application not found in directory"),
    700016: Kind("unauthorized_client", "application not found in directory"),
    700022: Kind("invalid_scope", "more than one resource in the scope"),
    700025: Kind(
        "invalid_client", "client is public, no client_assertion or client_secret wanted", status=401
    ),
    700024: Kind("invalid_client", "client assertion is not within its valid time range", status=401),
    700213: Kind(
        "invalid_client", "no matching federated identity record found for presented assertion", status=401
    ),
    700027: Kind("invalid_client", "client assertion failed signature validation", status=401),
    700082: Kind("invalid_grant", "refresh token expired through inactivity"),
    900144: Kind("invalid_request", "required parameter is missing from the request"),
    7000215: Kind("invalid_client", "invalid client secret", status=401),
    7000218: Kind("invalid_client", "client_assertion or client_secret required", status=401),
    7000222: Kind("invalid_client", "client secret keys are expired", status=401),
    9001023: Kind("invalid_request", "grant type is not supported over the /common or /consumers endpoints"),
    9002313: Kind("invalid_request", "request is malformed or invalid"),
    9002325: Kind("invalid_request", "proof key for code exchange is required"),
    9002332: Kind("invalid_request", "application is for Entra users only, do not use /consumers"),
}

WORDS: dict[str, dict[str, Any]] = {
    "authorization_declined": {
        "error": "authorization_declined",
        "error_description": "AADSTS: the end user denied the authorization request",
        "error_codes": [],
    },
    "slow_down": {"error": "slow_down"},
}


class Refused(Exception):  # noqa: N818 - an answer that ends a request early, not a bug
    """The answer is an error: a number of ``KINDS`` or a word of ``WORDS``."""

    def __init__(self, code: int | str) -> None:
        super().__init__(code)
        self.code = code


def stamp(now: dt.datetime) -> str:
    """Write a time as Entra's error bodies do."""
    return now.strftime("%Y-%m-%d %H:%M:%SZ")


def body(code: int, now: dt.datetime) -> dict[str, Any]:
    """Build the JSON body of an error."""
    kind = KINDS[code]
    trace, correlation = str(uuid.uuid4()), str(uuid.uuid4())
    lines = (
        f"AADSTS{code}: {kind.text}",
        f"Trace ID: {trace}",
        f"Correlation ID: {correlation}",
        f"Timestamp: {stamp(now)}",
    )
    answer: dict[str, Any] = {
        "error": kind.error,
        "error_description": "\r\n".join(lines),
        "error_codes": [code],
        "timestamp": stamp(now),
        "trace_id": trace,
        "correlation_id": correlation,
        "error_uri": f"https://login.microsoftonline.com/error?code={code}",
    }
    if kind.suberror:
        answer["suberror"] = kind.suberror
    if kind.claims:
        answer["claims"] = kind.claims
    return answer


def answer(code: int | str, now: dt.datetime) -> Response:
    """Answer with an error: a number of ``KINDS`` or a word of ``WORDS``."""
    if isinstance(code, str):
        return json_response(400, WORDS[code])
    return json_response(KINDS[code].status, body(code, now))
