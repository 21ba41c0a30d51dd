"""One connection: to the host itself or through a proxy, over TLS, never longer than the time that is left.

Addresses are raced, so that IPv6 that swallows packets costs a quarter of a second (RFC 8305). Errors are ``OSError``;
``ProxyError`` where the proxy is the reason. Must never ask a name server for a host that a proxy leads to.
"""

from __future__ import annotations

import errno
import io
import itertools
import os
import selectors
import socket
import ssl
import time
from http.client import HTTPException
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from git_credential_azdo import bounded, proxy
from git_credential_azdo.proxy import ProxyError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from git_credential_azdo.proxy import Proxy

    Address = tuple[int, tuple[Any, ...]]  # the family, and what connect() takes

_CONNECT_SECONDS = 15.0  # time for a dead name server before the next one, and for two lost packets
_ATTEMPT_DELAY = 0.25  # RFC 8305 section 5
_NO_ROUTE = {errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT, errno.EHOSTUNREACH, errno.ENETUNREACH}


class NoAnswer(TimeoutError):  # noqa: N818 - a state, as in TimeoutError's own subclasses
    """No address of a host answered in time. The text says by which family of addresses, if by one only."""


class Route(NamedTuple):
    """How a host is reached: ``tls`` is None for plain HTTP, ``proxy_tls`` unless the proxy itself is reached by TLS."""

    host: str
    port: int
    tls: ssl.SSLContext | None
    proxy: Proxy | None
    proxy_tls: ssl.SSLContext | None


class Channel:
    """Bytes to and from the other end. Each call raises TimeoutError when no time is left."""

    def __init__(self, connected: socket.socket, remaining: Callable[[], float]) -> None:
        self.socket = connected
        self.remaining = remaining

    def recv(self, size: int) -> bytes:
        """Return what arrived, at most so many bytes; none at the end."""
        self.socket.settimeout(_positive(self.remaining()))
        return self.socket.recv(size)

    def sendall(self, data: bytes) -> None:
        """Send it all."""
        self.socket.settimeout(_positive(self.remaining()))
        self.socket.sendall(data)

    def close(self) -> None:
        """Close it, whatever is still on its way."""
        self.socket.close()

    def is_idle(self) -> bool:
        """Return whether a request can be sent: the other end neither closed it nor said anything."""
        self.socket.settimeout(0)
        try:
            self.socket.recv(1, socket.MSG_PEEK)
        except (BlockingIOError, ssl.SSLWantReadError):
            return True
        except OSError:
            pass
        return False

    def makefile(self, _mode: str) -> io.BufferedReader:
        """Return a reader whose end does not close this channel."""
        return io.BufferedReader(_Reader(self))


class _Reader(io.RawIOBase):
    def __init__(self, channel: Channel) -> None:
        self._channel = channel

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._channel.recv(len(buffer))
        buffer[: len(data)] = data
        return len(data)


class _Secured(Channel):
    """TLS above another channel, which may itself be TLS: that of a proxy."""

    def __init__(self, below: Channel, context: ssl.SSLContext, host: str) -> None:
        super().__init__(below.socket, below.remaining)
        self._below = below
        self._received, self._to_send = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._received, self._to_send, server_hostname=host)
        self._run(self._tls.do_handshake)

    def recv(self, size: int) -> bytes:
        try:
            return cast("bytes", self._run(lambda: self._tls.read(size)))
        except (ssl.SSLZeroReturnError, ssl.SSLEOFError):  # HTTP says itself where a response ends
            return b""

    def sendall(self, data: bytes) -> None:
        self._run(lambda: self._tls.write(data))  # into memory, which takes all

    def _run(self, step: Callable[[], Any]) -> Any:
        while True:
            try:
                result = step()
            except ssl.SSLWantReadError:
                self._flush()
            else:
                self._flush()
                return result
            data = self._below.recv(65_536)
            if data:
                self._received.write(data)
            else:
                self._received.write_eof()

    def _flush(self) -> None:
        if self._to_send.pending:
            self._below.sendall(self._to_send.read())


