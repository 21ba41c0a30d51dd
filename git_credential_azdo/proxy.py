"""Proxies: which one a request uses, and the error when a request gets no response.

Must never send a proxy a user without a password (each empty one counts as a failed sign-in, which may lock the
account), nor quote what a proxy sent.
"""

from __future__ import annotations

import contextlib
import functools
import socket
import ssl
import time
import urllib.request
from collections.abc import Iterable, Iterator, Sequence
from typing import Any
from urllib.parse import unquote, urlsplit

import httpcore

from git_credential_azdo import hints
from git_credential_azdo.connection import TimedOut, UnknownHostError
from git_credential_azdo.errors import AzdoError, NetworkError
from git_credential_azdo.git.network import Proxy, Settings, elsewhere
from git_credential_azdo.git.target import origin

HINT = "check HTTPS_PROXY and NO_PROXY (git's setting for the same is http.proxy)"
TRUST_HINT = (
    "set SSL_CERT_FILE to a file with the certificate authority of your network"
    " (git's setting for the same is http.sslCAInfo)"
)
LOOK_HINT = "open the page in a browser: it may come from a proxy, or be a sign-in page or a notice"
_OWN_HINT = "set http.sslCert and http.sslKey of git to the files of your client certificate"
_CLOCK_HINT = "check the date of this machine; where it is right, the server needs a new certificate"
_CERTIFICATE_HINTS = {9: _CLOCK_HINT, 10: _CLOCK_HINT, 62: LOOK_HINT, 64: LOOK_HINT}
"""Keyed by OpenSSL's X509_V_ERR_CERT_NOT_YET_VALID, _CERT_HAS_EXPIRED, _HOSTNAME_MISMATCH and _IP_ADDRESS_MISMATCH."""
_PORTS = {"http": 1080, "https": 443, "socks5": 1080, "socks5h": 1080}
"""curl's default ports, which git does not change."""
_SOCKS_4 = frozenset(("socks", "socks4", "socks4a"))
_NOT_OURS = frozenset(("digest", "negotiate", "ntlm"))
"""Values of http.proxyAuthMethod, and authentication schemes of RFC 9110, in lower case."""
CONNECTED, AT_HOST, SENT = 1, 2, 3
"""Stages: connected to the host or its proxy, tunnel to the host opened, request sent, at least in part."""


def parse(text: str) -> Proxy:
    """Return the proxy that a URL or ``host:port`` names. Raise ValueError, whose text may hold a password."""
    parts = urlsplit(text if "://" in text else f"http://{text}")
    if not parts.hostname or parts.scheme not in _PORTS:
        raise ValueError
    host = parts.hostname.encode("idna").decode()
    user, password = (
        each and unquote(each, errors="surrogateescape") for each in (parts.username, parts.password)
    )
    return Proxy(parts.scheme, host, parts.port or _PORTS[parts.scheme], user or None, password)


def for_url(url: str, settings: Settings) -> Proxy | None:
    """Return the proxy for a URL: git's, else the environment's, or on macOS and Windows the system's.

    For a proxy with a user but no password, git's credential helpers are asked, as git does. Raise NetworkError for a
    proxy that cannot be used, without its URL, which may hold a password.
    """
    text = _of_environment(url) if settings.proxy is None else settings.proxy
    try:
        found = parse(text) if text else None
    except ValueError:
        scheme, _, rest = (text or "").partition("://")
        if scheme.lower() in _SOCKS_4:
            socks_5 = hints.http("proxy", f"socks5h://{rest.rpartition('@')[2].rstrip('/')}")
            text = f"{scheme.lower()}:// proxies are not supported"
            raise NetworkError(text, f"where it speaks SOCKS 5 too, as most do: {socks_5}") from None
        raise NetworkError("the proxy's address is not valid", HINT) from None
    if found and found.user and settings.proxy_method in _NOT_OURS:
        method = settings.proxy_method
        raise NetworkError(
            f"http.proxyAuthMethod is {method}, which this program does not support", hints.PX_PAGE
        )
    if found and found.user and found.password is None:
        found = found._replace(password=_ask_helpers(text or "", found.user))
        if not found.password:
            raise NetworkError(
                f"the password for the proxy {found.host_and_port} is missing", found.with_password
            )
    return found


def setting(text: str, address: str) -> str | None:
    """Return the command that sets a proxy for an address as well, without user and password; None for an invalid one."""
    try:
        found = parse(text)
    except ValueError:
        return None
    user = "USER:PASSWORD@" if found.user else ""
    return hints.http("proxy", f"{found.scheme}://{user}{found.host_and_port}", address)


@functools.cache
def _ask_helpers(text: str, user: str) -> str | None:
    """Return a proxy's password from git's credential helpers, asked as git asks them, or None."""
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


class Progress:
    """How far a request got, as httpcore reports it (its ``trace`` extension)."""

    def __init__(self) -> None:
        self.began = time.monotonic()
        self.stage = 0
        self.challenges: list[str] = []
        """The values of the proxy's Proxy-Authenticate headers."""

    def __call__(self, event: str, given: dict[str, Any]) -> None:
        """Record an event such as ``http11.send_request_headers.started``."""
        _, step, state = event.split(".")
        if (step, state) == ("connect_tcp", "complete"):
            self.stage = max(self.stage, CONNECTED)
        elif (step, state) == ("send_request_headers", "started") and given["request"].method != b"CONNECT":
            self.stage = SENT
        elif event in ("proxy.start_tls.started", "socks.start_tls.started"):
            self.stage = max(self.stage, AT_HOST)
        elif event == "http11.receive_response_headers.complete":
            headers = given["return_value"][3]
            self.challenges = [v.decode("latin-1") for k, v in headers if k.lower() == b"proxy-authenticate"]


