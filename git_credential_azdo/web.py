"""The one HTTP client, on httpx: bounded in time, always to an allowed origin.

Must never follow a redirect (a token would be sent to another host), send a body again that may have been processed,
or let an exception of the libraries out: each becomes a ``NetworkError`` of one line that names the host and no other
part of the URL. What ``Settings`` leave open, the environment decides; ``trust`` decides on certificates.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import time
from typing import TYPE_CHECKING, Any, final
from urllib.parse import urlsplit

import httpcore
import httpx

import git_credential_azdo
from git_credential_azdo import connection, deadline, errors, proxy
from git_credential_azdo.errors import AzdoError, NetworkError
from git_credential_azdo.git.network import Settings, proxy_elsewhere, settings_for
from git_credential_azdo.hosts import microsoft, origin
from git_credential_azdo.response import Response, read_body, retry_after

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterator, Mapping

    from git_credential_azdo.proxy import Proxy

PAUSE_SECONDS, MAX_PAUSE_SECONDS = 60.0, 3_600.0
"""How long a failing server is left alone, and the longest ``Retry-After`` that is believed."""
_PAUSES = (0.5, 1.0, 2.0)  # seconds before each further attempt
_RETRY_SECONDS = 5.0  # what took longer to fail, such as a dead name server, will fail again
_TRUST_HINT = (
    "set SSL_CERT_FILE to a file with the certificate authority of your network"
    " (git's setting for the same is http.sslCAInfo)"
)


class _Progress:
    """How far a request came, as httpcore reports it (its extension ``trace``)."""

    def __init__(self) -> None:
        self.connected = False
        """Whether there is a connection to the host, or to the proxy."""
        self.at_host = False
        """Whether the proxy, if there is one, has opened the way."""
        self.sent = False
        """Whether the host may have heard of the request."""
        self.challenges: list[str] = []
        """The proxy's values of Proxy-Authenticate."""

    def __call__(self, event: str, given: dict[str, Any]) -> None:
        """Note an event such as ``http11.send_request_headers.started``."""
        _, step, state = event.split(".")
        if (step, state) == ("connect_tcp", "complete"):
            self.connected = True
        elif (step, state) == ("send_request_headers", "started") and given["request"].method != b"CONNECT":
            self.at_host = self.sent = True
        elif event in ("proxy.start_tls.started", "socks.start_tls.started"):
            self.at_host = True
        elif event == "http11.receive_response_headers.complete":
            headers = given["return_value"][3]
            self.challenges = [v.decode("latin-1") for k, v in headers if k.lower() == b"proxy-authenticate"]


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
        transport: httpx.BaseTransport | None = None,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings_for = settings_for if settings is None else lambda _url: settings
        self._allowed = microsoft() if allowed is None else allowed
        self._transport = transport
        self._sleep = sleep
        self._clock = clock
        self._end = clock() + deadline
        self._clients: dict[tuple[Settings, Proxy | None], httpx.Client] = {}
        self.grace, self.answered = 0.0, False
        self.pause: float | None = None

    def __enter__(self) -> HttpClient:
        return self

    def __exit__(self, *_: object) -> None:
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
        sent = {"headers": dict(headers or {}), "data": form, "json": json}
        again = retry and method in ("GET", "HEAD")
        for pause in (*_PAUSES, None) if again else (None,):
            response = self._send(method, url, sent, _PAUSES if retry else ())
            asked = retry_after(response, time.time()) or 0.0
            self.pause = min(max(PAUSE_SECONDS, asked), MAX_PAUSE_SECONDS)
            wait = max(asked, pause or 0.0)
            if pause is None or response.status not in (429, 502, 503, 504) or wait >= self.remaining():
                break
            self._sleep(wait)
        return response

    def _send(self, method: str, url: str, sent: dict[str, Any], pauses: tuple[float, ...]) -> Response:
        """Send a request and return the response; again after each pause while no connection comes about.

        Raise NetworkError, ServiceError.
        """
        host = _host_of(url)
        if not self.remaining():
            raise NetworkError(f"cannot reach {host}: the time limit was reached before the request")
        start = self._clock()
        settings = self._settings_for(url)
        by = None if self._transport else proxy.of(url, settings)
        client = self._client(settings, by)
        through = by.through if by else ""
        for pause in (*pauses, None):
            progress = _Progress()
            try:
                with errors.Waiting(f"{host}{through}", self.remaining()):
                    return self._exchange(client, progress, method, url, sent)
            except AzdoError:
                raise
            except Exception as error:  # noqa: BLE001 - of several libraries, and any may quote a secret
                failed = error
            is_late = self._clock() > start + _RETRY_SECONDS or (pause or 0.0) >= self.remaining()
            if pause is None or is_late or not _may_pass(failed):
                break
            self._sleep(pause)
        hint: str | None
        if by and isinstance(failed, httpcore.ProxyError):
            text, hint = proxy.refusal(by, str(failed), progress.challenges)
            raise NetworkError(f"cannot reach {host}: the proxy {by.place} {text}", hint) from None
        timed_out = isinstance(failed, (TimeoutError, httpcore.TimeoutException))
        if by and progress.connected and not progress.at_host and not timed_out:
            raise NetworkError(
                f"cannot reach {host}: the proxy {by.place} {_bad_proxy(failed, by)}", proxy.HINT
            ) from None
        text, hint = _reason(failed, by, max(1, round(self._clock() - start)))
        if not hint and not _of_tls(failed):
            more, hint = ("", proxy.HINT) if by else self._proxy_elsewhere(url)
            text += more
        raise NetworkError(f"cannot reach {host}{through}: {text}", hint) from None

    def _proxy_elsewhere(self, url: str) -> tuple[str, str | None]:
        """Return that git's proxy is set for other addresses only, if it is, and the command that sets it for this one."""
        entry = proxy_elsewhere() if self._settings_for is settings_for else None
        if not entry:
            return "", None
        return f" ({entry.description} does not apply to it)", proxy.setting(entry.value or "", origin(url))

    def _client(self, settings: Settings, by: Proxy | None) -> httpx.Client:
        key = (settings, by)
        if key not in self._clients:
            headers = {
                "User-Agent": f"git-credential-azdo/{git_credential_azdo.__version__}",
                "Accept": "application/json",
                "Accept-Encoding": "identity",
            }
            if self._transport:
                made = httpx.Client(transport=self._transport, headers=headers)
            else:
                to_proxy = (
                    connection.tls_context(settings.of_proxy()) if by and by.scheme == "https" else None
                )
                made = connection.client(connection.tls_context(settings), by, to_proxy, headers)
            self._clients[key] = made
        return self._clients[key]

    def _exchange(
        self, client: httpx.Client, progress: _Progress, method: str, url: str, sent: dict[str, Any]
    ) -> Response:
        """Send a request once; in a thread, since httpx begins its time limits anew with each address and byte."""
        left, grace = self.remaining(), self.grace
        timeout = httpx.Timeout(left + grace, connect=left)
        self.answered = False

        def run() -> Response:
            request = client.build_request(
                method, url, timeout=timeout, extensions={"trace": progress}, **sent
            )
            with contextlib.closing(client.send(request, stream=True)) as response:
                # Removed, since httpx would decompress every layer that is named there, without limit.
                coding = response.headers.pop("content-encoding", "").strip().lower()
                body = read_body(response.iter_bytes(), coding, _host_of(url))
            self.answered = True
            return Response(_host_of(url), response.status_code, response.headers.multi_items(), body)

        try:
            if grace:  # the run's own timer ends it, and only this thread goes on in a child
                return run()
            return deadline.in_thread(run)(left)
        finally:
            if progress.sent:
                self.pause = PAUSE_SECONDS
                self._end, self.grace = self._end + grace, 0.0


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and its causes, down to the operating system's."""
    cause: BaseException | None = error
    while cause is not None:
        yield cause
        cause = cause.__cause__ or cause.__context__


