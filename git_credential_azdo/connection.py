"""Connections for the HTTP client: httpx on httpcore, with the certificate authorities that git would trust.

The first address that answers is used, so that an IPv6 path that drops packets costs a quarter of a second (RFC 8305).
httpcore handles TLS, proxies and SOCKS. Must never ask a name server for a host that is reached through a proxy (except
with socks5://, where curl does), skip verification unless git's own http.sslVerify says so, or ask for a passphrase.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import queue
import socket
import ssl
import sys
import threading
import time
from typing import TYPE_CHECKING, Any, final

import certifi
import httpcore
import httpx

from git_credential_azdo import hints
from git_credential_azdo.errors import NetworkError
from git_credential_azdo.inherited import are_absolute

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from git_credential_azdo.git.network import Proxy, Settings

    Address = tuple[int, str, int]  # family, IP address, port

_CONNECT_SECONDS = 15.0  # enough for a dead name server before the next one, or for two lost packets
_RESOLVING = 0.9  # the share of that for name servers, so that they are reported as the reason
_PATIENCE_SECONDS = 2.0  # with a name server, before IPv4 alone is asked for
_ATTEMPT_DELAY = 0.25  # RFC 8305 section 5


class TimedOut(httpcore.ConnectTimeout):
    """No address answered in time; the text is `` over IPv6`` if only IPv6 addresses were still being tried."""


class UnknownHostError(httpcore.ConnectError):
    """The name of a host to be reached through a proxy does not resolve on this machine."""


@final
class Racing(httpcore.SyncBackend):
    """An httpcore network backend that tries the addresses of a host until one connection is established."""

    def __init__(self) -> None:
        self._made: list[httpcore.NetworkStream] = []

    def close(self) -> None:
        """Close every connection, including those that lost the race or whose proxy refused: httpcore keeps neither."""
        for stream in self._made:
            stream.close()

    def connect_tcp(
        self, host: str, port: int, timeout: float | None = None, *_: object, **_options: object
    ) -> httpcore.NetworkStream:
        """Return the connection. Raise httpcore's errors, with the operating system's as the cause."""
        seconds = min(timeout or _CONNECT_SECONDS, _CONNECT_SECONDS)
        end = time.monotonic() + seconds
        return self.race(_addresses(host, port, httpcore.ConnectError, _RESOLVING * seconds), end)

    def race(self, addresses: Sequence[Address], end: float) -> httpcore.NetworkStream:
        """Return the connection that is established first, trying the families by turns. Raise as ``connect_tcp``.

        The error is that of an address that was reached, if any was. ``end``: monotonic seconds.
        """
        results: queue.SimpleQueue[tuple[int, httpcore.NetworkStream | Exception]] = queue.SimpleQueue()

        def attempt(family: int, address: str, port: int) -> None:
            try:
                made = super(Racing, self).connect_tcp(address, port, max(0.01, end - time.monotonic()))
            except Exception as error:  # noqa: BLE001 - it is raised in the thread that waits
                results.put((family, error))
            else:
                self._made.append(made)
                results.put((family, made))

        waiting = _by_turns(addresses)
        running: list[int] = []
        failures: list[Exception] = []
        while (waiting or running) and time.monotonic() < end:
            if waiting:
                running.append(waiting[0][0])
                threading.Thread(target=attempt, args=waiting.pop(0), daemon=True).start()
            left = max(0.0, end - time.monotonic())
            try:
                family, result = results.get(timeout=min(left, _ATTEMPT_DELAY) if waiting else left)
            except queue.Empty:
                continue
            if isinstance(result, httpcore.NetworkStream):
                return result
            if isinstance(result, httpcore.ConnectTimeout):
                continue  # without the time limit it would still be tried
            running.remove(family)
            failures.append(result)
        if running or not failures:
            raise TimedOut(" over IPv6" if set(running) == {socket.AF_INET6} else "")
        reached = (each for each in failures if isinstance(each.__cause__, ConnectionError))
        raise next(reached, failures[0])


def _addresses(host: str, port: int, unknown: type[httpcore.ConnectError], seconds: float) -> list[Address]:
    """Return the addresses of a host, best first. Raise ``unknown``, with the operating system's error as the cause.

    Some name servers never answer for IPv6, and the system waits for them: then IPv4 alone is asked for as well.
    """
    answers: queue.SimpleQueue[list[Any] | OSError] = queue.SimpleQueue()

    def ask(family: int) -> None:
        try:
            answers.put(socket.getaddrinfo(host, port, family, socket.SOCK_STREAM))
        except UnicodeError:
            answers.put(socket.gaierror(socket.EAI_NONAME, "not a host name"))
        except OSError as error:
            answers.put(error)

    end, running = time.monotonic() + seconds, 0
    failed: OSError = socket.gaierror(socket.EAI_AGAIN, "no answer")
    for family, patience in ((socket.AF_UNSPEC, _PATIENCE_SECONDS), (socket.AF_INET, seconds)):
        threading.Thread(target=ask, args=(family,), daemon=True).start()
        running += 1
        with contextlib.suppress(queue.Empty):
            while running:
                answer = answers.get(timeout=max(0.0, min(patience, end - time.monotonic())))
                running -= 1
                if isinstance(answer, list):
                    return [(each[0], str(each[4][0]), int(each[4][1])) for each in answer]
                failed = answer
        if not running:
            break
    try:
        raise failed
    except OSError as error:  # httpcore drops the __cause__, but not the __context__
        raise unknown from error


def _by_turns(addresses: Sequence[Address]) -> list[Address]:
    """Return the addresses with alternating families, beginning with the first one's (RFC 8305 section 4)."""
    families = [list(group) for _, group in itertools.groupby(addresses, key=lambda each: each[0])]
    return [each for turn in itertools.zip_longest(*families) for each in turn if each]


