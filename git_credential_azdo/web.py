"""The program's only HTTP client, on httpx: bounded in time and size, and limited to allowed origins.

Must never follow a redirect (a token would be sent to another host), resend a body that may have been processed, or
let a library's exception escape: each becomes a ``NetworkError`` of one line that names the host and no other part of
the URL. What ``Settings`` does not set is taken from the environment.
"""

from __future__ import annotations

import contextlib
import json as json_codec
import re
import time
import zlib
from collections.abc import Callable, Container, Iterable, Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import Any, final

import httpx

import git_credential_azdo
from git_credential_azdo import connection, deadline, errors, proxy
from git_credential_azdo.errors import AzdoError, NetworkError, ServiceError
from git_credential_azdo.git.network import Proxy, Settings, settings_for
from git_credential_azdo.git.target import microsoft, origin

PAUSE_SECONDS, MAX_PAUSE_SECONDS = 60.0, 3_600.0
"""How long a failing server is not contacted again, and the longest ``Retry-After`` that is honored."""
_PAUSES = (0.5, 1.0, 2.0)  # seconds before each further attempt
_BUSY = frozenset((429, 502, 503, 504))
_RETRY_SECONDS = 5.0  # a slower failure, such as a dead name server, would only repeat itself
_MAX_BYTES = 16 * 1024 * 1024  # far more than any response that this program needs
_HTML = re.compile(rb"\s*<(?:!doctype|html|head|\?xml)", re.IGNORECASE)
_HEADERS = {
    "User-Agent": f"git-credential-azdo/{git_credential_azdo.__version__}",
    "Accept": "application/json",
    "Accept-Encoding": "identity",
}


@dataclass(frozen=True, slots=True)
class Response:
    """A response of any status: ``body`` in bytes, decompressed, ``headers`` in order.

    Must never show a body: it may be a secret.
    """

    host: str
    status: int
    headers: list[tuple[str, str]] = field(repr=False)
    body: bytes = field(repr=False)

    def all(self, name: str) -> list[str]:
        """Return every value of a header, in order; names are case-insensitive."""
        wanted = name.lower()
        return [value for key, value in self.headers if key.lower() == wanted]

    def header(self, name: str) -> str | None:
        """Return the first value of a header, or None."""
        return next(iter(self.all(name)), None)

    def json(self) -> object:
        """Return the body as JSON; Azure DevOps may put a UTF-8 BOM first. Raise ServiceError when it is not JSON."""
        try:
            text = self.body.decode("utf-8-sig")
            document: object = json_codec.loads(text)
            if "\\ud" in text.lower():  # an unpaired surrogate cannot be encoded
                json_codec.dumps(document, ensure_ascii=False).encode()
        except (ValueError, RecursionError):
            pass
        else:
            return document
        if _HTML.match(self.body) or "html" in (self.header("content-type") or ""):
            raise ServiceError(
                f"{self.host} returned an HTML page instead of JSON (status {self.status})",
                proxy.LOOK_HINT,
            )
        raise ServiceError(f"{self.host} returned a response that is not JSON (status {self.status})")

    def fields(self) -> Mapping[str, object]:
        """Return the body if it is a JSON object, else an empty one."""
        try:
            document = self.json()
        except ServiceError:
            return {}
        return document if isinstance(document, dict) else {}


def retry_after(response: Response, now: float) -> float | None:
    """Return ``Retry-After`` (RFC 9110: seconds or a date) in seconds, or None. ``now``: seconds since the epoch."""
    text = (response.header("retry-after") or "").strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - now)
    except (ValueError, OverflowError):
        return None


def read_body(chunks: Iterable[bytes], coding: str, host: str) -> bytes:
    """Return a body of at most _MAX_BYTES, counted as received and as decompressed. Raise ServiceError.

    ``coding``: its Content-Encoding. None is requested, but one layer of gzip is accepted, since some proxies add it.
    """
    if coding not in ("", "identity", "gzip", "x-gzip"):
        raise ServiceError(f"{host} used a content encoding that was not requested", proxy.HINT)
    decompressor = zlib.decompressobj(zlib.MAX_WBITS | 16) if "gzip" in coding else None
    body = bytearray()
    received = 0
    try:
        for chunk in chunks:
            received += len(chunk)
            body += decompressor.decompress(chunk, _MAX_BYTES + 1 - len(body)) if decompressor else chunk
            if max(received, len(body)) > _MAX_BYTES:
                raise ServiceError(f"{host} sent more than {_MAX_BYTES // 2**20} MiB")
    except zlib.error:
        raise ServiceError(f"{host} sent a response that cannot be decompressed", proxy.HINT) from None
    if decompressor and received and not decompressor.eof:
        raise ServiceError(f"{host} sent an incomplete response", proxy.HINT)
    return bytes(body)


def _leads_to(address: str, url: str) -> bool:
    """Return whether httpx, whose reading of a URL is its own, sends a request for it to this origin."""
    try:
        read = httpx.URL(url)
    except (httpx.InvalidURL, UnicodeError):
        return False
    return f"{read.scheme}://{read.netloc.decode('ascii')}" == address


