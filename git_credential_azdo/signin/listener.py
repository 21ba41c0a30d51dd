"""The loopback listener that the browser's redirect reaches when it runs on this machine (RFC 8252 7.3).

Never echoes what it was sent, loads nothing from elsewhere, and lets no bad client block the wait: a wrong
path or another attempt's answer gets 404 and the wait goes on. No thread: it works when its selector says
that a socket is ready. Entra compares ``localhost`` without the port but with the path.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import html
import secrets
import selectors
import socket
import time
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit, urlunsplit

if TYPE_CHECKING:
    from collections.abc import Callable

_MOST_BYTES = 64 * 1024  # a redirected address may be 16 KiB long
_MOST_CLIENTS = 16
_PATIENCE = 10.0  # seconds a client has for its request
_PORT_ATTEMPTS = 8
_STYLE = "body{font:1.1rem system-ui,sans-serif;margin:15vh auto;max-width:34rem;padding:0 1rem}h1{font-size:1.5rem}"
_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_HEADERS = (
    "Content-Type: text/html; charset=utf-8\r\n"
    "Cache-Control: no-store\r\n"
    f"Content-Security-Policy: default-src 'none'; style-src 'sha256-{_STYLE_HASH}';"
    " img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'\r\n"
    "Referrer-Policy: no-referrer\r\n"
    "X-Content-Type-Options: nosniff\r\n"
    "Connection: close\r\n"
)


class Page(NamedTuple):
    """What the person reads in the browser: plain text, escaped here."""

    title: str
    text: str


class Place(NamedTuple):
    """Where the answer is expected. ``sockets`` is empty when nothing can listen there."""

    sockets: list[socket.socket]
    redirect_uri: str
    path: str


def listen(redirect_uri: str) -> Place:
    """Open the sockets for a redirect and give its URI with the port that they got.

    ``http://localhost`` means 127.0.0.1 and ::1 with one port; a port in the URI is kept, or nothing listens.
    A redirect to elsewhere (an https page that shows the code) has no sockets either.
    """
    parts = urlsplit(redirect_uri)
    path = parts.path or "/"
    hosts = {"localhost": ("127.0.0.1", "::1"), "127.0.0.1": ("127.0.0.1",), "::1": ("::1",)}
    addresses = hosts.get(parts.hostname or "", ()) if parts.scheme == "http" else ()
    if not addresses:
        return Place([], redirect_uri, path)
    sockets = _bind(addresses, parts.port or 0)
    # With nobody listening the address is still good to be copied: any port that no service has will do.
    port = sockets[0].getsockname()[1] if sockets else parts.port or 49152 + secrets.randbelow(16384)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    return Place(sockets, urlunsplit(("http", f"{host}:{port}", path, parts.query, "")), path)


def _bind(addresses: tuple[str, ...], port: int) -> list[socket.socket]:
    """Bind every address that this machine has, all with one port; [] if there is no such port."""
    for _ in range(1 if port else _PORT_ATTEMPTS):
        bound: list[socket.socket] = []
        taken = False
        for address in addresses:
            family = socket.AF_INET6 if ":" in address else socket.AF_INET
            wanted = bound[0].getsockname()[1] if bound else port
            try:
                bound.append(_server(address, family, wanted))
            except OSError:
                # Someone else has that port on one family: an answer could go to them.
                taken = taken or _exists(address, family)
        if bound and not taken:
            return bound
        for each in bound:
            each.close()
    return []


def _server(address: str, family: socket.AddressFamily, port: int) -> socket.socket:
    server = socket.create_server((address, port), family=family)
    server.setblocking(False)  # noqa: FBT003 - the standard library's own signature
    return server


def _exists(address: str, family: socket.AddressFamily) -> bool:
    """Say whether the machine has this address at all (containers often lack ::1)."""
    with contextlib.suppress(OSError), socket.create_server((address, 0), family=family):
        return True
    return False


def respond(head: bytes, path: str, judge: Callable[[str], Page | None]) -> bytes:
    """Answer one request's head. ``judge`` reads a query for ``path``; None means "not our answer"."""
    line = head.partition(b"\r\n")[0].decode("latin-1")
    method, _, rest = line.partition(" ")
    target, _, protocol = rest.partition(" ")
    if not protocol.startswith("HTTP/1."):
        return _response("400 Bad Request", Page("Bad request", ""))
    if method != "GET":
        return _response("405 Method Not Allowed", Page("Not allowed", ""), "Allow: GET\r\n")
    where, _, query = target.partition("?")
    page = judge(query) if where == path and query else None
    if page is None:
        return _response("404 Not Found", Page("Nothing here", "The sign-in goes on in its own tab."))
    return _response("200 OK", page)


def _response(status: str, page: Page, header: str = "") -> bytes:
    body = (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{html.escape(page.title)}</title>'
        f'<link rel="icon" href="data:,"><style>{_STYLE}</style>'
        f"<h1>{html.escape(page.title)}</h1><p>{html.escape(page.text)}</p></html>\n"
    ).encode()
    return f"HTTP/1.1 {status}\r\n{_HEADERS}{header}Content-Length: {len(body)}\r\n\r\n".encode() + body


class _Client(NamedTuple):
    received: bytearray
    until: float


class Listener:
    """Serves the sockets of a ``Place`` through a selector whose keys' data are callables to call.

    ``judge`` is called once for each query that arrives at the right path. Closes its sockets on ``close``.
    """

    def __init__(
        self,
        place: Place,
        judge: Callable[[str], Page | None],
        selector: selectors.BaseSelector,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._place = place
        self._judge = judge
        self._selector = selector
        self._clock = clock
        self._clients: dict[socket.socket, _Client] = {}
        for server in place.sockets:
            selector.register(server, selectors.EVENT_READ, lambda server=server: self._accept(server))

    def close(self) -> None:
        """Close every socket."""
        for client in list(self._clients):
            self._drop(client)
        for server in self._place.sockets:
            self._selector.unregister(server)
            server.close()

    def drop_slow(self) -> None:
        """Close the clients that did not manage to ask in time; to be called now and then."""
        for client in [each for each, state in self._clients.items() if state.until <= self._clock()]:
            self._drop(client)

    def _accept(self, server: socket.socket) -> None:
        try:
            client, _ = server.accept()
        except OSError:
            return  # it went away between the selector's word and ours
        client.setblocking(False)  # noqa: FBT003 - the standard library's own signature
        while len(self._clients) >= _MOST_CLIENTS:
            self._drop(next(iter(self._clients)))
        self._clients[client] = _Client(bytearray(), self._clock() + _PATIENCE)
        self._selector.register(client, selectors.EVENT_READ, lambda: self._receive(client))

    def _receive(self, client: socket.socket) -> None:
        if client not in self._clients:
            return  # dropped since the selector reported it
        received = self._clients[client].received
        try:
            data = client.recv(_MOST_BYTES)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        received += data
        complete = b"\r\n\r\n" in received
        if complete:
            with contextlib.suppress(OSError):
                client.send(respond(bytes(received), self._place.path, self._judge))
                client.shutdown(socket.SHUT_WR)
        if complete or not data or len(received) > _MOST_BYTES:
            self._drop(client)

    def _drop(self, client: socket.socket) -> None:
        del self._clients[client]
        self._selector.unregister(client)
        client.close()
