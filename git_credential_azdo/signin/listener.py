"""The loopback listener that receives the redirect of a browser on this machine (RFC 8252 section 7.3).

Must never echo what it was sent, nor let a bad client block the wait: a wrong path or another attempt's response gets
404 and the wait goes on. The browser that brought the response waits until the outcome is known, some seconds at most.
No thread: ``poll`` serves what has arrived. Entra compares ``localhost`` without the port but with the path.

The link of a sign-in is in the browser's arguments, where every user of the machine can read it: another user could
sign in with it and send the response here. Linux lists the owner of each socket (proc_net_tcp(5)); other systems do
not, and there setup asks who signed in instead.
"""

from __future__ import annotations

import contextlib
import ipaddress
import os
import secrets
import socket
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple
from urllib.parse import urlsplit, urlunsplit

from git_credential_azdo.files import MAX_BYTES, read_file
from git_credential_azdo.signin import browser
from git_credential_azdo.signin.browser import Page

_MAX_BYTES = 64 * 1024  # a redirected address may be 16 KiB long
_MAX_CLIENTS = 16
_PATIENCE = 10.0  # seconds that a client has to send its request
_HOLD_SECONDS = 8.0  # how long the browser waits for the outcome
_PORT_ATTEMPTS = 8
_ESTABLISHED = 1


class Redirect(NamedTuple):
    """Where the redirect is expected. ``sockets`` is empty when nothing can listen there."""

    sockets: list[socket.socket]
    uri: str
    path: str


def listen(redirect_uri: str) -> Redirect:
    """Open the sockets for a redirect URI; return them, and the URI with the port that they are bound to.

    ``http://localhost`` means 127.0.0.1 and ::1 with the same port. If the URI names a port that is in use, nothing
    listens. A redirect to elsewhere (an https page that shows the code) has no sockets either.
    """
    parts = urlsplit(redirect_uri)
    path = parts.path or "/"
    hosts = {"localhost": ("127.0.0.1", "::1"), "127.0.0.1": ("127.0.0.1",), "::1": ("::1",)}
    addresses = hosts.get(parts.hostname or "", ()) if parts.scheme == "http" else ()
    if not addresses:
        return Redirect([], redirect_uri, path)
    sockets = _bind(addresses, parts.port or 0)
    # If nothing listens, the address can still be copied: any port that no service has will do.
    port = sockets[0].getsockname()[1] if sockets else parts.port or 49152 + secrets.randbelow(16384)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    return Redirect(sockets, urlunsplit(("http", f"{host}:{port}", path, parts.query, "")), path)


def _bind(addresses: Sequence[str], port: int) -> list[socket.socket]:
    """Return sockets for every address that this machine has, all with one port; [] if there is no such port."""
    addresses = [address for address in addresses if _exists(address)]
    for _ in range(1 if port else _PORT_ATTEMPTS):
        bound: list[socket.socket] = []
        with contextlib.suppress(OSError):  # another program has it on one family, and could get the response
            for address in addresses:
                bound.append(_server(address, bound[0].getsockname()[1] if bound else port))
            return bound
        for server in bound:
            server.close()
    return []