class _Transport(httpx.BaseTransport):
    """An httpx transport on an httpcore pool: httpx itself takes no network backend. Errors stay httpcore's.

    ``by_address``: whether the proxy gets the host's address instead of its name.
    """

    def __init__(self, pool: httpcore.ConnectionPool, network: Racing, *, by_address: bool) -> None:
        self._pool, self._network, self._by_address = pool, network, by_address

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        url, host = request.url, request.url.raw_host
        if self._by_address:
            request.extensions["sni_hostname"] = url.host
            seconds = _RESOLVING * min(request.extensions["timeout"]["connect"], _CONNECT_SECONDS)
            host = _addresses(url.host, url.port or 443, UnknownHostError, seconds)[0][1].encode()
        response = self._pool.handle_request(
            httpcore.Request(
                request.method,
                httpcore.URL(scheme=url.raw_scheme, host=host, port=url.port, target=url.raw_path),
                headers=request.headers.raw,
                content=request.stream,
                extensions=request.extensions,
            )
        )
        return httpx.Response(response.status, headers=response.headers, stream=_Body(response))

    def close(self) -> None:
        self._pool.close()
        self._network.close()


class _Body(httpx.SyncByteStream):
    def __init__(self, response: httpcore.Response) -> None:
        self._response = response

    def __iter__(self) -> Iterator[bytes]:
        return self._response.iter_stream()

    def close(self) -> None:
        self._response.close()


def transport(settings: Settings, by: Proxy | None) -> httpx.BaseTransport:
    """Return the transport that reaches hosts through this proxy, or directly. Raise NetworkError.

    With a socks5:// proxy it may serve one host only, since the pool then knows connections by address, not by name.
    """
    network, proxy = Racing(), None
    if by:
        user, password = (each and each.encode("utf-8", "surrogateescape") for each in (by.user, by.password))
        auth = None if user is None or password is None else (user, password)
        tls = tls_context(settings.of_proxy(), "http.proxySSL") if by.scheme == "https" else None
        proxy = httpcore.Proxy(f"{by.scheme}://{by.host_and_port}", auth, ssl_context=tls)
    pool = httpcore.ConnectionPool(tls_context(settings), proxy=proxy, network_backend=network)
    return _Transport(pool, network, by_address=by is not None and by.scheme == "socks5")


def tls_context(settings: Settings, keys: str = "http.ssl") -> ssl.SSLContext:
    """Return the TLS context. Raise NetworkError when a file cannot be read. ``keys``: prefix of git's keys, for messages.

    It trusts the files that git's settings name, else SSL_CERT_FILE and SSL_CERT_DIR (OpenSSL's own variables), else
    the operating system's verification on macOS and Windows (through ``truststore``: Python's ssl reads neither the
    Keychain nor the roots that Windows downloads on demand), else OpenSSL's store, else certifi's if that is empty.
    """
    is_set = bool(settings.ca_file or settings.ca_path)
    cafile = settings.ca_file if is_set else os.environ.get("SSL_CERT_FILE") or None
    capath = settings.ca_path if is_set else os.environ.get("SSL_CERT_DIR") or None
    for variable in () if is_set else ("SSL_CERT_FILE", "SSL_CERT_DIR"):
        if not are_absolute(os.environ.get(variable, ""), several=variable == "SSL_CERT_DIR"):
            raise NetworkError(
                f"{variable} is a relative path: a repository could provide the file", hints.unset(variable)
            )
    if not (cafile or capath) and sys.platform in {"darwin", "win32"}:
        import truststore  # noqa: PLC0415 - installed on these systems only

        context: ssl.SSLContext = truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        return _with_settings(context, settings, keys)
    try:
        context = ssl.create_default_context(cafile=cafile, capath=capath)
    except OSError as error:
        raise NetworkError(
            f"cannot read the certificates of {cafile or capath} ({getattr(error, 'reason', None) or error.strerror})",
            f"correct or remove {f'{keys}CAInfo' if is_set else 'SSL_CERT_FILE'}",
        ) from None
    if not (cafile or capath) and not _system_has_certificates(context):
        context.load_verify_locations(cafile=certifi.where())
    # Since 3.13 Python rejects authorities that git, curl and browsers accept and corporate proxies use; chain,
    # dates and host name are still verified.
    context.verify_flags &= ~getattr(ssl, "VERIFY_X509_STRICT", 0)
    return _with_settings(context, settings, keys)


def _with_settings(context: ssl.SSLContext, settings: Settings, keys: str) -> ssl.SSLContext:
    if settings.certificate:
        try:
            context.load_cert_chain(settings.certificate, settings.key, password=lambda: "")
        except (OSError, ValueError) as error:
            why = getattr(error, "reason", None) or type(error).__name__
            raise NetworkError(
                f"cannot use the client certificate {settings.certificate} ({why})",
                f"correct or remove {keys}Cert and {keys}Key (a key with a passphrase cannot be used)",
            ) from None
    if not settings.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _system_has_certificates(context: ssl.SSLContext) -> bool:
    """Return whether OpenSSL has certificates: in its store, or in its folder of hashed files, not counted there."""
    if context.cert_store_stats()["x509_ca"]:
        return True
    folder = ssl.get_default_verify_paths().capath
    try:
        return bool(folder) and any(name.endswith(".0") for name in os.listdir(folder))
    except OSError:
        return False
