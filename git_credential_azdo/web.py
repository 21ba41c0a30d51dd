"""The one HTTP client, and the only importer of httpx: bounded in time, always to an allowed origin.

Must never follow a redirect (a token would be sent to another host), send a body again that may have been processed,
or let an exception of httpx out: each becomes a ``NetworkError`` of one line that names the host and no other part of
the URL. What ``Settings`` leave open, the environment decides as httpx reads it
(https://www.python-httpx.org/environment_variables/); ``trust`` decides on certificates.
"""

from __future__ import annotations

import contextlib
import re
import socket
import ssl
import time
import urllib.request
from typing import TYPE_CHECKING, final
from urllib.parse import urlsplit

import httpx

import git_credential_azdo
from git_credential_azdo import bounded
from git_credential_azdo.errors import NetworkError
from git_credential_azdo.git.network import Settings, settings_for
from git_credential_azdo.hosts import MICROSOFT, origin
from git_credential_azdo.response import PROXY_HINT, Response, read_body, retry_after
from git_credential_azdo.trust import tls_context

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterator, Mapping
    from types import TracebackType

_MAX_ATTEMPTS = 4
_FIRST_PAUSE = 0.5  # seconds, doubled with every attempt
_CONNECT_SECONDS = 10.0  # so that the default 30 s leave time for a second attempt
_TRUST_HINT = (
    "set SSL_CERT_FILE to a file with the certificate authority of your network"
    " (git's setting for the same is http.sslCAInfo)"
)


class _NotSentError(NetworkError):
    """Nothing reached the server, so even a POST may be sent again."""


