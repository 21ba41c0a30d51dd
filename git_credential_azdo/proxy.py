"""Proxies: which one a request takes, and how it is asked for a way to the host.

By CONNECT (RFC 9110 section 9.3.6) or SOCKS5 (RFC 1928, RFC 1929); the proxy resolves the host's name. Must never send
a proxy a user without a password (each empty one counts as a failed sign-in, which may lock the person out), nor quote
what a proxy said.
"""

from __future__ import annotations

import base64
import functools
import urllib.request
from http.client import HTTPResponse
from typing import TYPE_CHECKING, Any, NamedTuple, cast
from urllib.parse import unquote, urlsplit

from git_credential_azdo import hints
from git_credential_azdo.errors import AzdoError, NetworkError

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
_NOT_OURS = frozenset(("digest", "negotiate", "ntlm"))
"""Values of http.proxyAuthMethod, and authentication schemes of RFC 9110, in lower case."""
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
    """The proxy did not open the way. The text says what it did, for after its name; ``hint`` as in AzdoError."""

    def __init__(self, text: str, hint: str = HINT) -> None:
        super().__init__(text)
        self.hint = hint


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
    def through(self) -> str:
        """What a message says after a host that is reached by this proxy."""
        return f" through the proxy {self.place}"

    @property
    def with_password(self) -> str:
        """The command that gives git the user and the password of this proxy."""
        return hints.http_proxy(f"{self.scheme}://USER:PASSWORD@{self.place}")

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

    A password that its URL does not have is asked of git's credential helpers, as git does. Raise NetworkError for one
    that cannot be used, without its URL, which may hold a password.
    """
    text = _of_environment(url) if settings.proxy is None else settings.proxy
    try:
        found = parse(text) if text else None
    except ValueError:
        raise NetworkError("the proxy's address is not valid", HINT) from None
    if found and found.user and settings.proxy_method in _NOT_OURS:
        method = settings.proxy_method
        raise NetworkError(f"http.proxyAuthMethod is {method}, which this program cannot do", hints.PX_PAGE)
    if found and found.user and found.password is None:
        found = found._replace(password=_ask_helpers(text or "", found.user))
        if not found.password:
            raise NetworkError(f"the password for the proxy {found.place} is missing", found.with_password)
    return found


def setting(text: str, address: str) -> str | None:
    """Return the command that sets a proxy, without its user and password, for an address too; None for an invalid one."""
    try:
        found = parse(text)
    except ValueError:
        return None
    user = "USER:PASSWORD@" if found.user else ""
    return hints.http_proxy(f"{found.scheme}://{user}{found.place}", address)


@functools.cache
def _ask_helpers(text: str, user: str) -> str | None:
    """Return the password that git's credential helpers have for a proxy, as git asks them, or None."""
    from git_credential_azdo.git import helpers  # noqa: PLC0415 - for such a proxy only

    parts = urlsplit(text if "://" in text else f"http://{text}")
    try:
        answer = helpers.fill(helpers.request(parts.scheme, parts.netloc.rpartition("@")[2], user=user))
    except AzdoError:
        return None
    return answer.get("password")


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
        raise _wants_password(proxy, response.headers.get_all("Proxy-Authenticate", []))
    if not 200 <= response.status < 300:  # noqa: PLR2004 - any 2xx
        raise ProxyError(f"refused ({response.status})")


def _wants_password(proxy: Proxy, challenges: Sequence[str]) -> ProxyError:
    offered = {challenge.partition(" ")[0].lower() for challenge in challenges}
    if offered and "basic" not in offered:
        named = " and ".join(sorted(offered & _NOT_OURS)) or "a sign-in"
        return ProxyError(f"wants {named}, which this program cannot do (407)", hints.PX_PAGE)
    if proxy.authorization:
        return ProxyError("does not accept the user and password (407)", proxy.with_password)
    return ProxyError("wants a user and password (407)", proxy.with_password)


def ask_socks(channel: Channel, proxy: Proxy, host: str, port: int) -> None:
    """Ask a SOCKS5 proxy for a connection. Raise ProxyError, EOFError."""
    channel.sendall(bytes([5, 2, 0, _USER_AND_PASSWORD]) if proxy.authorization else b"\5\1\0")
    version, method = _exactly(channel, 2)
    if version != 5:  # noqa: PLR2004 - of the protocol
        raise EOFError
    if method == _USER_AND_PASSWORD and proxy.authorization:
        channel.sendall(b"\1" + _counted(proxy.user) + _counted(proxy.password))
        if _exactly(channel, 2)[1]:
            raise _wants_password(proxy, ())
    elif method:
        raise _wants_password(proxy, ())
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
