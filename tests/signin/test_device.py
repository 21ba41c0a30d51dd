"""device.py: sign-in by device code, its answers, its pace and its ends."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

import httpx
import pytest

from git_credential_azdo.errors import NetworkError, ServiceError, SignInError
from git_credential_azdo.git.network import Settings
from git_credential_azdo.signin import device
from git_credential_azdo.signin.authorities import Endpoint, Endpoints
from git_credential_azdo.signin.oauth import OAuthError
from git_credential_azdo.web import HttpClient

if TYPE_CHECKING:
    from collections.abc import Callable

AUTHORIZE, TOKEN = Endpoint("https://h/a", "https://h"), Endpoint("https://h/token", "https://h")
ENDPOINTS = Endpoints(AUTHORIZE, TOKEN, Endpoint("https://h/devicecode", "https://h"), "https://h")
BODY = {
    "device_code": "dc-secret",
    "user_code": "ABCD-EFGH",
    "verification_uri": "https://microsoft.com/devicelogin",
    "expires_in": 900,
    "interval": 5,
}


def test_a_code_is_asked_for_and_read() -> None:
    """What the person types is shown; what we poll with is not."""
    forms: list[dict[str, list[str]]] = []

    def handler(request: httpx.Request) -> httpx.Response:
        forms.append(parse_qs(request.content.decode()))
        return httpx.Response(200, json=BODY)

    with HttpClient(5, Settings(), transport=httpx.MockTransport(handler)) as web:
        got = device.ask_code(web, ENDPOINTS, client_id="c", scope="s t")

    assert forms == [{"client_id": ["c"], "scope": ["s t"]}]
    assert (got.device_code, got.user_code, got.page) == ("dc-secret", "ABCD-EFGH", BODY["verification_uri"])
    assert (got.expires_in, got.interval, got.direct_page) == (900, 5, None)
    assert "secret" not in repr(got)


def test_an_authority_without_this_way_in_is_reported() -> None:
    """Its OpenID configuration names no such endpoint."""
    endpoints = Endpoints(AUTHORIZE, TOKEN, None, "https://h")
    with (
        HttpClient(5, Settings(), transport=httpx.MockTransport(lambda _: httpx.Response(500))) as web,
        pytest.raises(SignInError, match="has no sign-in by device code"),
    ):
        device.ask_code(web, endpoints, client_id="c", scope="s")


@pytest.mark.parametrize(
    ("changes", "life", "interval", "direct"),
    [
        ({"expires_in": "600", "interval": "7"}, 600, 7, None),
        ({"expires_in": None, "interval": None}, 900, 5, None),
        ({"expires_in": 10**9, "interval": 10**9}, 3600, 60, None),
        ({"expires_in": -1, "interval": 0}, 900, 5, None),
        ({"expires_in": True, "interval": 0.1}, 900, 1, None),
        ({"verification_uri_complete": "https://h/?c=1"}, 900, 5, "https://h/?c=1"),
        ({"verification_uri_complete": "javascript:1"}, 900, 5, None),
    ],
)
def test_the_pace_is_the_servers_within_reason(
    changes: dict[str, Any], life: float, interval: float, direct: str | None
) -> None:
    """Missing or odd numbers count as the RFC's."""
    got = device.read_code(200, {**BODY, **changes})

    assert (got.expires_in, got.interval, got.direct_page) == (life, interval, direct)


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, []),
        (500, BODY),
        (200, {**BODY, "device_code": ""}),
        (200, {**BODY, "device_code": 5}),
        (200, {**BODY, "user_code": "\x1b[2J"}),
        (200, {**BODY, "user_code": None}),
        (200, {**BODY, "verification_uri": "http://evil.example/"}),
        (200, {**BODY, "verification_uri": None}),
    ],
)
def test_what_is_no_code_is_refused(status: int, body: object) -> None:
    """Code and page are shown to a person: nothing may steer the terminal or lead astray."""
    with pytest.raises(ServiceError, match="no device code"):
        device.read_code(status, body)


def test_a_refused_request_carries_the_servers_terms() -> None:
    """A tenant may forbid this way in at once."""
    with pytest.raises(OAuthError, match="AADSTS53003"):
        device.read_code(400, {"error": "access_denied", "error_codes": [53003]})


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (httpx.Response(503, html="<html>busy"), "h is busy or has an internal error"),
        (httpx.Response(429, json={}), "h is busy or has an internal error"),
        (httpx.Response(302, headers={"Location": "https://evil.example/"}), "h redirected the request"),
    ],
)
def test_a_server_in_trouble_is_not_one_without_codes(answer: httpx.Response, told: str) -> None:
    """As where tokens are asked for: it may have one in a minute."""
    with (
        HttpClient(5, Settings(), transport=httpx.MockTransport(lambda _: answer)) as web,
        pytest.raises(NetworkError, match=told) as caught,
    ):
        device.ask_code(web, ENDPOINTS, client_id="c", scope="s")
    assert caught.value.hint


def polled(*answers: httpx.Response | Exception, life: float = 900) -> tuple[list[float], Callable[[], str]]:
    """Let ``wait`` meet these answers, on a clock of its own; the pauses, and what gives the access token."""
    left = list(answers)
    pauses: list[float] = []
    now = [0.0]

    def handler(_request: httpx.Request) -> httpx.Response:
        answer = left.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def sleep(seconds: float) -> None:
        pauses.append(seconds)
        now[0] += seconds

    def run() -> str:
        return device.wait(
            ENDPOINTS,
            device.read_code(200, {**BODY, "expires_in": life}),
            client_id="c",
            web=lambda seconds: HttpClient(seconds, Settings(), transport=httpx.MockTransport(handler)),
            sleep=sleep,
            clock=lambda: now[0],
        ).access_token

    return pauses, run


PENDING = httpx.Response(400, json={"error": "authorization_pending", "error_codes": [70016]})
SLOW = httpx.Response(400, json={"error": "slow_down"})
GRANT = httpx.Response(200, json={"access_token": "at", "token_type": "Bearer"})


def test_the_grant_comes_when_the_person_is_done() -> None:
    """Pending: the same pace. Slow down: five seconds more. No answer: half the pace."""
    pauses, run = polled(PENDING, SLOW, ConnectionResetError("lost"), PENDING, GRANT)

    assert run() == "at"
    assert pauses == [5, 5, 10, 20, 20]


@pytest.mark.parametrize(
    ("error", "code"),
    [
        ("authorization_declined", 65004),
        ("expired_token", 70019),
        ("access_denied", 53003),
        ("bad_verification_code", 70018),
    ],
)
def test_a_final_no_ends_the_wait(error: str, code: int) -> None:
    """Declined, too late, forbidden by the tenant: told apart by the server's terms."""
    _, run = polled(PENDING, httpx.Response(400, json={"error": error, "error_codes": [code]}))

    with pytest.raises(OAuthError) as caught:
        run()

    assert (caught.value.error, caught.value.codes) == (error, (code,))


def test_the_wait_ends_with_the_code() -> None:
    """Nobody typed it: no poll is sent after its end."""
    pauses, run = polled(PENDING, PENDING, life=14)

    with pytest.raises(SignInError, match="not entered in time"):
        run()

    assert pauses == [5, 5]
