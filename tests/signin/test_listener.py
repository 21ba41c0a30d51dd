"""listener.py: the browser's redirect, on both families of localhost, beside whatever else connects."""

from __future__ import annotations

import contextlib
import re
import socket
import struct

import pytest

from git_credential_azdo.signin import listener
from git_credential_azdo.signin.browser import PENDING, Page, response
from git_credential_azdo.signin.listener import Listener, listen, respond

HAS_IPV6 = listener._exists("::1")
REQUEST = b"GET /?code=c&state=s HTTP/1.1\r\nHost: localhost\r\n\r\n"


def judge(query: str, _client: socket.socket | None = None) -> Page | None:
    """Take only this test's answer."""
    return Page("Done <b>", ("it & is done",)) if query == "code=c&state=s" else None


# --- the listener's answers


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (REQUEST, b"200 OK"),
        (b"GET /?code=c&state=other HTTP/1.1\r\n\r\n", b"404 Not Found"),
        (b"GET / HTTP/1.1\r\n\r\n", b"404 Not Found"),
        (b"GET /favicon.ico HTTP/1.1\r\n\r\n", b"404 Not Found"),
        (b"GET /x?code=c&state=s HTTP/1.1\r\n\r\n", b"404 Not Found"),
        (b"POST /?code=c&state=s HTTP/1.1\r\n\r\n", b"404 Not Found"),
        (b"GET /?code=c&state=s\r\n\r\n", b"404 Not Found"),
        (b"\x16\x03\x01\r\n\r\n", b"404 Not Found"),
        (b"\r\n\r\n", b"404 Not Found"),
    ],
)
def test_only_the_right_get_at_the_right_path_is_the_answer(head: bytes, status: bytes) -> None:
    """Everything else is told so, and the wait goes on."""
    assert response(respond(head, "/", judge)).startswith(b"HTTP/1.1 " + status + b"\r\n")


def test_the_page_shows_no_code_loads_nothing_and_escapes_its_words() -> None:
    """Its policy forbids scripts, requests and frames; its own style is allowed by hash."""
    head, _, body = response(respond(REQUEST, "/", judge)).partition(b"\r\n\r\n")

    assert b"<h1>Done &lt;b&gt;</h1><p>it &amp; is done</p>" in body
    assert b"Content-Length: %d" % len(body) in head
    assert b"default-src 'none'; style-src 'sha256-" in head
    assert b"Cache-Control: no-store" in head
    assert b"Referrer-Policy: no-referrer" in head
    assert b"code=c" not in head + body
    assert not re.search(rb"(?:src|href)=\"(?!data:,)", body)


# --- the listener's sockets


def turn(one: Listener, client: socket.socket) -> bytes:
    """Let the listener work until it has answered and closed this client."""
    client.settimeout(0.05)
    answer = b""
    for _ in range(200):
        one.poll()
        with contextlib.suppress(TimeoutError):
            data = client.recv(65536)
            answer += data
            if not data:
                return answer
    pytest.fail("the listener left the client waiting")


@pytest.mark.parametrize(
    "address", ["127.0.0.1", pytest.param("::1", marks=pytest.mark.skipif(not HAS_IPV6, reason="no ::1"))]
)
def test_both_families_of_localhost_are_heard_on_one_port(address: str) -> None:
    """Browsers differ in which one they take for ``localhost``."""
    place = listen("http://localhost")
    port = place.sockets[0].getsockname()[1]
    with (
        contextlib.closing(Listener(place, judge)) as one,
        socket.create_connection((address, port)) as client,
    ):
        client.sendall(REQUEST)

        assert turn(one, client).startswith(b"HTTP/1.1 200 OK")
    assert {each.fileno() for each in place.sockets} == {-1}
    assert place.uri == f"http://localhost:{port}/"


