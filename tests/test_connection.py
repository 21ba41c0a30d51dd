"""connection.py: which of a host's addresses answers, and when a connection is used again."""

from __future__ import annotations

import socket
import ssl
import sys
import threading
import time
from typing import Any

import httpcore
import pytest

from git_credential_azdo import connection, proxy
from git_credential_azdo.errors import NetworkError
from git_credential_azdo.git.network import Settings
from git_credential_azdo.web import HttpClient
from tests.support.loopback import PAGE, V4, V6, listener, serving


def at(listening: socket.socket) -> tuple[int, str, int]:
    """Return the address of a socket as the race takes it."""
    return (listening.family, *listening.getsockname()[:2])


def refusing(family: socket.AddressFamily) -> tuple[int, str, int]:
    """Return an address at which nothing listens."""
    with listener(family) as closed:
        return at(closed)


def winner(addresses: list[tuple[int, str, int]], seconds: float = 100) -> tuple[str, int]:
    """Return the address of the connection that stands first."""
    stream = connection.Racing().race(addresses, time.monotonic() + seconds)
    address: tuple[str, int] = stream.get_extra_info("server_addr")[:2]
    stream.close()
    return address


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux drops the packets for a full queue")
@pytest.mark.parametrize("first", [V6, V4])
def test_addresses_that_swallow_packets_do_not_hold_up_the_others(first: socket.AddressFamily) -> None:
    """login.microsoftonline.com has eight addresses of IPv6; one after the other, none of IPv4 would get its turn."""
    with listener(first, silent=True) as dead, listener(V4 if first == V6 else V6) as alive:
        assert winner([at(dead)] * 8 + [at(alive)]) == at(alive)[1:]


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux drops the packets for a full queue")
def test_where_only_ipv6_was_left_the_time_limit_says_so() -> None:
    """A person looks for IPv6 then, and not for the server."""
    with listener(V6, silent=True) as dead, pytest.raises(connection.TimedOut, match=r"^ over IPv6$"):
        winner([at(dead), refusing(V4)], 0.5)


def test_an_address_that_was_tried_until_the_end_is_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether its own time limit is noticed first, or that of the race."""

    def connect(_: object, host: str, *_more: object) -> httpcore.NetworkStream:
        raise (
            httpcore.ConnectTimeout if ":" in host else httpcore.ConnectError
        ) from ConnectionRefusedError()

    monkeypatch.setattr(httpcore.SyncBackend, "connect_tcp", connect)
    with pytest.raises(connection.TimedOut, match=r"^ over IPv6$"):
        winner([(V6, "::1", 9), (V4, "127.0.0.1", 9)], 0.1)


def test_the_reason_is_that_of_the_address_that_was_reached() -> None:
    """A machine without IPv6 has no route to the first address; that is not why the second refused."""
    with pytest.raises(httpcore.ConnectError) as caught:
        winner([(V6, "2001:db8::1", 9), refusing(V4)], 5)
    assert isinstance(caught.value.__cause__, ConnectionRefusedError)


def test_every_address_is_tried() -> None:
    """A refusal starts the next one at once."""
    with listener() as alive:
        assert winner([refusing(V6), refusing(V4), at(alive)]) == at(alive)[1:]


def test_a_response_that_ends_early_is_none() -> None:
    """Half a token must not be taken for one."""
    with serving(lambda stream: stream.sendall(PAGE.replace(b": 2", b": 3"))) as port:
        url = f"http://127.0.0.1:{port}"
        with (
            HttpClient(20, Settings(proxy=""), allowed=[url]) as web,
            pytest.raises(NetworkError, match="was closed before the response was complete"),
        ):
            web.request("GET", url)


def test_an_idle_connection_that_was_closed_is_opened_anew() -> None:
    """A person may have taken minutes between two requests."""
    count = 0

    def behave(stream: socket.socket) -> None:
        nonlocal count
        count += 1
        stream.recv(65_536)
        stream.sendall(PAGE)

    with listener() as server:

        def run() -> None:
            for _ in range(2):
                accepted, _ = server.accept()
                with accepted:
                    behave(accepted)
                closed.set()

        closed = threading.Event()
        thread = threading.Thread(target=run)
        thread.start()
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
        with HttpClient(20, Settings(proxy=""), allowed=[url]) as web:
            assert web.request("POST", url, json={}).status == 200
            closed.wait()
            assert web.request("POST", url, json={}).status == 200
        thread.join()
    assert count == 2


@pytest.mark.parametrize("has_ipv4", [True, False])
def test_a_name_server_that_never_answers_for_ipv6_does_not_hold_up_ipv4(
    monkeypatch: pytest.MonkeyPatch, *, has_ipv4: bool
) -> None:
    """The system waits for both answers, as long as its own limit; without an address, the name is the reason."""
    forever, resolve = threading.Event(), socket.getaddrinfo

    def ask(host: str, port: int, family: int = 0, *rest: int) -> list[Any]:
        if host != "h.invalid":
            return resolve(host, port, family, *rest)
        if family != V4:
            forever.wait(100)
        return resolve("127.0.0.1" if has_ipv4 else "::1", port, V4, *rest)

    def behave(stream: socket.socket) -> None:
        stream.recv(65_536)
        stream.sendall(PAGE)

    monkeypatch.setattr(connection, "_PATIENCE_SECONDS", 0.01)
    monkeypatch.setattr("socket.getaddrinfo", ask)
    with serving(behave) as port:
        url = f"http://h.invalid:{port}"
        with HttpClient(60, Settings(proxy=""), allowed=[url]) as web:
            if has_ipv4:
                assert web.request("GET", url).status == 200
            else:
                monkeypatch.setattr(connection, "_CONNECT_SECONDS", 0.1)
                with pytest.raises(NetworkError, match="the name of the host could not be resolved"):
                    web.request("GET", url, retry=False)
    forever.set()


def test_a_certificate_that_was_not_sent_has_a_reason_too() -> None:
    """The error of truststore has no attribute then."""
    error = proxy.failure(
        "https://h", ssl.SSLCertVerificationError("none"), None, proxy.Progress(), is_of_git=False
    )
    assert error.message == "cannot reach h: certificate verification failed (none was sent)"