def _server(address: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    if sys.platform == "win32":  # there, another program could bind the same port, and get the response
        server = socket.socket(family)
        try:
            server.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
            server.bind((address, port))
            server.listen()
        except OSError:
            server.close()
            raise
    else:
        server = socket.create_server((address, port), family=family)
    server.setblocking(False)  # noqa: FBT003 - the standard library's own signature
    return server


def _exists(address: str) -> bool:
    """Return whether the machine has this address at all (containers often lack ::1)."""
    with contextlib.suppress(OSError), _server(address, 0):
        return True
    return False


def respond(head: bytes, path: str, judge: Callable[[str], Page | None]) -> Page:
    """Return the page for one request's head. ``judge`` reads a query for ``path``; None means "not our response"."""
    line = head.partition(b"\r\n")[0].decode("latin-1")
    method, _, rest = line.partition(" ")
    target, _, protocol = rest.partition(" ")
    where, _, query = target.partition("?")
    is_ours = method == "GET" and where == path and query and protocol.startswith("HTTP/1.")
    return (judge(query) if is_ours else None) or browser.NOTHING


@dataclass
class _Client:
    received: bytearray
    until: float
    pending: bool = False


@dataclass(eq=False)
class Listener:
    """Serves the sockets of a ``Redirect``, which it closes on ``close``.

    ``judge`` is called for each query that arrives at the right path, with the client's socket; for PENDING the client
    waits until ``finish``.
    """

    redirect: Redirect
    judge: Callable[[str, socket.socket], Page | None]
    clock: Callable[[], float] = time.monotonic
    _clients: dict[socket.socket, _Client] = field(default_factory=dict, init=False)

    def poll(self) -> None:
        """Serve the clients that are there now, and drop those that take too long. Call this regularly."""
        for server in self.redirect.sockets:
            for _ in range(_MAX_CLIENTS):
                try:
                    client, _address = server.accept()
                except OSError:  # no more clients, or one has disconnected
                    break
                self._accept(client)
        for client, state in list(self._clients.items()):
            self._receive(client, state)
            if state.until <= self.clock():
                if state.pending:
                    self._answer(client, browser.LATE)
                self._drop(client)

    def close(self) -> None:
        """Close every socket; a browser that still waits gets a page that refers to the terminal."""
        self.finish(browser.LATE)
        for each in [*self._clients, *self.redirect.sockets]:
            each.close()
        self._clients.clear()

    def finish(self, page: Page) -> None:
        """Show the page to every client that waits for the outcome."""
        for client in [each for each, state in self._clients.items() if state.pending]:
            self._answer(client, page)

    def _accept(self, client: socket.socket) -> None:
        client.setblocking(False)  # noqa: FBT003 - the standard library's own signature
        if len(self._clients) >= _MAX_CLIENTS:
            self._drop(next((each for each, state in self._clients.items() if not state.pending), client))
        if client.fileno() >= 0:
            state = self._clients[client] = _Client(bytearray(), self.clock() + _PATIENCE)
            self._receive(client, state)  # before other clients can displace it

    def _receive(self, client: socket.socket, state: _Client) -> None:
        try:
            data = client.recv(_MAX_BYTES)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        state.received += data
        if not data or len(state.received) > _MAX_BYTES:
            self._drop(client)
        elif b"\r\n\r\n" in state.received and not state.pending:
            head = bytes(state.received)
            page = respond(head, self.redirect.path, lambda query: self.judge(query, client))
            if page is browser.PENDING:
                state.pending, state.until = True, self.clock() + _HOLD_SECONDS
            else:
                self._answer(client, page)

    def _answer(self, client: socket.socket, page: Page) -> None:
        with contextlib.suppress(OSError):
            client.send(browser.response(page))
            client.shutdown(socket.SHUT_WR)
        self._drop(client)

    def _drop(self, client: socket.socket) -> None:
        self._clients.pop(client, None)
        client.close()


# --- whose browser it is


def is_own_user(client: socket.socket) -> bool:
    """Return False for a connection of another user of this machine, and for one that was closed already.

    The user's own ids are those of this process and of sudo's caller. Root is never another user: relays of WSL and of
    containers run as root. A connection that is in no table is from outside this network namespace, and is accepted.
    """
    if sys.platform != "linux":
        return True
    try:
        near, far = client.getpeername()[:2], client.getsockname()[:2]
    except OSError:
        return False
    owner = _owner(near, far)
    # Checked last: the other end was still open when its owner was looked up. A closed socket has no owner.
    if client.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0] != _ESTABLISHED:
        return False
    return owner is None or owner == 0 or owner in _own() or _is_unknown(owner)


def owner_in(table: str, near: tuple[str, int], far: tuple[str, int]) -> int | None:
    """Return the user id of the socket at ``near`` that is connected to ``far``, from one of the kernel's tables, or None."""
    wanted = [(_plain(host), port) for host, port in (near, far)]
    for line in table.splitlines():
        fields = line.split()
        with contextlib.suppress(ValueError, IndexError):  # the table's header line
            if [_end(fields[1]), _end(fields[2])] == wanted:
                return int(fields[7])
    return None


def _end(written: str) -> tuple[object, int]:
    """Return the address and port in a table's field: 32-bit words in the machine's byte order, then the port."""
    host, _, port = written.partition(":")
    words = [int(host[at : at + 8], 16) for at in range(0, len(host), 8)]
    return _plain(b"".join(word.to_bytes(4, sys.byteorder) for word in words)), int(port, 16)


def _plain(host: str | bytes) -> object:
    """Return an address; an IPv4-mapped IPv6 address (RFC 4291 section 2.5.5.2) as the IPv4 one."""
    address = ipaddress.ip_address(host.partition("%")[0] if isinstance(host, str) else host)
    return getattr(address, "ipv4_mapped", None) or address


def _owner(near: tuple[str, int], far: tuple[str, int]) -> int | None:
    tables = b""
    for path in ("/proc/net/tcp", "/proc/net/tcp6"):
        with contextlib.suppress(OSError):
            tables += read_file(path, MAX_BYTES)
    return owner_in(tables.decode("ascii", "replace"), near, far)


def _own() -> frozenset[int]:
    caller = os.environ.get("SUDO_UID", "")
    sudo = [int(caller)] if caller.isascii() and caller.isdigit() else []
    return frozenset([os.getuid(), os.geteuid(), *sudo])


def _is_unknown(owner: int) -> bool:
    """Return whether the id stands for any user that this user namespace does not map, as in a container."""
    try:
        stand_in = int(read_file("/proc/sys/kernel/overflowuid", MAX_BYTES))
        is_whole = read_file("/proc/self/uid_map", MAX_BYTES).split() == [b"0", b"0", b"4294967295"]
    except (OSError, ValueError):
        return False
    return owner == stand_in and not is_whole
