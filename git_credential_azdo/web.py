"""The one HTTP client: bounded in time, always to an allowed origin, on the standard library's HTTP/1.1.

Must never follow a redirect (a token would be sent to another host), send a body again that may have been processed,
or let an exception of the network out: each becomes a ``NetworkError`` of one line that names the host and no other part
of the URL. What ``Settings`` leave open, the environment decides; ``trust`` decides on certificates.
"""

from __future__ import annotations

import contextlib
import json as json_codec
import socket
import ssl
import string
import time
from http.client import HTTPConnection, HTTPException, IncompleteRead
from typing import TYPE_CHECKING, cast, final
from urllib.parse import quote, urlencode, urlsplit

import git_credential_azdo
from git_credential_azdo import errors, proxy
from git_credential_azdo.connection import Dialer, NoAnswer, Route, verify_message
from git_credential_azdo.errors import NetworkError
from git_credential_azdo.git.network import Settings, proxy_elsewhere, settings_for
from git_credential_azdo.hosts import microsoft, origin
from git_credential_azdo.proxy import ProxyError
from git_credential_azdo.response import Response, read_body, retry_after
from git_credential_azdo.trust import tls_context

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterable, Mapping

    from git_credential_azdo.connection import Channel
    from git_credential_azdo.proxy import Proxy

    Answer = tuple[int, list[tuple[str, str]], Iterable[bytes]]  # status, headers in order, body

PAUSE_SECONDS, MAX_PAUSE_SECONDS = 60.0, 3_600.0
"""How long a failing server is left alone, and the longest ``Retry-After`` that is believed."""
_PAUSES = (0.5, 1.0, 2.0)  # seconds before each further attempt
_RETRY_SECONDS = 5.0  # what took longer to fail, such as a dead name server, will fail again
_TRUST_HINT = (
    "set SSL_CERT_FILE to a file with the certificate authority of your network"
    " (git's setting for the same is http.sslCAInfo)"
)


class _Connection(HTTPConnection):
    """A connection whose channel is opened and closed by its user: a response may be read after ``close``."""

    auto_open = 0

    def __init__(self, host: str, channel: Channel) -> None:
        super().__init__(host)
        self.channel, self.sock = channel, cast("socket.socket", channel)

    def close(self) -> None:
        """Send no further request."""
        self.sock = None
        super().close()