class Dialer:
    """Opens connections, and remembers by which family of addresses one came about. ``remaining``: the seconds left."""

    def __init__(self, remaining: Callable[[], float]) -> None:
        self._remaining = remaining
        self._family = 0

    def open(self, route: Route) -> Channel:
        """Return a channel to the host. Raise OSError: ProxyError, ssl.SSLError, socket.gaierror, TimeoutError ..."""
        first = route.proxy or route
        channel = self._dial(first.host, first.port)
        try:
            if route.proxy:
                channel = _through(channel, route.proxy, route)
            return _Secured(channel, route.tls, route.host) if route.tls else channel
        except BaseException:
            channel.close()
            raise

    def _dial(self, host: str, port: int) -> Channel:
        end = time.monotonic() + min(_positive(self._remaining()), _CONNECT_SECONDS)
        resolve = bounded.start(lambda: socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        try:
            found = resolve(end - time.monotonic())
        except TimeoutError:
            raise socket.gaierror(socket.EAI_AGAIN, "the name server does not answer") from None
        addresses = sorted(((each[0], each[4]) for each in found), key=lambda each: each[0] != self._family)
        connected = _race(addresses, end)
        self._family = connected.family
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return Channel(connected, self._remaining)


def _race(addresses: Sequence[Address], end: float) -> socket.socket:
    """Return the socket that connects first: both families by turns, each begun before the last has failed.

    Raise OSError: the reason of the address that was reached, if one was; TimeoutError at ``end`` (monotonic seconds).
    """
    families = [list(group) for _, group in itertools.groupby(addresses, key=lambda each: each[0])]
    waiting = [each for turn in itertools.zip_longest(*families) for each in turn if each]
    failures: list[OSError] = []
    begin = time.monotonic()
    with selectors.DefaultSelector() as started:
        try:
            while waiting or started.get_map():
                now = time.monotonic()
                if now >= end:
                    raise TimeoutError(
                        _over(
                            {cast("socket.socket", key.fileobj).family for key in started.get_map().values()}
                        )
                    )
                if waiting and (now >= begin or not started.get_map()):
                    family, address = waiting.pop(0)
                    begin = now + _ATTEMPT_DELAY
                    try:
                        started.register(_start(family, address), selectors.EVENT_WRITE)
                    except OSError as error:
                        failures.append(error)
                    continue
                for key, _ in started.select(min(end, begin if waiting else end) - now):
                    connected = cast("socket.socket", key.fileobj)
                    number = connected.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
                    started.unregister(connected)
                    if not number:
                        return connected
                    connected.close()
                    failures.append(OSError(number, os.strerror(number)))
                    begin = now
        finally:
            for key in list(started.get_map().values()):
                cast("socket.socket", key.fileobj).close()
    raise next((each for each in failures if each.errno not in _NO_ROUTE), failures[0])


def _start(family: int, address: tuple[Any, ...]) -> socket.socket:
    """Return a socket that is about to connect."""
    starting = socket.socket(family, socket.SOCK_STREAM)
    try:
        starting.settimeout(0)
        starting.connect(address)
    except BlockingIOError:
        pass
    except OSError:
        starting.close()
        raise
    return starting


def _through(channel: Channel, by: Proxy, route: Route) -> Channel:
    """Return the channel by which a proxy leads to the host. Raise ProxyError."""
    try:
        if route.proxy_tls:
            channel = _Secured(channel, route.proxy_tls, by.host)
        if by.scheme.startswith("socks"):
            proxy.ask_socks(channel, by, route.host, route.port)
        elif route.tls:
            proxy.ask_tunnel(channel, by, route.host, route.port)
    except ssl.SSLCertVerificationError as error:
        raise ProxyError(f"has a certificate that does not verify ({verify_message(error)})") from None
    except (HTTPException, ConnectionError, ssl.SSLError, EOFError):
        raise ProxyError(f"closed the connection, or does not speak {by.scheme}") from None
    return channel


def verify_message(error: ssl.SSLCertVerificationError) -> str:
    """Return why a certificate was rejected; truststore says nothing of one that was not sent."""
    return getattr(error, "verify_message", "") or "none was sent"


def _positive(seconds: float) -> float:
    if seconds <= 0:
        raise TimeoutError
    return seconds


def _over(families: set[int]) -> str:
    """Return by which family of addresses all that was still tried went, for after ``timed out``."""
    return " over IPv6" if families == {socket.AF_INET6} else ""
