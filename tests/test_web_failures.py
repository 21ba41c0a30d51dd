"""A server that is busy, away, silent or endless: asked again or not, and one line without a secret."""

from __future__ import annotations

import contextlib
import email.utils
import gc
import socket
import ssl
import threading

import httpcore
import httpx
import pytest

from git_credential_azdo import errors, web
from git_credential_azdo.connection import transport
from git_credential_azdo.errors import NetworkError, ServiceError
from git_credential_azdo.git.network import Settings
from git_credential_azdo.web import HttpClient, Response, retry_after
from tests.support.web import ANYWHERE, SECRET, Clock, answering, hanging_up, server, whole_story


def impatient() -> HttpClient:
    """Return a client with 0.3 s for its requests, which has read the system's certificates already."""
    return HttpClient(0.3, Settings(), allowed=ANYWHERE, transport=transport(Settings(), None))


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_a_busy_server_is_asked_again_after_a_pause(status: int) -> None:
    """GET is asked again; the pauses double, or are what the server asks for, if that is longer."""
    clock = Clock()
    answers = [
        httpx.Response(status),
        httpx.Response(status, headers={"Retry-After": "7"}),
        httpx.Response(200),
    ]

    waited_for: list[str] = []

    def sleep(seconds: float) -> None:
        waited_for.extend(wait.what for wait in errors.waits)
        clock.sleep(seconds)

    with answering(lambda _: answers.pop(0), clock=clock, sleep=sleep) as client:
        answer = client.request("GET", "https://h/")

    assert answer.status == 200
    assert clock.slept == [0.5, 7.0]
    assert waited_for == ["h", "h"]  # what the terminal shows


