"""Sockets: one HTTP proxy on 127.0.0.1 that ends CONNECT tunnels itself, with TLS under the real host names.

Reads a request, asks ``route`` for the answer, writes it with its headers in order. Hosts that the emulator does
not play are refused with 403 and remembered: nothing ever leaves the machine. RFC 9110 and 9112; each host gets a
certificate of the test's own authority (trustme).
"""

from __future__ import annotations

import contextlib
import errno
import http.server
import socket
import ssl
import sys
import threading
import traceback
from email.utils import format_datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, cast
from urllib.parse import urlsplit

import trustme

from tests.emulator.messages import Record, Request, Response
from tests.emulator.metadata import VM_HOST

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable
    from io import BufferedIOBase

    from tests.emulator.faults import Faults

_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


class Certificates:
    """TLS contexts per host: of the test's authority, or of one that nobody trusts."""

    def __init__(self) -> None:
        self.authority = trustme.CA()
        self._stranger = trustme.CA()
        self._contexts: dict[tuple[str, bool], ssl.SSLContext] = {}
        self._lock = threading.Lock()

    def context(self, host: str, *, trusted: bool = True) -> ssl.SSLContext:
        """Give the context that serves ``host``."""
        with self._lock:
            if (host, trusted) not in self._contexts:
                context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                context.set_alpn_protocols(["http/1.1"])
                (self.authority if trusted else self._stranger).issue_cert(host).configure_cert(context)
                self._contexts[host, trusted] = context
            return self._contexts[host, trusted]