@final
class HttpClient:
    """The client for all requests of one task. ``deadline``: seconds for all of them together, from construction.

    ``settings``: proxy and certificates; git's configuration for each URL if None.
    ``allowed``: the origins that requests may go to, such as ``https://dev.azure.com``; all others are refused.
    ``sleep``, ``clock`` (monotonic seconds) and ``transport`` (instead of the network) are for tests.
    ``grace``: how many seconds after the deadline the first response may still arrive.
    ``answered``: whether the last response is complete.
    ``pause``: for how many seconds not to contact the server again; None while no request has reached it.
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
        self._settings = settings
        self._allowed = microsoft() if allowed is None else allowed
        self._transport = transport
        self._sleep = sleep
        self._clock = clock
        self._end = clock() + deadline
        self._clients: dict[tuple[Settings, Proxy | None, str], httpx.Client] = {}
        self.grace, self.answered, self._progress = 0.0, False, proxy.Progress()
        self.pause: float | None = None

    def __enter__(self) -> HttpClient:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close every connection except those that a thread is still reading."""
        for client in self._clients.values():
            client.close()

    def renew(self, seconds: float) -> None:
        """Restart the deadline, so many seconds from now: time that the user has taken must not count."""
        self._end = self._clock() + seconds

    @property
    def is_sent(self) -> bool:
        """Whether the last request was sent, so that the server may have acted on it."""
        return self._progress.stage == proxy.SENT

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
        """Send a request and return the response, whatever its status, including 3xx. Raise NetworkError, ServiceError.

        ``elsewhere``: whether the caller vouches for the URL's origin, which need not be among the allowed ones.
        With ``retry``, it is sent again within the deadline, at most three times: GET and HEAD after 429, 502, 503 or
        504, once the pause that the server asks for is over; any method if no connection could be made.
        """
        address = origin(url)
        if not _leads_to(address, url) or not (elsewhere or address in self._allowed):
            raise NetworkError(f"{proxy.host_of(url)} is not a host that requests of this program may go to")
        sent = {"headers": dict(headers or {}), "data": form, "json": json}
        pauses = iter(_PAUSES if retry else ())
        while True:
            pause, began = next(pauses, None), self._clock()
            wait = pause or 0.0
            try:
                response = self._exchange(method, url, sent)
            except proxy.NoConnectionError:
                if pause is None or self._clock() > began + _RETRY_SECONDS or wait >= self.remaining():
                    raise
            else:
                asked = retry_after(response, time.time()) or 0.0
                self.pause = min(max(PAUSE_SECONDS, asked), MAX_PAUSE_SECONDS)
                wait = max(asked, wait)
                is_final = method not in {"GET", "HEAD"} or response.status not in _BUSY
                if pause is None or is_final or wait >= self.remaining():
                    return response
            self.wait_before_next(proxy.host_of(url), wait)

    def wait_before_next(self, what: str, seconds: float) -> None:
        """Wait so many seconds before the next request; ``what`` is named to the user meanwhile."""
        with errors.Waiting(what, seconds):
            self._sleep(seconds)

    def _exchange(self, method: str, url: str, sent: dict[str, Any]) -> Response:
        """Send a request once, in a thread: httpx restarts its time limits with each address and each byte received.

        Raise NoConnectionError when another attempt may connect, NetworkError, ServiceError.
        """
        host = proxy.host_of(url)
        if not self.remaining():
            raise NetworkError(f"cannot reach {host}: the time limit was reached before the request")
        settings = settings_for(url) if self._settings is None else self._settings
        by = None if self._transport else proxy.for_url(url, settings)
        client = self._client(settings, by, host if by and by.scheme == "socks5" else "")
        self._progress = progress = proxy.Progress()
        # With a limit of zero the socket would not block at all, and its error would not be a timeout.
        left, grace = max(0.001, self.remaining()), self.grace
        timeout = httpx.Timeout(left + grace, connect=left)
        self.answered = False
        ended: list[bool] = []

        def run() -> Response:
            request = client.build_request(
                method, url, timeout=timeout, extensions={"trace": progress}, **sent
            )
            try:
                with contextlib.closing(client.send(request, stream=True)) as response:
                    # Removed, since httpx would decompress every layer that it names, without limit.
                    coding = response.headers.pop("content-encoding", "").strip().lower()
                    body = read_body(response.iter_bytes(), coding, host)
            finally:
                ended.append(True)
                if client not in self._clients.values():
                    client.close()
            self.answered = True
            errors.trace(f"{method} {host}: {response.status_code}")
            return Response(host, response.status_code, response.headers.multi_items(), body)

        try:
            with errors.Waiting(f"{host}{by.through if by else ''}", left):
                if grace:  # a forked child continues with this thread only
                    return deadline.in_main_thread(run, left)
                return deadline.in_thread(run)(left)
        except AzdoError:
            raise
        except Exception as error:  # noqa: BLE001 - from several libraries, and any may quote a secret
            failed = error
            if isinstance(error, deadline.TimedOut):
                # Its thread still reads and will close it: closed here, its descriptor could be reused meanwhile.
                self._clients = {key: each for key, each in self._clients.items() if each is not client}
                if ended:
                    client.close()
        finally:
            if self.is_sent:
                self.pause = PAUSE_SECONDS
                self._end, self.grace = self._end + grace, 0.0
        raise proxy.failure(url, failed, by, progress, is_of_git=self._settings is None)

    def _client(self, settings: Settings, by: Proxy | None, host: str) -> httpx.Client:
        key = (settings, by, host)
        if key not in self._clients:
            make = deadline.in_thread(lambda: self._transport or connection.transport(settings, by))
            try:
                made = make(self.remaining())
            except deadline.TimedOut:  # the file may be a pipe
                raise NetworkError(
                    "a file of certificates could not be read in time", proxy.TRUST_HINT
                ) from None
            self._clients[key] = httpx.Client(transport=made, trust_env=False, headers=_HEADERS)
        return self._clients[key]
