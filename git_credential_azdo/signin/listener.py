"""The loopback listener that the browser's redirect reaches when it runs on this machine (RFC 8252 7.3).

Never echoes what it was sent, loads nothing from elsewhere, and lets no bad client block the wait: a wrong
path or another attempt's answer gets 404 and the wait goes on. The browser that brought the answer waits until it is
known what became of it, some seconds at most. No thread: it works when its selector says that a socket is ready.
Entra compares ``localhost`` without the port but with the path.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import html
import secrets
import selectors
import socket
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit, urlunsplit

if TYPE_CHECKING:
    from collections.abc import Callable

_MOST_BYTES = 64 * 1024  # a redirected address may be 16 KiB long
_MOST_CLIENTS = 16
_PATIENCE = 10.0  # seconds a client has for its request
_HOLD_SECONDS = 8.0  # how long the browser waits for the outcome
_PORT_ATTEMPTS = 8
_STYLE = (
    ":root{color-scheme:light dark}"
    "body{font:1.1rem system-ui,sans-serif;line-height:1.5;margin:15vh auto;max-width:34rem;padding:0 1rem}"
    "h1{font-size:1.5rem}"
)
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
    status: str = "200 OK"


PENDING = Page("", "")
"""Not a page: the client waits for ``Listener.finish``."""
_LATE = Page("Almost done", "The terminal shows whether the sign-in worked. You can close this page.")


class Redirect(NamedTuple):
    """Where the answer is expected. ``sockets`` is empty when nothing can listen there."""

    sockets: list[socket.socket]
    uri: str
    path: str


def listen(redirect_uri: str) -> Redirect:
    """Open the sockets for a redirect; return it with the port that they got in its URI.

    ``http://localhost`` means 127.0.0.1 and ::1 with one port; a port in the URI is taken, or nothing listens.
    A redirect to elsewhere (an https page that shows the code) has no sockets either.
    """
    parts = urlsplit(redirect_uri)
    path = parts.path or "/"
    hosts = {"localhost": ("127.0.0.1", "::1"), "127.0.0.1": ("127.0.0.1",), "::1": ("::1",)}
    addresses = hosts.get(parts.hostname or "", ()) if parts.scheme == "http" else ()
    if not addresses:
        return Redirect([], redirect_uri, path)
    sockets = _bind(addresses, parts.port or 0)
    # Where nothing listens the address is still good to be copied: any port that no service has will do.
    port = sockets[0].getsockname()[1] if sockets else parts.port or 49152 + secrets.randbelow(16384)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    return Redirect(sockets, urlunsplit(("http", f"{host}:{port}", path, parts.query, "")), path)


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
    if sys.platform == "win32":  # there, another program could bind a port that is taken, and get the answer
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


def _exists(address: str, family: socket.AddressFamily) -> bool:
    """Return whether the machine has this address at all (containers often lack ::1)."""
    with contextlib.suppress(OSError), socket.create_server((address, 0), family=family):
        return True
    return False


def respond(head: bytes, path: str, judge: Callable[[str], Page | None]) -> Page:
    """Return the page for one request's head. ``judge`` reads a query for ``path``; None means "not our answer"."""
    line = head.partition(b"\r\n")[0].decode("latin-1")
    method, _, rest = line.partition(" ")
    target, _, protocol = rest.partition(" ")
    if not protocol.startswith("HTTP/1."):
        return Page("Bad request", "", "400 Bad Request")
    if method != "GET":
        return Page("Not allowed", "", "405 Method Not Allowed")
    where, _, query = target.partition("?")
    page = judge(query) if where == path and query else None
    return page or Page("Nothing here", "The sign-in goes on in its own tab.", "404 Not Found")


def response(page: Page) -> bytes:
    """Return the HTTP response that shows a page."""
    body = (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{html.escape(page.title)}</title>'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f'<link rel="icon" href="data:,"><style>{_STYLE}</style></head>'
        f"<body><main><h1>{html.escape(page.title)}</h1><p>{html.escape(page.text)}</p></main></body></html>\n"
    ).encode()
    allow = "Allow: GET\r\n" if page.status.startswith("405") else ""
    return f"HTTP/1.1 {page.status}\r\n{_HEADERS}{allow}Content-Length: {len(body)}\r\n\r\n".encode() + body


@dataclass
class _Client:
    received: bytearray
    until: float
    pending: bool = False


class Listener:
    """Serves the sockets of a ``Redirect`` through a selector whose keys' data are callables to call.

    ``judge`` is called for each query that arrives at the right path, with the client's socket; for PENDING the client
    waits until ``finish``. Closes its sockets on ``close``.
    """

    def __init__(
        self,
        redirect: Redirect,
        judge: Callable[[str, socket.socket], Page | None],
        selector: selectors.BaseSelector,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._redirect = redirect
        self._judge = judge
        self._selector = selector
        self._clock = clock
        self._clients: dict[socket.socket, _Client] = {}
        for server in redirect.sockets:
            selector.register(server, selectors.EVENT_READ, lambda server=server: self._accept(server))

    def close(self) -> None:
        """Close every socket."""
        for client in list(self._clients):
            self._drop(client)
        for server in self._redirect.sockets:
            self._selector.unregister(server)
            server.close()

    def finish(self, page: Page) -> None:
        """Show the page to every client that waits for the outcome."""
        for client in [each for each, state in self._clients.items() if state.pending]:
            self._answer(client, page)

    def drop_slow(self) -> None:
        """Close the clients that did not ask in time, and let none wait too long; to be called now and then."""
        for client, state in list(self._clients.items()):
            if state.until <= self._clock() and state.pending:
                self._answer(client, _LATE)
            elif state.until <= self._clock():
                self._drop(client)

    def _accept(self, server: socket.socket) -> None:
        try:
            client, _ = server.accept()
        except OSError:
            return  # it went away between the selector's word and ours
        client.setblocking(False)  # noqa: FBT003 - the standard library's own signature
        while len(self._clients) >= _MOST_CLIENTS:
            self._drop(next((each for each, state in self._clients.items() if not state.pending), client))
            if client.fileno() < 0:
                return
        self._clients[client] = _Client(bytearray(), self._clock() + _PATIENCE)
        self._selector.register(client, selectors.EVENT_READ, lambda: self._receive(client))

    def _receive(self, client: socket.socket) -> None:
        state = self._clients.get(client)
        if state is None:
            return  # dropped since the selector reported it
        try:
            data = client.recv(_MOST_BYTES)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        state.received += data
        if state.pending or not data or len(state.received) > _MOST_BYTES:
            if not data or len(state.received) > _MOST_BYTES:
                self._drop(client)
        elif b"\r\n\r\n" in state.received:
            page = respond(
                bytes(state.received), self._redirect.path, lambda query: self._judge(query, client)
            )
            if page is PENDING:
                state.pending, state.until = True, self._clock() + _HOLD_SECONDS
            else:
                self._answer(client, page)

    def _answer(self, client: socket.socket, page: Page) -> None:
        with contextlib.suppress(OSError):
            client.send(response(page))
            client.shutdown(socket.SHUT_WR)
        self._drop(client)

    def _drop(self, client: socket.socket) -> None:
        if self._clients.pop(client, None) is not None:
            self._selector.unregister(client)
        client.close()