class NoConnectionError(NetworkError):
    """No connection could be made, for a reason that may be temporary."""


def host_of(url: str) -> str:
    """Return the host and port of a URL for a message, never its user, path or query."""
    with contextlib.suppress(ValueError):
        return urlsplit(url).netloc.rpartition("@")[2] or "the server"
    return "the server"


def failure(
    url: str, error: Exception, by: Proxy | None, progress: Progress, *, is_of_git: bool
) -> NetworkError:
    """Return the error for a request without a response, but without ``error``'s text, which may quote a secret.

    ``is_of_git``: whether the settings are git's; then one that git has for other addresses only is named.
    """
    causes = list(_causes(error))
    untrusted = next((each for each in causes if isinstance(each, ssl.SSLCertVerificationError)), None)
    # truststore gives no reason if no certificate was sent.
    why = f"({getattr(untrusted, 'verify_message', '') or 'none was sent'})"
    timed_out = isinstance(error, (TimeoutError, httpcore.TimeoutException))
    kind: type[NetworkError] = NetworkError
    subject = f"{by.through}: " if by else ": "
    hint: str | None = HINT if by else None
    if by and isinstance(error, httpcore.ProxyError):
        subject = f": the proxy {by.host_and_port} "
        text, hint = _refusal(by, str(error), progress.challenges)
    elif by and progress.stage == CONNECTED and not timed_out:
        subject = f": the proxy {by.host_and_port} "
        closed = f"closed the connection, or does not speak {by.scheme}"
        text = f"failed certificate verification {why}" if untrusted else closed
        kind = NetworkError if untrusted else NoConnectionError
    elif timed_out:
        over = str(error) if isinstance(error, TimedOut) else ""
        text = f"timed out after {max(1, round(time.monotonic() - progress.began))} s{over}"
    elif untrusted:
        text = f"certificate verification failed {why}"
        hint = _CERTIFICATE_HINTS.get(getattr(untrusted, "verify_code", 0), TRUST_HINT)
    elif broken := next((each for each in causes if isinstance(each, ssl.SSLError)), None):
        reason = getattr(broken, "reason", None) or "broken off"
        text = f"TLS handshake failed ({reason})"
        hint = _OWN_HINT if "CERTIFICATE_REQUIRED" in reason else hint
    else:
        text = _reason(error, causes, by)
        if by and isinstance(error, UnknownHostError):  # with socks5h the proxy resolves it
            hint = hints.http("proxy", f"socks5h://{'USER:PASSWORD@' if by.user else ''}{by.host_and_port}")
        unknown = next((each for each in causes if isinstance(each, socket.gaierror)), None)
        if isinstance(error, httpcore.ConnectError) and (not unknown or unknown.errno == socket.EAI_AGAIN):
            kind = NoConnectionError
    key = "sslCAInfo" if untrusted and hint == TRUST_HINT else "" if untrusted or by else "proxy"
    other = elsewhere(key) if is_of_git and key else None
    if other:
        text += f" ({other.description} does not apply to it)"
        value = other.value or ""
        hint = setting(value, origin(url)) if key == "proxy" else hints.http(key, value, origin(url))
    return kind(f"cannot reach {host_of(url)}{subject}{text}", hint)


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and its causes, down to the operating system's."""
    cause: BaseException | None = error
    while cause is not None:
        yield cause
        cause = cause.__cause__ or cause.__context__


def _reason(error: Exception, causes: Iterable[BaseException], by: Proxy | None) -> str:
    for cause in causes:
        if isinstance(cause, socket.gaierror):
            of_proxy = by and not isinstance(error, UnknownHostError)
            return f"the name of the {'proxy' if of_proxy else 'host'} could not be resolved"
        if isinstance(cause, ConnectionRefusedError):
            return "connection refused"
        if isinstance(cause, OSError) and not isinstance(cause, ConnectionError):
            return (cause.strerror or type(cause).__name__).lower()
    if isinstance(error, (httpcore.NetworkError, httpcore.ProtocolError, ConnectionError)):
        return "the connection was closed before the response was complete"
    return type(error).__name__


def _refusal(by: Proxy, text: str, challenges: Sequence[str]) -> tuple[str, str]:
    """Return what a proxy did, as the text that follows its name, and the hint.

    ``text``: httpcore's, either the status of CONNECT or its wording of a SOCKS5 reply (RFC 1928).
    ``challenges``: the values of Proxy-Authenticate.
    """
    could_not = "Proxy Server could not connect: "
    if text.startswith(could_not):
        return f"refused ({text.removeprefix(could_not).rstrip('.').lower()})", HINT
    if text[:3].isdigit() and not text.startswith("407"):
        return f"refused ({text[:3]})", HINT
    offered = {word.split()[0].lower() for each in challenges for word in each.split(",") if word.strip()}
    if offered and "basic" not in offered:
        named = " or ".join(sorted(offered & _NOT_OURS)) or "a sign-in"
        return f"requires {named}, which this program does not support (407)", hints.PX_PAGE
    if by.password:
        return "does not accept the user and password (407)", by.with_password
    return "requires a user and password (407)", by.with_password