@final
class HttpClient:
    """Send all requests of one task. ``deadline``: seconds for all of them together, from construction on.

    ``settings``: proxy and certificates; git's own for each URL if None.
    ``allowed``: the origins that requests may go to, such as ``https://dev.azure.com``; all others are refused.
    ``sleep``, ``clock`` (monotonic seconds) and ``transport`` are for tests.
    """

    def __init__(
        self,
        deadline: float,
        settings: Settings | None = None,
        *,
        allowed: Container[str] = MICROSOFT,
        transport: httpx.BaseTransport | None = None,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings_for = settings_for if settings is None else lambda _url: settings
        self._allowed = allowed
        self._transport = transport
        self._sleep = sleep
        self._clock = clock
        self._end = clock() + deadline
        self._clients: dict[Settings, httpx.Client] = {}

    def __enter__(self) -> HttpClient:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close every connection."""
        for client in self._clients.values():
            client.close()

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
        also: Container[str] = (),
    ) -> Response:
        """Send a request and return the response, whatever its status, also 3xx. Raise NetworkError, ServiceError.

        ``also``: further origins that this one request may go to.
        With ``retry``, GET and HEAD are sent again after 429, 502, 503 and 504, within the deadline and after the
        pause that the server asks for; any method is after a connection that could not be made.
        """
        address = origin(url)
        if not address or (address not in self._allowed and address not in also):
            raise NetworkError(f"{_host_of(url)} is not a host that requests of this program may go to")
        attempt = 1
        while True:
            pause = _FIRST_PAUSE * 2 ** (attempt - 1)
            last = not retry or attempt == _MAX_ATTEMPTS
            try:
                response = self._send(method, url, dict(headers or {}), form, json)
            except _NotSentError:
                if last or pause >= self.remaining():
                    raise
            else:
                if last or method not in ("GET", "HEAD") or response.status not in (429, 502, 503, 504):
                    return response
                pause = max(retry_after(response, time.time()) or 0.0, pause)
                if pause >= self.remaining():
                    return response
            self._sleep(pause)
            attempt += 1

    def _send(
        self, method: str, url: str, headers: dict[str, str], form: Mapping[str, str] | None, json: object
    ) -> Response:
        """Send a request once and return the response. Raise NetworkError, ServiceError."""
        host = _host_of(url)
        start = self._clock()
        left = self.remaining()
        if not left:
            raise NetworkError(f"cannot reach {host}: the time limit was reached before the request")
        timeout = httpx.Timeout(left, connect=min(left, _CONNECT_SECONDS))
        settings = self._settings_for(url)
        if settings not in self._clients:
            self._clients[settings] = _client(settings, self._transport)
        client = self._clients[settings]

        def exchange() -> Response:
            request = client.build_request(
                method,
                url,
                headers=headers,
                data=form,
                json=json,
                timeout=timeout,
            )
            response = client.send(request, stream=True)
            with contextlib.closing(response):
                # Removed, since httpx would decompress every layer that is named there, without limit.
                coding = response.headers.pop("content-encoding", "")
                body = read_body(response.iter_bytes(), coding.strip().lower(), host)
            return Response(host, response.status_code, response.headers.multi_items(), body)

        try:
            return bounded.start(exchange)(
                left
            )  # for name servers: httpx begins anew with each address and byte
        except (TimeoutError, httpx.TimeoutException) as error:
            seconds = max(1, round(self._clock() - start))
            kind = _NotSentError if isinstance(error, httpx.ConnectTimeout) else NetworkError
            via = _proxy_of(url, settings)
            raise kind(
                f"cannot reach {host}{_through(via)}: timed out after {seconds} s",
                PROXY_HINT if via else None,
            ) from None
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, UnicodeError, OSError) as error:
            raise _network_error(error, host, _proxy_of(url, settings)) from None


def _client(settings: Settings, transport: httpx.BaseTransport | None) -> httpx.Client:
    """Return a client of httpx. Raise NetworkError for an invalid proxy, without its URL, which may hold a password."""
    proxy = settings.proxy or None
    if proxy and "://" not in proxy:
        proxy = f"http://{proxy}"
    try:
        return httpx.Client(
            verify=tls_context(settings),
            proxy=proxy,
            trust_env=settings.proxy is None,
            transport=transport,
            follow_redirects=False,
            headers={
                "User-Agent": f"git-credential-azdo/{git_credential_azdo.__version__}",
                "Accept": "application/json",
                "Accept-Encoding": "identity",
            },
        )
    except (ImportError, ValueError, httpx.InvalidURL):
        raise NetworkError("the proxy's address is not valid", PROXY_HINT) from None


def _network_error(error: Exception, host: str, proxy: str | None) -> NetworkError:
    """Return the error that says why no response came, without the text of httpx's: it may quote a secret."""
    start = f"cannot reach {host}{_through(proxy)}"
    if isinstance(error, httpx.ProxyError):
        status = re.match(r"\d{3}\b", str(error))
        return NetworkError(
            f"cannot reach {host}: the proxy {proxy or 'set'} refused{f' ({status[0]})' if status else ''}",
            PROXY_HINT,
        )
    connecting = isinstance(error, httpx.ConnectError)
    for cause in _causes(error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            return NetworkError(
                f"{start}: its certificate does not verify ({cause.verify_message})", _TRUST_HINT
            )
        if isinstance(cause, ssl.SSLError):
            return NetworkError(
                f"{start}: no TLS connection ({getattr(cause, 'reason', None) or 'broken off'})"
            )
        if isinstance(cause, socket.gaierror):
            kind = _NotSentError if cause.errno == socket.EAI_AGAIN else NetworkError
            return kind(f"{start}: the name of the {'proxy' if proxy else 'host'} does not resolve")
        if isinstance(cause, ConnectionRefusedError):
            return _NotSentError(f"{start}: connection refused")
        if isinstance(cause, OSError) and connecting:
            return _NotSentError(f"{start}: {(cause.strerror or type(cause).__name__).lower()}")
    if isinstance(error, (httpx.NetworkError, httpx.RemoteProtocolError)):
        return NetworkError(f"{start}: the connection was closed before the response was complete")
    return NetworkError(f"{start}: {type(error).__name__}")


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield the error and its causes, down to the operating system's."""
    cause: BaseException | None = error
    while cause is not None:
        yield cause
        cause = cause.__cause__ or cause.__context__


def _host_of(url: str) -> str:
    """Return host and port of a URL for a message, never its user, path or query."""
    with contextlib.suppress(ValueError):
        return urlsplit(url).netloc.rpartition("@")[2] or "the server"
    return "the server"


def proxy_for(url: str, settings: Settings) -> str | None:
    """Return the proxy for this URL as it is configured, for messages only; None without one."""
    if settings.proxy is not None:
        return settings.proxy or None
    with contextlib.suppress(ValueError):
        parts = urlsplit(url)
        proxies = urllib.request.getproxies()
        proxy = proxies.get(parts.scheme) or proxies.get("all")
        if proxy and not urllib.request.proxy_bypass(parts.netloc.rpartition("@")[2]):
            return proxy
    return None


def _proxy_of(url: str, settings: Settings) -> str | None:
    """Return host and port of that proxy."""
    proxy = proxy_for(url, settings)
    return _host_of(proxy if "://" in proxy else f"//{proxy}") if proxy else None


def _through(proxy: str | None) -> str:
    return f" through the proxy {proxy}" if proxy else ""
