"""The direct reader over real sockets: where the bus is, how long it may take, what it may answer."""

from __future__ import annotations

import os
import socket
import time
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from git_credential_azdo.vault.secret_service import Unsupported, bus_addresses, read
from tests.support.loopback import serving_at
from tests.support.made_up_bus import OK, MadeUpBus

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any


# Where the bus is


@pytest.fixture(name="bus_path")
def _bus_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    path = str(tmp_path / "bus")
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", f"unix:path={path}")
    return path


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("unix:path=/run/user/1000/bus", [b"/run/user/1000/bus"]),
        ("unix:abstract=/tmp/dbus-x,guid=12ab", [b"\0/tmp/dbus-x"]),
        ("unix:guid=1,path=/a;unix:abstract=b", [b"/a", b"\0b"]),
        ("unix:path=/a%20b%c3%a4%2cc", ["/a bä,c".encode()]),
        ("unix:path=%2fa", [b"/a"]),
        ("tcp:host=a,port=1;autolaunch:;unixexec:path=x;unix:path=/a", [b"/a"]),
        ("unix:path=relative;unix:tmpdir=/tmp", []),
        ("", []),
    ],
)
def test_the_bus_is_where_libdbus_finds_it(address: str, expected: list[bytes]) -> None:
    """Only Unix sockets with a fixed place; after those of the variable, the one of the login."""
    environment = {"DBUS_SESSION_BUS_ADDRESS": address}
    assert list(bus_addresses(environment | {"XDG_RUNTIME_DIR": "/run/user/1"})) == [
        *expected,
        b"/run/user/1/bus",
    ]
    assert list(bus_addresses(environment | {"XDG_RUNTIME_DIR": "relative"})) == expected
    assert list(bus_addresses(environment)) == [*expected, b"/run/user/%d/bus" % os.geteuid()]


@pytest.mark.parametrize(
    "address", ["unix:", "unix:path", "unix:path=/a%", "unix:path=/a%zz", "unix:path=/a;unix:,"]
)
def test_an_address_that_is_none_is_for_keyring(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is not guessed at."""
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", address)
    with pytest.raises(Unsupported):
        read("service", "username", 60)


# The socket


def as_a_bus(connection: socket.socket) -> bytes:
    """Answer as a bus with a Secret Service does; give what was sent."""
    bus = MadeUpBus()
    while data := connection.recv(65536):
        connection.sendall(bus.take(data))
    return bus.received


def open_files() -> int:
    """Count this process's file descriptors."""
    return len(os.listdir("/proc/self/fd"))


def test_a_secret_comes_over_a_socket(bus_path: str) -> None:
    """The whole read, and no file descriptor stays open."""
    with serving_at(bus_path, as_a_bus):
        before = open_files()
        assert read("service", "username", 60) == "geheimes Wort"
        assert open_files() <= before + 1  # the server may still hold its end


def test_an_address_that_does_not_listen_is_passed_over(
    bus_path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A dead bus in the list does no harm."""
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", f"unix:path={bus_path}.gone;unix:path={bus_path}")
    with serving_at(bus_path, as_a_bus):
        assert read("service", "username", 60) == "geheimes Wort"


def test_without_a_bus_it_is_for_keyring(bus_path: str) -> None:
    """Nobody listens: keyring says what that means."""
    assert not os.path.exists(bus_path)
    with pytest.raises(Unsupported):
        read("service", "username", 60)


@pytest.mark.parametrize("kind", ["path", "abstract"])
def test_a_bus_of_another_user_receives_nothing(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its socket may be connected to, but not a byte is sent."""
    name = str(tmp_path / "bus")
    us = os.geteuid()
    with serving_at(name if kind == "path" else b"\0" + name.encode(), lambda c: c.recv(100)) as sent:
        monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", f"unix:{kind}={name}")
        monkeypatch.setattr(os, "geteuid", lambda: us + 1)
        with pytest.raises(Unsupported):
            read("service", "username", 60)
    assert b"".join(sent) == b""


def silent(connection: socket.socket) -> bytes:
    """Answer nothing, until the other end hangs up."""
    sent = b""
    while data := connection.recv(65536):
        sent += data
    return sent


def chattering(connection: socket.socket) -> bytes:
    """Send signals without end, and never a reply."""
    connection.recv(100)
    connection.sendall(OK)
    noise = MadeUpBus()._noise() * 100
    try:
        while True:
            connection.sendall(noise)
    except OSError:
        return b""


def stuck(connection: socket.socket) -> bytes:
    """Begin a message, and never end it."""
    connection.recv(100)
    connection.sendall(OK)
    connection.recv(65536)
    connection.sendall(b"l\2\0\1")
    return silent(connection)


@pytest.mark.parametrize("server", [silent, chattering, stuck])
def test_the_deadline_holds_whatever_the_bus_does(server: Any, bus_path: str) -> None:
    """A read that takes too long is for keyring, and the whole of it is bounded, not each step."""
    with serving_at(bus_path, server):
        begin = time.monotonic()
        with pytest.raises(Unsupported):
            read("service", "username", 0.1)
        assert time.monotonic() - begin < 20


def test_a_bus_that_hangs_up_is_for_keyring(bus_path: str) -> None:
    """No error of the socket comes through."""
    with serving_at(bus_path, lambda connection: connection.recv(100)), pytest.raises(Unsupported):
        read("service", "username", 60)


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=100))
def test_any_answer_over_a_socket_is_survived(bus_path: str, junk: bytes) -> None:
    """Only ``Unsupported`` comes out of ``read`` when the bus talks rubbish."""

    def rubbish(connection: socket.socket) -> bytes:
        connection.recv(100)
        connection.sendall(OK)
        connection.recv(65536)
        connection.sendall(junk)
        return b""

    if os.path.exists(bus_path):
        os.unlink(bus_path)
    with serving_at(bus_path, rubbish), pytest.raises(Unsupported):
        read("service", "username", 60)


def test_a_full_queue_is_waited_for(bus_path: str) -> None:
    """When many helpers start at once the bus is slow to accept; that is no error."""
    with socket.socket(socket.AF_UNIX) as listener, socket.socket(socket.AF_UNIX) as first:
        listener.bind(bus_path)
        listener.listen(0)
        first.connect(bus_path)
        with pytest.raises(Unsupported, match="time is up"):
            read("service", "username", 0.05)


@pytest.mark.parametrize("name", ["KEYRING_PROPERTY_SCHEME", "KEYRING_PROPERTY_PREFERRED_COLLECTION"])
def test_an_environment_that_changes_keyring_is_for_keyring(
    name: str, bus_path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For keyring would look elsewhere, or for other attributes."""
    monkeypatch.setenv(name, "KeePassXC")
    with serving_at(bus_path, as_a_bus) as sent, pytest.raises(Unsupported):
        read("service", "username", 60)
    assert not sent