def test_a_bad_client_does_not_block_the_good_one() -> None:
    """One that says nothing, one that says half, one that hangs up, one that never ends, and many more."""
    place = listen("http://127.0.0.1")
    address = place.sockets[0].getsockname()
    now = [0.0]
    one = Listener(place, judge, clock=lambda: now[0])
    with contextlib.ExitStack() as stack:
        stack.callback(one.close)

        def connect() -> socket.socket:
            return stack.enter_context(socket.create_connection(address))

        silent = connect()
        connect().sendall(b"GET /?code=c")
        connect().close()
        rude = connect()
        rude.sendall(b"GET")
        rude.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        rude.close()
        endless = connect()
        endless.sendall(b"x" * 65_537)
        good = connect()
        good.sendall(REQUEST)
        assert turn(one, good).startswith(b"HTTP/1.1 200 OK")
        with contextlib.suppress(ConnectionResetError):
            assert turn(one, endless) == b""

        now[0] += 11
        one.poll()
        assert turn(one, silent) == b""

        first, *_others = [connect() for _ in range(20)]
        assert turn(one, first) == b""
        late = connect()
        late.sendall(REQUEST)
        assert turn(one, late).startswith(b"HTTP/1.1 200 OK")


def test_an_exchange_that_takes_long_leaves_the_result_to_the_terminal() -> None:
    """The browser waits some seconds, not a minute; nothing is claimed."""
    now = [0.0]
    redirect = listen("http://127.0.0.1")
    one = Listener(redirect, lambda *_: PENDING, clock=lambda: now[0])
    with (
        contextlib.closing(one),
        socket.create_connection(redirect.sockets[0].getsockname()) as client,
    ):
        client.sendall(REQUEST)
        while not any(state.pending for state in one._clients.values()):
            one.poll()
        now[0] = 7.9
        one.poll()
        assert len(one._clients) == 1
        now[0] = 8.1
        one.poll()
        shown = turn(one, client)

    assert b"The terminal shows whether the sign-in worked" in shown
    assert b"Signed in" not in shown


def test_a_browser_that_waits_at_the_end_is_sent_to_the_terminal() -> None:
    """After Ctrl-C it is not left with a connection that was cut."""
    redirect = listen("http://127.0.0.1")
    one = Listener(redirect, lambda *_: PENDING)
    with socket.create_connection(redirect.sockets[0].getsockname()) as client:
        client.sendall(REQUEST)
        while not any(state.pending for state in one._clients.values()):
            one.poll()
        one.close()
        client.settimeout(20)
        assert b"<h1>See the terminal</h1>" in client.recv(65_536)


def test_waiting_browsers_are_not_pushed_out_by_others() -> None:
    """A crowd of connections cannot take the outcome away from who brought the answer."""
    redirect = listen("http://127.0.0.1")
    one = Listener(redirect, lambda *_: PENDING)
    address = redirect.sockets[0].getsockname()
    with contextlib.ExitStack() as stack:
        stack.callback(one.close)
        first = stack.enter_context(socket.create_connection(address))
        first.sendall(REQUEST)
        while not any(state.pending for state in one._clients.values()):
            one.poll()
        for _ in range(20):
            stack.enter_context(socket.create_connection(address)).sendall(REQUEST)
        for _ in range(40):
            one.poll()
        one.finish(Page("Signed in", ()))
        assert b"Signed in" in turn(one, first)


@pytest.mark.skipif(not HAS_IPV6, reason="no ::1")
def test_a_crowd_on_the_other_family_does_not_push_out_who_asks() -> None:
    """What a browser sends is there when it is let in, and is read then."""
    redirect = listen("http://localhost")
    one = Listener(redirect, judge)
    port = redirect.sockets[0].getsockname()[1]
    with contextlib.ExitStack() as stack:
        stack.callback(one.close)
        client, *_crowd = [
            stack.enter_context(socket.create_connection((host, port)))
            for host in ("127.0.0.1", *["::1"] * 20)
        ]
        client.sendall(REQUEST)
        assert turn(one, client).startswith(b"HTTP/1.1 200 OK")
