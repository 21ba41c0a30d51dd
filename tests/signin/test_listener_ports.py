"""Which port the listener gets, on one family of localhost or on both."""

from __future__ import annotations

import contextlib
import errno
import re
import socket
from typing import Any
from urllib.parse import urlsplit

import pytest

from git_credential_azdo.signin import listener
from git_credential_azdo.signin.listener import Redirect, listen
from tests.support.marks import posix

HAS_IPV6 = listener._exists("::1")


@pytest.mark.parametrize(
    ("redirect_uri", "expected", "path"),
    [
        ("http://localhost", r"http://localhost:\d+/", "/"),
        ("http://localhost/", r"http://localhost:\d+/", "/"),
        ("http://localhost/callback?x=y", r"http://localhost:\d+/callback\?x=y", "/callback"),
        ("http://127.0.0.1", r"http://127.0.0.1:\d+/", "/"),
        pytest.param(
            "http://[::1]/a",
            r"http://\[::1\]:\d+/a",
            "/a",
            marks=pytest.mark.skipif(not HAS_IPV6, reason="no ::1"),
        ),
    ],
)
def test_the_redirect_gets_the_port_that_listens(redirect_uri: str, expected: str, path: str) -> None:
    """Entra ignores the port of localhost, but neither host nor path."""
    place = listen(redirect_uri)
    with contextlib.ExitStack() as stack:
        for each in place.sockets:
            stack.callback(each.close)

        assert re.fullmatch(expected, place.uri)
        assert place.path == path
        assert {each.getsockname()[1] for each in place.sockets} == {urlsplit(place.uri).port}


@pytest.mark.parametrize(
    "redirect_uri", ["https://show.example/code", "https://localhost/", "http://h.example/"]
)
def test_a_redirect_to_elsewhere_is_left_as_it_is(redirect_uri: str) -> None:
    """A page that shows the code needs no listener."""
    assert listen(redirect_uri) == Redirect([], redirect_uri, urlsplit(redirect_uri).path)


def test_a_fixed_port_that_is_taken_is_not_replaced() -> None:
    """The registration names it; the answer can still be pasted."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        uri = f"http://127.0.0.1:{taken.getsockname()[1]}/"

        assert listen(uri) == Redirect([], uri, "/")


def test_a_port_that_is_taken_on_one_family_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever has it there could receive the answer."""
    ports: list[int] = []
    real = listener._server

    def server(address: str, port: int) -> socket.socket:
        if address == "::1":
            ports.append(port)
            if len(ports) == 1:
                raise OSError(errno.EADDRINUSE, "taken")
            return real("127.0.0.1", 0)
        return real(address, port)

    monkeypatch.setattr(listener, "_server", server)
    monkeypatch.setattr(listener, "_exists", lambda *_: True)
    place = listen("http://localhost")
    for each in place.sockets:
        each.close()

    assert len(ports) == 2
    assert place.uri == f"http://localhost:{ports[1]}/"


@posix
def test_one_family_is_enough_where_the_other_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Containers often have no ::1."""
    real = socket.create_server

    def without_ipv6(address: Any, *, family: socket.AddressFamily) -> socket.socket:
        if family == socket.AF_INET6:
            raise OSError(errno.EADDRNOTAVAIL, "no such address")
        return real(address, family=family)

    monkeypatch.setattr(socket, "create_server", without_ipv6)
    place = listen("http://localhost")
    for each in place.sockets:
        each.close()

    assert len(place.sockets) == 1


def test_without_any_port_the_address_is_still_good_to_be_copied(monkeypatch: pytest.MonkeyPatch) -> None:
    """The browser then shows a page that cannot be reached, as it does on another machine."""

    def refuse(*_: object) -> socket.socket:
        raise OSError(errno.EACCES, "no")

    monkeypatch.setattr(listener, "_server", refuse)
    place = listen("http://localhost")

    assert place.sockets == []
    assert 49152 <= int(urlsplit(place.uri).port or 0) < 65536