@final
class HttpClient:
    """Send all requests of one task. ``deadline``: seconds for all of them together, from construction on.

    ``settings``: proxy and certificates; git's own for each URL if None.
    ``allowed``: the origins that requests may go to, such as ``https://dev.azure.com``; all others are refused.
    ``sleep``, ``clock`` (monotonic seconds) and ``transport`` (instead of the network) are for tests.
    ``grace``: seconds that the first response may come after the deadline; ``answered``: whether the last one is complete.
    ``pause``: the seconds to leave the server alone, None while no request reached it.
    """

    def __init__(
        self,
        deadline: float,
        settings: Settings | None = None,
        *,
        allowed: Container[str] | None = None,
        transport: Callable[[str, str, dict[str, str], bytes | None], Answer] | None = None,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings_for = settings_for if settings is None else lambda _url: settings
        self._allowed = microsoft() if allowed is None else allowed
        self._transport = transport
        self._sleep = sleep
        self._clock = clock
        self._end = clock() + deadline
        self._dialer = Dialer(self.remaining)
        self._contexts: dict[Settings, ssl.SSLContext] = {}
        self._open: dict[tuple[str, str], _Connection] = {}
        self.grace, self.answered = 0.0, False
        self.pause: float | None = None

    def __enter__(self) -> HttpClient:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close every connection."""
        while self._open:
            self._open.popitem()[1].channel.close()

    def renew(self, seconds: float) -> None:
        """Begin the deadline anew: so many seconds from now, since a person took theirs in between."""
        self._end = self._clock() + seconds

    def remaining(self) -> float:
        """Return the seconds left until the deadline, at least 0."""
        return max(0.0, self._end - self._clock())

    def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        form: Mapping[str, str] | None = None,
        json: object = None,
        retry: bool = True,
        elsewhere: bool = False,
    ) -> Response:
        """Send a request and return the response, whatever its status, also 3xx. Raise NetworkError, ServiceError.

        ``elsewhere``: whether the caller vouches for the URL's origin, which need not be among the allowed ones.
        With ``retry``, GET and HEAD are sent again after 429, 502, 503 and 504, within the deadline and after the
        pause that the server asks for; any method is after a connection that could not be made.
        """
        address = origin(url)
        if not address or not (elsewhere or address in self._allowed):
            raise NetworkError(f"{_host_of(url)} is not a host that requests of this program may go to")
        sent = {
            "User-Agent": f"git-credential-azdo/{git_credential_azdo.__version__}",
            "Accept": "application/json",
            "Accept-Encoding": "identity",
            **(headers or {}),
        }
        body = None
        if form is not None:
            sent["Content-Type"] = "application/x-www-form-urlencoded"
            body = urlencode(form).encode()
        elif json is not None:
            sent["Content-Type"] = "application/json"
            body = json_codec.dumps(json).encode()
        again = retry and method in ("GET", "HEAD")
        for pause in (*_PAUSES, None) if again else (None,):
            response = self._send(method, url, sent, body, _PAUSES if retry else ())
            asked = retry_after(response, time.time()) or 0.0
            self.pause = min(max(PAUSE_SECONDS, asked), MAX_PAUSE_SECONDS)
            wait = max(asked, pause or 0.0)
            if pause is None or response.status not in (429, 502, 503, 504) or wait >= self.remaining():
                break
            self._sleep(wait)
        return response

    def _send(
        self, method: str, url: str, headers: dict[str, str], body: bytes | None, pauses: Iterable[float]
    ) -> Response:
        """Send a request once and return the response. Raise NetworkError, ServiceError."""
        host = _host_of(url)
        start = self._clock()
        if not self.remaining():
            raise NetworkError(f"cannot reach {host}: the time limit was reached before the request")
        by = None
        try:
            if self._transport:
                return _read(host, self._transport(method, url, headers, body))
            route = self._route(url)
            by = route.proxy
            with errors.Waiting(f"{host}{by.through if by else ''}", self.remaining()):
                return self._exchange(route, method, url, headers=headers, body=body, pauses=pauses)
        except ProxyError as error:
            place = by.place if by else ""
            raise NetworkError(f"cannot reach {host}: the proxy {place} {error}", error.hint) from None
        except (HTTPException, OSError, ValueError) as error:
            seconds = max(1, round(self._clock() - start))
            text, hint = _reason(error, by, seconds)
            if not hint and isinstance(error, OSError) and not isinstance(error, ssl.SSLError):
                more, hint = ("", proxy.HINT) if by else self._proxy_elsewhere(url)
                text += more
            raise NetworkError(f"cannot reach {host}{by.through if by else ''}: {text}", hint) from None

    def _proxy_elsewhere(self, url: str) -> tuple[str, str | None]:
        """Return that git's proxy is set for other addresses only, if it is, and the command that sets it for this one."""
        entry = proxy_elsewhere() if self._settings_for is settings_for else None
        if not entry:
            return "", None
        return f" ({entry.description} does not apply to it)", proxy.setting(entry.value or "", origin(url))

    def _route(self, url: str) -> Route:
        """Return how git would reach a URL's host. Raise NetworkError, UsageError, ValueError."""
        settings = self._settings_for(url)
        parts = urlsplit(url)
        by = proxy.of(url, settings)
        return Route(
            (parts.hostname or "").encode("idna").decode(),
            parts.port or (443 if parts.scheme == "https" else 80),
            self._context(settings) if parts.scheme == "https" else None,
            by,
            self._context(settings.of_proxy()) if by and by.scheme == "https" else None,
        )

    def _context(self, settings: Settings) -> ssl.SSLContext:
        if settings not in self._contexts:
            self._contexts[settings] = tls_context(settings)
        return self._contexts[settings]

    def _exchange(
        self,
        route: Route,
        method: str,
        url: str,
        *,
        headers: dict[str, str],
        body: bytes | None,
        pauses: Iterable[float],
    ) -> Response:
        """Send a request over the network. Raise HTTPException, OSError, ValueError, ServiceError."""
        parts = urlsplit(url)
        key = (parts.scheme, parts.netloc)
        connection = self._open.pop(key, None)
        if connection and not connection.channel.is_idle():
            connection.channel.close()
            connection = None
        if not connection:
            connection = _Connection(parts.netloc, self._connect(route, pauses))
        self.pause, self.answered = PAUSE_SECONDS, False
        self._end, self.grace = self._end + self.grace, 0.0
        target = parts._replace(scheme="", netloc="", fragment="").geturl()
        if route.proxy and not route.tls and route.proxy.scheme in ("http", "https"):
            target = url
            if route.proxy.authorization:
                headers = {**headers, "Proxy-Authorization": route.proxy.authorization}
        try:
            connection.request(method, quote(target or "/", safe=string.punctuation), body, headers)
            response = connection.getresponse()
            chunks = iter(lambda: response.read(65_536), b"")
            read = _read(parts.netloc, (response.status, response.getheaders(), chunks))
            self.answered = True
            if response.length:
                raise IncompleteRead(b"", response.length)  # noqa: TRY301 - what the library misses
        except BaseException:
            connection.channel.close()
            raise
        if connection.sock:
            self._open[key] = connection
        else:
            connection.channel.close()
        return read

    def _connect(self, route: Route, pauses: Iterable[float]) -> Channel:
        """Return a new channel to a host, after at most as many further attempts as there are pauses. Raise OSError."""
        end = self._clock() + _RETRY_SECONDS
        for pause in pauses:
            try:
                return self._dialer.open(route)
            except (TimeoutError, ProxyError, ssl.SSLError):
                raise
            except OSError as error:
                lasts = isinstance(error, socket.gaierror) and error.errno != socket.EAI_AGAIN
                if lasts or self._clock() > end or pause >= self.remaining():
                    raise
                self._sleep(pause)
        return self._dialer.open(route)


def _read(host: str, answer: Answer) -> Response:
    """Return the response with its whole body, without its Content-Encoding. Raise ServiceError."""
    status, headers, chunks = answer
    coding = next((value for name, value in headers if name.lower() == "content-encoding"), "")
    return Response(host, status, headers, read_body(chunks, coding.strip().lower(), host))


def _reason(error: Exception, by: Proxy | None, seconds: int) -> tuple[str, str | None]:
    """Return why no response came, without the error's own text, which may quote a secret, and the hint."""
    if isinstance(error, TimeoutError):
        return f"timed out after {seconds} s{error if isinstance(error, NoAnswer) else ''}", None
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate does not verify ({verify_message(error)})", _TRUST_HINT
    if isinstance(error, ssl.SSLError):
        return f"no TLS connection ({getattr(error, 'reason', None) or 'broken off'})", None
    if isinstance(error, socket.gaierror):
        return f"the name of the {'proxy' if by else 'host'} does not resolve", None
    if isinstance(error, ConnectionRefusedError):
        return "connection refused", None
    if isinstance(error, (HTTPException, ConnectionError)):
        return "the connection was closed before the response was complete", None
    if isinstance(error, OSError):
        return (error.strerror or type(error).__name__).lower(), None
    return type(error).__name__, None


def _host_of(url: str) -> str:
    """Return host and port of a URL for a message, never its user, path or query."""
    with contextlib.suppress(ValueError):
        return urlsplit(url).netloc.rpartition("@")[2] or "the server"
    return "the server"