def _may_pass(error: Exception) -> bool:
    """Return whether no connection came about for a reason that may be gone in a moment."""
    if not isinstance(error, httpcore.ConnectError) or _of_tls(error):
        return False
    unknown = next((cause for cause in _causes(error) if isinstance(cause, socket.gaierror)), None)
    return unknown is None or unknown.errno == socket.EAI_AGAIN


def _of_tls(error: Exception) -> bool:
    return any(isinstance(cause, ssl.SSLError) for cause in _causes(error))


def _bad_proxy(error: Exception, by: Proxy) -> str:
    for cause in _causes(error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"has a certificate that does not verify ({connection.verify_message(cause)})"
    return f"closed the connection, or does not speak {by.scheme}"


def _reason(error: Exception, by: Proxy | None, seconds: int) -> tuple[str, str | None]:
    """Return why no response came, without the error's own text, which may quote a secret, and the hint."""
    if isinstance(error, (TimeoutError, httpcore.TimeoutException)):
        over = str(error) if isinstance(error, connection.TimedOut) else ""
        return f"timed out after {seconds} s{over}", None
    for cause in _causes(error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"its certificate does not verify ({connection.verify_message(cause)})", _TRUST_HINT
        if isinstance(cause, ssl.SSLError):
            return f"no TLS connection ({getattr(cause, 'reason', None) or 'broken off'})", None
        if isinstance(cause, socket.gaierror):
            return f"the name of the {'proxy' if by else 'host'} does not resolve", None
        if isinstance(cause, ConnectionRefusedError):
            return "connection refused", None
        if isinstance(cause, OSError) and not isinstance(cause, ConnectionError):
            return (cause.strerror or type(cause).__name__).lower(), None
    if isinstance(error, (httpcore.NetworkError, httpcore.ProtocolError, ConnectionError)):
        return "the connection was closed before the response was complete", None
    return type(error).__name__, None


def _host_of(url: str) -> str:
    """Return host and port of a URL for a message, never its user, path or query."""
    with contextlib.suppress(ValueError):
        return urlsplit(url).netloc.rpartition("@")[2] or "the server"
    return "the server"
