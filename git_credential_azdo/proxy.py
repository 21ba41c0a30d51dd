"""Proxies: which one a request takes, and how it is asked for a way to the host.

By CONNECT (RFC 9110 section 9.3.6) or SOCKS5 (RFC 1928, RFC 1929); the proxy resolves the host's name. Must never send
a proxy a user without a password (each empty one counts as a failed sign-in, which may lock the person out), nor quote
what a proxy said.
"""

from __future__ import annotations

import base64
import urllib.request
from http.client import HTTPResponse
from typing import TYPE_CHECKING, Any, NamedTuple, cast
from urllib.parse import unquote, urlsplit

from git_credential_azdo.errors import NetworkError

if TYPE_CHECKING:
    import socket
    from collections.abc import Sequence

    from git_credential_azdo.git.network import Settings

    Channel = Any  # with recv, sendall and makefile, as connection.Channel

HINT = "check HTTPS_PROXY and NO_PROXY (git's setting for the same is http.proxy)"
_PORTS = {
    "http": 1080,
    "https": 443,
    "socks5": 1080,
    "socks5h": 1080,
}  # curl's own, which git leaves as they are
_USER_AND_PASSWORD = 2
_SOCKS_REPLIES = {
    1: "it failed",
    2: "its rules do not allow it",
    3: "network unreachable",
    4: "host unreachable",
    5: "connection refused",
}
"""RFC 1928 section 6."""


class ProxyError(OSError):
    """The proxy did not open the way. The text says what it did, for after its name.

    ``wants_password``: it asks for a user and password, or for others. ``ways``: the authentication schemes it offers.
    """

    def __init__(self, text: str, *, wants_password: bool = False, ways: Sequence[str] = ()) -> None:
        super().__init__(text)
        self.wants_password = wants_password
        self.ways = ways


class Proxy(NamedTuple):
    """A proxy as git and curl name it: ``scheme`` is http, https, socks5 or socks5h."""

    scheme: str
    host: str
    port: int
    user: str | None
    password: str | None

    @property
    def place(self) -> str:
        """Host and port, for messages."""
        return target(self.host, self.port)

    @property
    def authorization(self) -> str | None:
        """The value of ``Proxy-Authorization``, or None without a user and a password."""
        if self.user is None or self.password is None:
            return None
        return "Basic " + base64.b64encode(f"{self.user}:{self.password}".encode()).decode()


def parse(text: str) -> Proxy:
    """Return the proxy that a URL or ``host:port`` names. Raise ValueError, whose text may hold a password."""
    parts = urlsplit(text if "://" in text else f"http://{text}")
    if not parts.hostname or parts.scheme not in _PORTS:
        raise ValueError(parts.scheme)
    user, password = (each and unquote(each) for each in (parts.username, parts.password))
    return Proxy(parts.scheme, parts.hostname, parts.port or _PORTS[parts.scheme], user or None, password)


def of(url: str, settings: Settings) -> Proxy | None:
    """Return the proxy of a URL: git's, else that of the environment, or on macOS and Windows of the system.

    Raise NetworkError for one that cannot be used, without its URL, which may hold a password.
    """
    text = _of_environment(url) if settings.proxy is None else settings.proxy
    try:
        return parse(text) if text else None
    except ValueError:
        raise NetworkError("the proxy's address is not valid", HINT) from None


def _of_environment(url: str) -> str | None:
    parts = urlsplit(url)
    proxies = urllib.request.getproxies()
    proxy = proxies.get(parts.scheme) or proxies.get("all")
    return None if proxy and urllib.request.proxy_bypass(parts.netloc.rpartition("@")[2]) else proxy


def ask_tunnel(channel: Channel, proxy: Proxy, host: str, port: int) -> None:
    """Ask an HTTP proxy for a tunnel. Raise ProxyError, HTTPException."""
    to = target(host, port)
    authorization = f"Proxy-Authorization: {proxy.authorization}\r\n" if proxy.authorization else ""
    channel.sendall(f"CONNECT {to} HTTP/1.1\r\nHost: {to}\r\n{authorization}\r\n".encode("ascii"))
    response = HTTPResponse(cast("socket.socket", channel), method="CONNECT")
    response.begin()
    if response.status == 407:  # noqa: PLR2004 - Proxy Authentication Required
        ways = response.headers.get_all("Proxy-Authenticate", [])
        raise ProxyError("refused (407)", wants_password=True, ways=[way.partition(" ")[0] for way in ways])
    if not 200 <= response.status < 300:  # noqa: PLR2004 - any 2xx
        raise ProxyError(f"refused ({response.status})")


def ask_socks(channel: Channel, proxy: Proxy, host: str, port: int) -> None:
    """Ask a SOCKS5 proxy for a connection. Raise ProxyError, EOFError."""
    channel.sendall(bytes([5, 2, 0, _USER_AND_PASSWORD]) if proxy.authorization else b"\5\1\0")
    version, method = _exactly(channel, 2)
    if version != 5:  # noqa: PLR2004 - of the protocol
        raise EOFError
    if method == _USER_AND_PASSWORD and proxy.authorization:
        channel.sendall(b"\1" + _counted(proxy.user) + _counted(proxy.password))
        if _exactly(channel, 2)[1]:
            raise ProxyError("does not accept the user and password", wants_password=True)
    elif method:
        raise ProxyError("asks for a user and password", wants_password=True)
    channel.sendall(b"\5\1\0\3" + _counted(host) + port.to_bytes(2, "big"))
    _, reply, _, kind = _exactly(channel, 4)
    if reply:
        raise ProxyError(f"refused ({_SOCKS_REPLIES.get(reply, 'no reason given')})")
    _exactly(channel, ({1: 4, 4: 16}.get(kind) or _exactly(channel, 1)[0]) + 2)  # the proxy's own address


def target(host: str, port: int) -> str:
    """Return host and port as a URL has them."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _exactly(channel: Channel, size: int) -> bytes:
    """Return so many bytes, and read none beyond them. Raise EOFError."""
    data = b""
    while len(data) < size:
        more = channel.recv(size - len(data))
        if not more:
            raise EOFError
        data += more
    return data


def _counted(text: str | None) -> bytes:
    """Return a text after its length in one byte. Raise ProxyError for one that is too long."""
    data = (text or "").encode()
    if len(data) > 255:  # noqa: PLR2004 - one byte
        raise ProxyError("takes no name or password of this length")
    return bytes([len(data)]) + data