@pytest.mark.parametrize(
    ("method", "retry", "headers", "times"),
    [
        ("GET", True, {"Retry-After": "31"}, 1),
        ("GET", True, {}, 4),
        ("HEAD", True, {}, 4),
        ("GET", False, {}, 1),
        ("POST", True, {}, 1),
    ],
)
def test_asking_again_ends(method: str, retry: bool, headers: dict[str, str], times: int) -> None:  # noqa: FBT001 - a table
    """Not beyond the deadline, not beyond four times, not when told so, and never a POST that arrived."""
    clock = Clock()
    asked: list[str] = []

    def handler(request: httpx.Request) -> httpx.Response:
        asked.append(request.method)
        return httpx.Response(503, headers=headers)

    with answering(handler, clock=clock, sleep=clock.sleep) as client:
        answer = client.request(method, "https://h/", retry=retry)

    assert answer.status == 503
    assert len(asked) == times


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("12", 12.0),
        (" 0 ", 0.0),
        (email.utils.formatdate(1_000_060, usegmt=True), 60.0),
        (email.utils.formatdate(999_000, usegmt=True), 0.0),
        ("soon", None),
        ("", None),
        ("-5", None),
        ("9" * 5000, 999_999_999.0),
        ("²", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(text: str, seconds: float | None) -> None:
    """RFC 9110 section 10.2.3 allows both; anything else counts as not said."""
    assert retry_after(Response("h", 429, [("Retry-After", text)], b""), 1_000_000) == seconds


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_refused_connection_is_tried_again_for_every_method(method: str) -> None:
    """Nothing was sent, so even a POST may be; at the end one line says host and reason."""
    clock = Clock()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

    with (
        HttpClient(30, Settings(), allowed=ANYWHERE, clock=clock, sleep=clock.sleep) as client,
        pytest.raises(NetworkError) as caught,
    ):
        client.request(
            method, f"http://127.0.0.1:{port}/{SECRET}?{SECRET}", headers={"Authorization": SECRET}
        )

    assert str(caught.value) == f"cannot reach 127.0.0.1:{port}: connection refused"
    assert clock.slept == [0.5, 1.0, 2.0]
    assert SECRET not in whole_story(caught.value)


def test_a_lost_answer_to_a_post_is_not_asked_for_again() -> None:
    """The server may have processed it: a refresh token may be rotated already."""
    clock = Clock()
    requests: list[bytes] = []

    with (
        server(hanging_up(requests)) as port,
        HttpClient(5, Settings(), allowed=ANYWHERE, sleep=clock.sleep) as client,
        pytest.raises(NetworkError, match="was closed before the response was complete") as caught,
    ):
        client.request("POST", f"http://127.0.0.1:{port}/", form={"refresh_token": SECRET})

    assert len(requests) == 1
    assert clock.slept == []
    assert SECRET not in whole_story(caught.value)


@pytest.mark.parametrize("drip", [b"", b"H", b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n"])
def test_a_server_that_says_nothing_more_costs_no_more_than_the_deadline(drip: bytes) -> None:
    """Silence before, within and after the head of the answer ends in one line, in time."""
    with (
        server(lambda connection: connection.sendall(drip)) as port,
        impatient() as client,
        pytest.raises(NetworkError, match=r"timed out after 1 s$") as caught,
    ):
        client.request("GET", f"http://127.0.0.1:{port}/?{SECRET}")

    assert SECRET not in whole_story(caught.value)


def test_a_deadline_that_ends_before_the_request_begins_is_a_time_limit() -> None:
    """A socket whose time limit is zero does not wait at all: its error would say so instead."""
    times = iter([0.0, 0.0, 0.0])
    limits: list[float] = []
    arrived = threading.Event()

    def answer(request: httpx.Request) -> httpx.Response:
        limits.extend(request.extensions["timeout"].values())
        arrived.set()
        raise httpcore.ReadTimeout

    with (
        answering(answer, deadline=1, clock=lambda: next(times, 1.0)) as client,
        pytest.raises(NetworkError, match="timed out"),
    ):
        client.request("GET", "https://h/")
    assert arrived.wait(90)
    assert min(limits) > 0


def test_a_server_that_drips_is_bounded_too() -> None:
    """One byte now and then renews every timeout of a socket, but not the deadline; no connection is left open for ever."""
    stop = threading.Event()
    before = set(threading.enumerate())

    def behave(connection: socket.socket) -> None:
        while not stop.wait(0.05):
            connection.sendall(b"x")

    with (
        server(behave) as port,
        contextlib.ExitStack() as stack,
        impatient() as client,
    ):
        stack.callback(stop.set)
        with pytest.raises(NetworkError, match="timed out"):
            client.request("GET", f"http://127.0.0.1:{port}/")
    for thread in set(threading.enumerate()) - before:
        thread.join(90)
    gc.collect()  # which warns of what is open


class Silent(httpx.BaseTransport):
    """A network that does not answer until it is told to."""

    def __init__(self) -> None:
        self.answers = threading.Event()
        self.is_closed = False

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Wait."""
        assert self.answers.wait(90)
        return httpx.Response(200, request=request)

    def close(self) -> None:
        """Remember it."""
        self.is_closed = True


def test_a_connection_that_a_thread_still_reads_is_not_closed() -> None:
    """Its descriptor would become that of the next connection, whose bytes the thread would take."""
    silent = Silent()
    client = HttpClient(0.1, Settings(), allowed=ANYWHERE, transport=silent)
    with client, pytest.raises(NetworkError, match="timed out"):
        client.request("GET", "https://h/", retry=False)
    assert not silent.is_closed
    silent.answers.set()


def test_after_the_deadline_nothing_is_asked() -> None:
    """The deadline is for everything done with one Web, counted from its construction."""
    clock = Clock()
    with answering(lambda _: httpx.Response(200), deadline=5, clock=clock) as client:
        assert client.request("GET", "https://h/").status == 200
        clock.now += 5

        assert client.remaining() == 0
        with pytest.raises(
            NetworkError, match="cannot reach h: the time limit was reached before the request"
        ):
            client.request("GET", "https://h/")


def test_an_endless_answer_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing we ask for is that long."""
    monkeypatch.setattr(web, "_MAX_BYTES", 2**20)

    with (
        answering(lambda _: httpx.Response(200, content=bytes(2**20 + 1))) as client,
        pytest.raises(ServiceError, match="h sent more than 1 MiB"),
    ):
        client.request("GET", "https://h/")


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (socket.gaierror(socket.EAI_NONAME, "unknown"), "the name of the host could not be resolved"),
        (socket.gaierror(socket.EAI_AGAIN, "later"), "the name of the host could not be resolved"),
        (OSError(113, "No route to host"), "no route to host"),
        (ssl.SSLError(1, f"[SSL: WRONG] {SECRET}"), "TLS handshake failed (broken off)"),
        (
            httpcore.ReadError(SECRET),
            "the connection was closed before the response was complete",
        ),
        (httpcore.RemoteProtocolError(SECRET), "the connection was closed before the response was complete"),
        (ValueError(SECRET), "ValueError"),
    ],
)
def test_every_failure_to_connect_is_one_line(error: Exception, said: str) -> None:
    """The line says the reason in our own words."""

    def handler(_request: httpx.Request) -> httpx.Response:
        raise error

    clock = Clock()
    with (
        answering(handler, clock=clock, sleep=clock.sleep) as client,
        pytest.raises(NetworkError) as caught,
    ):
        client.request("GET", f"https://h:444/?{SECRET}")

    assert str(caught.value) == f"cannot reach h:444: {said}"
    assert SECRET not in whole_story(caught.value)


@pytest.mark.parametrize(
    ("method", "url", "headers"),
    [
        ("GET", f"https://h\x00/{SECRET}", {}),
        ("GET", f"gopher://{SECRET}@h/", {}),
        ("GET", f"https://[::1/{SECRET}", {}),
        ("GET", "https://h/", {"Authorization": f"Basic {SECRET}\u20ac"}),
        ("GET", "http://127.0.0.1:1/", {"Authorization": f"Basic {SECRET}\n"}),
    ],
)
def test_a_request_that_cannot_be_made_is_one_line_without_the_secret(
    method: str, url: str, headers: dict[str, str]
) -> None:
    """Errors of the standard library quote URLs and header values; ours do not."""
    with (
        HttpClient(30, Settings(), allowed=ANYWHERE) as client,
        pytest.raises(NetworkError, match=r"cannot reach|may go to") as caught,
    ):
        client.request(method, url, headers=headers, retry=False)

    assert SECRET not in whole_story(caught.value)
