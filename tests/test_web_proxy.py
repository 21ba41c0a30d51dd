"""Proxies that refuse, are not there, are not wanted or cannot be used."""

from __future__ import annotations

import socket

import pytest

from git_credential_azdo.errors import NetworkError
from git_credential_azdo.git.network import Settings
from git_credential_azdo.web import HttpClient
from tests.support.web import ANYWHERE, SECRET, hanging_up, server, whole_story


def refusing_proxy(connection: socket.socket) -> None:
    """Ask for a password that nobody has, and quote something secret."""
    connection.recv(65536)
    connection.sendall(f"HTTP/1.1 407 {SECRET}\r\nContent-Length: 0\r\n\r\n".encode())


@pytest.mark.parametrize("way", ["environment", "setting"])
def test_a_proxy_that_refuses_is_named_with_its_cure(monkeypatch: pytest.MonkeyPatch, way: str) -> None:
    """Proxies come from the environment, or from the setting that git's http.proxy will fill."""
    with server(refusing_proxy) as port:
        url = f"http://user:{SECRET}@127.0.0.1:{port}"
        settings = Settings(proxy=url) if way == "setting" else Settings()
        if way == "environment":
            monkeypatch.setenv("HTTPS_PROXY", url)

        with HttpClient(5, settings, allowed=ANYWHERE) as client, pytest.raises(NetworkError) as caught:
            client.request("GET", "https://dev.azure.example/x")

    assert str(caught.value) == (
        f"cannot reach dev.azure.example: the proxy 127.0.0.1:{port} does not accept the user and password (407)"
    )
    assert caught.value.hint == f"git config --global http.proxy http://USER:PASSWORD@127.0.0.1:{port}"
    assert SECRET not in whole_story(caught.value)
    assert SECRET not in repr(settings)


def test_a_proxy_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """The line tells the host that was wanted from the proxy that was not there."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    monkeypatch.setenv("HTTPS_PROXY", f"127.0.0.1:{port}")

    with HttpClient(5, Settings(), allowed=ANYWHERE) as client, pytest.raises(NetworkError) as caught:
        client.request("GET", "https://dev.azure.example/", retry=False)

    assert str(caught.value) == (
        f"cannot reach dev.azure.example through the proxy 127.0.0.1:{port}: connection refused"
    )


@pytest.mark.parametrize("way", ["NO_PROXY", "setting"])
def test_no_proxy_is_used_where_none_is_wanted(monkeypatch: pytest.MonkeyPatch, way: str) -> None:
    """NO_PROXY exempts hosts; an empty setting switches the environment's proxy off."""
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    if way == "NO_PROXY":
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")

    def behave(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")

    with (
        server(behave) as port,
        HttpClient(5, Settings(proxy="") if way == "setting" else Settings(), allowed=ANYWHERE) as client,
    ):
        assert client.request("GET", f"http://127.0.0.1:{port}/").json() == {}


@pytest.mark.parametrize(
    ("proxy", "said", "cure"),
    [
        (f"nonsense://user:{SECRET}@h:1", "is not valid", "check HTTPS_PROXY "),
        (f"http://user:{SECRET}@a..b:1", "is not valid", "check HTTPS_PROXY "),
        (
            f"SOCKS4a://{SECRET}@h:1/",
            "socks4a:// proxies are not supported",
            "git config --global http.proxy socks5h://h:1",
        ),
    ],
)
def test_a_proxy_that_cannot_be_used_is_one_line(proxy: str, said: str, cure: str) -> None:
    """An unknown scheme is named without the proxy's password."""
    with pytest.raises(NetworkError, match=said) as caught:
        HttpClient(5, Settings(proxy=proxy), allowed=ANYWHERE).request("GET", "https://localhost:1/")

    assert cure in (caught.value.hint or "")
    assert SECRET not in whole_story(caught.value)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (
            "407 No\r\nProxy-Authenticate: NTLM, Negotiate",
            "requires negotiate or ntlm, which this program does not",
        ),
        ('407 No\r\nProxy-Authenticate: Digest realm="a, b", Basic', "requires a user and password"),
        ("200 OK\r\nContent-Type: text/html", "TLS handshake failed"),
    ],
)
def test_what_a_proxy_wants_or_shows_instead_is_one_line_with_a_cure(answer: str, said: str) -> None:
    """One header may list several schemes (RFC 9110 section 11.6.1); a page of its own is no tunnel."""

    def behave(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(f"HTTP/1.1 {answer}\r\n\r\n<html>".encode())
        connection.shutdown(socket.SHUT_WR)

    with (
        server(behave) as port,
        HttpClient(5, Settings(proxy=f"127.0.0.1:{port}"), allowed=ANYWHERE) as client,
        pytest.raises(NetworkError, match=said) as caught,
    ):
        client.request("GET", "https://localhost:1/", retry=False)

    assert caught.value.hint


def test_a_proxy_that_closes_the_connection_is_asked_again_for_every_method() -> None:
    """It has opened no way to the host, so the request never left; proxies that restart do so."""
    heads: list[bytes] = []
    pauses: list[float] = []

    with (
        server(hanging_up(heads)) as port,
        HttpClient(
            30, Settings(proxy=f"http://127.0.0.1:{port}"), allowed=ANYWHERE, sleep=pauses.append
        ) as client,
        pytest.raises(NetworkError, match=r"closed the connection, or does not speak http$"),
    ):
        client.request("POST", "https://dev.azure.example/", form={"refresh_token": SECRET})

    assert pauses == [0.5, 1.0, 2.0]
    assert len(heads) == len(pauses) + 1
    assert SECRET.encode() not in b"".join(heads)
