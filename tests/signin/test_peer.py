"""listener.py: whose program is at the other end of a loopback connection, as Linux lists it."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from git_credential_azdo.signin import listener
from tests.support.people import blocks
from tests.support.terminal import LINK, Terminal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.conftest import Home
    from tests.emulator.emulator import Emulator

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux lists the owners of sockets")

HEAD = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
TABLE = (
    HEAD
    + "   0: 0100007F:C351 0100007F:9C41 01 00000000:00000000 00:00000000 00000000  1000        0 41 1 0 20 4 30 10 -1\n"
    + "   1: 0100007F:9C41 0100007F:C351 01 00000000:00000000 00:00000000 00000000     7        0 42 1 0 20 4 30 10 -1\n"
)
TABLE6 = (
    HEAD
    + "   0: 00000000000000000000000001000000:C351 00000000000000000000000001000000:9C41 01 0:0 0:0 0  1001        0 43\n"
    + "   1: 0000000000000000FFFF00000100007F:C352 0000000000000000FFFF00000100007F:9C41 01 0:0 0:0 0  1002        0 44\n"
)
BROWSER = """
import http.client, os, socket, sys
from urllib.parse import urlsplit
parts = urlsplit(sys.argv[1])
socket.getaddrinfo(parts.hostname, parts.port)
os.setuid(int(sys.argv[2]))
connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=90)
connection.request("GET", parts.path + "?" + parts.query)
print(connection.getresponse().status)
"""


@pytest.mark.skipif(sys.byteorder != "little", reason="the rows are those of a little-endian machine")
@pytest.mark.parametrize(
    ("table", "near", "far", "owner"),
    [
        (TABLE, ("127.0.0.1", 50001), ("127.0.0.1", 40001), 1000),
        (TABLE, ("127.0.0.1", 40001), ("127.0.0.1", 50001), 7),
        (TABLE, ("127.0.0.1", 50001), ("127.0.0.1", 40002), None),
        (TABLE, ("127.0.0.2", 50001), ("127.0.0.1", 40001), None),
        (TABLE, ("::ffff:127.0.0.1", 50001), ("::ffff:127.0.0.1", 40001), 1000),
        (TABLE6, ("::1", 50001), ("::1", 40001), 1001),
        (TABLE6, ("::1%lo", 50001), ("::1", 40001), 1001),
        (TABLE6, ("127.0.0.1", 50002), ("127.0.0.1", 40001), 1002),
        ("", ("::1", 1), ("::1", 2), None),
        (HEAD + "rubbish\n\n", ("::1", 1), ("::1", 2), None),
    ],
)
def test_the_owner_is_read_from_the_kernels_table(
    table: str, near: tuple[str, int], far: tuple[str, int], owner: int | None
) -> None:
    """The row of the other end; an IPv4 address may stand in the table of IPv6 sockets."""
    assert listener.owner_in(table, near, far) == owner


@pytest.fixture(params=["127.0.0.1", "::1"])
def connect(request: pytest.FixtureRequest) -> Iterator[Callable[[], tuple[socket.socket, socket.socket]]]:
    """Return what makes both ends of a loopback connection: the client's and the server's."""
    family = socket.AF_INET6 if ":" in request.param else socket.AF_INET
    with contextlib.ExitStack() as stack:
        try:
            server = stack.enter_context(socket.create_server((request.param, 0), family=family))
        except OSError:
            pytest.skip("this machine has no ::1")

        def connect() -> tuple[socket.socket, socket.socket]:
            client = stack.enter_context(socket.create_connection(server.getsockname()[:2]))
            return client, stack.enter_context(server.accept()[0])

        yield connect


def test_ones_own_program_is_known(connect: Callable[[], tuple[socket.socket, socket.socket]]) -> None:
    """The kernel lists whose it is."""
    _client, accepted = connect()

    assert listener.is_own_user(accepted)


@pytest.mark.parametrize("how", ["close", "half", "reset"])
def test_who_hangs_up_at_once_cannot_hide(
    connect: Callable[[], tuple[socket.socket, socket.socket]], how: str
) -> None:
    """A closed socket has no owner in the table any more, and no browser closes before it has its page."""
    client, accepted = connect()
    client.sendall(b"GET /?code=evil HTTP/1.1\r\n\r\n")
    if how == "half":
        client.shutdown(socket.SHUT_WR)
    elif how == "reset":
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        client.close()
    else:
        client.close()

    assert not listener.is_own_user(accepted)


def test_who_called_sudo_is_the_same_person(monkeypatch: pytest.MonkeyPatch) -> None:
    """Their browser runs as themselves."""
    monkeypatch.setenv("SUDO_UID", "12345")
    assert 12345 in listener._own()
    for nonsense in ("", "-1", "x", "\u0661"):
        monkeypatch.setenv("SUDO_UID", nonsense)
        assert listener._own() == {os.getuid(), os.geteuid()}


def test_another_user_cannot_answer_the_link_but_the_person_can(home: Home, emulator: Emulator) -> None:
    """The attack: read the link in the list of processes, sign in, send the answer to the listener."""
    if os.getuid() != 0:
        pytest.skip("only root can be another user for a test")
    with Terminal(home, "setup", "--vault", "file", "--no-browser") as terminal:
        link = terminal.see(LINK)
        terminal.see("> ")
        for person, user, status in (("bob@fabrikam.com", 54321, "403"), ("ann@contoso.com", 0, "200")):
            done = subprocess.run(
                [sys.executable, "-c", BROWSER, emulator.sign_in(link, person), str(user)],
                stdout=subprocess.PIPE,
                text=True,
                check=True,
            )
            assert done.stdout.strip() == status
        terminal.see("Signed in as ann@contoso.com")
        assert terminal.ended() == 0
        assert "ignored a response from another user of this machine" in terminal.text
    assert [value for pairs in blocks(home) for key, value in pairs if key == "name"] == ["ann@contoso.com"]
