"""Proxies: which one a request takes, and what is said of one that does not open the way.

Must never send a proxy a user without a password (each empty one counts as a failed sign-in, which may lock the person
out), nor quote what a proxy said.
"""

from __future__ import annotations

import functools
import urllib.request
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import unquote, urlsplit

from git_credential_azdo import hints
from git_credential_azdo.errors import AzdoError, NetworkError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from git_credential_azdo.git.network import Settings

HINT = "check HTTPS_PROXY and NO_PROXY (git's setting for the same is http.proxy)"
_PORTS = {
    "http": 1080,
    "https": 443,
    "socks5": 1080,
    "socks5h": 1080,
}
"""curl's own, which git leaves as they are."""
_NOT_OURS = frozenset(("digest", "negotiate", "ntlm"))
"""Values of http.proxyAuthMethod, and authentication schemes of RFC 9110, in lower case."""


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
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def through(self) -> str:
        """What a message says after a host that is reached by this proxy."""
        return f" through the proxy {self.place}"

    @property
    def with_password(self) -> str:
        """The command that gives git the user and the password of this proxy."""
        return hints.http_proxy(f"{self.scheme}://USER:PASSWORD@{self.place}")


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


def refusal(by: Proxy, text: str, challenges: Sequence[str]) -> tuple[str, str]:
    """Return what a proxy did, for after its name, and the hint.

    ``text``: httpcore's, either the status of CONNECT or a reply of SOCKS5 (RFC 1928) in its own words.
    ``challenges``: the values of Proxy-Authenticate.
    """
    could_not = "Proxy Server could not connect: "
    if text.startswith(could_not):
        return f"refused ({text.removeprefix(could_not).rstrip('.').lower()})", HINT
    if text[:3].isdigit() and not text.startswith("407"):
        return f"refused ({text[:3]})", HINT
    offered = {challenge.partition(" ")[0].lower() for challenge in challenges}
    if offered and "basic" not in offered:
        named = " and ".join(sorted(offered & _NOT_OURS)) or "a sign-in"
        return f"wants {named}, which this program cannot do (407)", hints.PX_PAGE
    if by.password:
        return "does not accept the user and password (407)", by.with_password
    return "wants a user and password (407)", by.with_password