class Proxy(http.server.ThreadingHTTPServer):
    """The listening socket and what its threads share."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(
        self,
        *,
        plays: Callable[[str, str, int], bool],
        route: Callable[[Request], Response],
        now: Callable[[], dt.datetime],
        faults: Faults,
        records: list[Record],
    ) -> None:
        """``plays`` says whether a scheme, host and port are ours; ``route`` answers a request to them."""
        self.plays = plays
        self.route = route
        self.now = now
        self.faults = faults
        self.records = records
        self.certificates = Certificates()
        self.live: dict[Connection, threading.Thread] = {}
        self._stopping = False
        self._accepting = threading.Thread(target=self._accept_all, name="emulator", daemon=True)
        super().__init__(("127.0.0.1", 0), Connection)

    @property
    def port(self) -> int:
        """The port that was given to us."""
        return int(self.server_address[1])

    def start(self) -> None:
        """Serve in a thread of our own."""
        self._accepting.start()

    def _accept_all(self) -> None:
        while not self._stopping:
            self.handle_request()

    def verify_request(self, request: object, client_address: object) -> bool:
        """Serve no connection that came after the end, such as the one that ``stop`` wakes us with."""
        del request, client_address
        return not self._stopping

    def stop(self) -> None:
        """Stop listening, cut every connection and wait for its thread."""
        self._stopping = True
        socket.create_connection(("127.0.0.1", self.port)).close()
        self._accepting.join()
        self.server_close()
        for connection, thread in list(self.live.items()):
            connection.cut()
            thread.join(timeout=10)

    def handle_error(self, request: object, client_address: object) -> None:
        """Be silent when a client goes away (also because it does not trust a certificate), at whatever moment."""
        del request, client_address
        error = sys.exc_info()[1]
        is_gone = isinstance(error, OSError) and error.errno in {errno.ENOTCONN, errno.EBADF, errno.EINVAL}
        if not (is_gone or isinstance(error, (ConnectionError, ssl.SSLError, TimeoutError))):
            traceback.print_exc()


class Connection(http.server.BaseHTTPRequestHandler):
    """One client connection; after a CONNECT the same object goes on inside the tunnel."""

    protocol_version = "HTTP/1.1"
    server: Proxy
    tunnel: tuple[str, int] | None = None

    def setup(self) -> None:
        """Remember the connection, so that ``stop`` can cut it."""
        super().setup()
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.server.live[self] = threading.current_thread()

    def finish(self) -> None:
        """Close everything, the tunnel too."""
        try:
            super().finish()
        finally:
            self.connection.close()
            self.server.live.pop(self, None)

    def cut(self) -> None:
        """End the connection from another thread."""
        with contextlib.suppress(OSError):
            # Not SSLSocket.shutdown, which takes the TLS state away from the thread that reads.
            socket.socket.shutdown(self.connection, socket.SHUT_RDWR)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class named it
        """Say nothing: ``records`` knows it all."""

    def do_CONNECT(self) -> None:
        """Open a tunnel to a host that the emulator plays, and speak TLS as that host."""
        host, _, port = self.path.rpartition(":")
        host = host.strip("[]").lower()
        if not port.isdigit() or not self.server.plays("https", host, int(port)):
            self._refuse(host, self.path)
            return
        self.connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        trusted = self.server.faults.take(host, "", certificate=True) is None
        context = self.server.certificates.context(host, trusted=trusted)
        self.rfile.close()
        self.connection = context.wrap_socket(self.connection, server_side=True)
        self.rfile = self.connection.makefile("rb")
        self.wfile = cast("BufferedIOBase", self.connection.makefile("wb", 0))
        self.tunnel = (host, int(port))
        self.close_connection = False

    def _refuse(self, host: str, target: str) -> None:
        """Refuse a host that is not ours, and remember who asked."""
        self.server.records.append(
            Record(self.command, host, target, "", list(self.headers.items()), b"", HTTPStatus.FORBIDDEN)
        )
        self.close_connection = True
        self._write(
            Response(
                HTTPStatus.FORBIDDEN, [("Connection", "close")], b"the emulator does not play this host\n"
            )
        )

    def _serve(self) -> None:
        request = self._read()
        if request is None:
            return
        record = Record(
            request.method, request.host, request.path, request.query, request.headers, request.body
        )
        self.server.records.append(record)
        fault = self.server.faults.meet(request)
        if fault and fault.kind == "close":
            self.close_connection = True
            self.cut()
            return
        response = fault.response if fault and fault.response else self._answer(request)
        record.status = response.status
        self._write(response)

    def _answer(self, request: Request) -> Response:
        try:
            return self.server.route(request)
        except Exception:  # noqa: BLE001 - a bug of ours must be seen, and must not look like a network fault
            traceback.print_exc()
            return Response(HTTPStatus.INTERNAL_SERVER_ERROR, [], traceback.format_exc().encode())

    def _read(self) -> Request | None:
        """Read the request; None if it was refused already, or is not whole."""
        if self.tunnel:
            scheme, (host, port), target = "https", self.tunnel, self.path
        else:
            # Asked directly, not as a proxy: then we are the service beside the machine.
            parts = urlsplit(self.path if "://" in self.path else f"http://{VM_HOST}{self.path}")
            scheme, host, port = parts.scheme, (parts.hostname or ""), parts.port or 80
            target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
            if scheme != "http" or not self.server.plays(scheme, host, port):
                self._refuse(host, self.path)
                return None
        body = self._body()
        if body is None:
            self.close_connection = True
            return None
        path, _, query = target.partition("?")
        return Request(self.command, scheme, host, port, path, query, list(self.headers.items()), body)

    def _body(self) -> bytes | None:
        """Read the body; None if the client is gone before its end, as after a kill."""
        if "chunked" in (self.headers.get("Transfer-Encoding") or "").lower():
            chunks = []
            while size := int(self.rfile.readline().partition(b";")[0], 16):
                chunks.append(self.rfile.read(size))
                self.rfile.readline()
            while self.rfile.readline().strip():
                pass  # trailers
            return b"".join(chunks)
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        return body if len(body) == length else None

    def _write(self, response: Response) -> None:
        lines = [f"HTTP/1.1 {response.status} {_reason(response.status)}"]
        lines += [f"{name}: {value}" for name, value in response.headers]
        if response.status != HTTPStatus.NO_CONTENT:
            lines.append(f"Content-Length: {len(response.body)}")
        lines.append(f"Date: {format_datetime(self.server.now(), usegmt=True)}")
        head = "\r\n".join([*lines, "", ""]).encode("latin-1")
        self.connection.sendall(head if self.command == "HEAD" else head + response.body)


def _reason(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"


for _method in _METHODS:
    setattr(Connection, f"do_{_method}", Connection._serve)
