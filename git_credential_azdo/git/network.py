"""Proxy, certificate authorities and client certificate, from git's configuration and its environment variables.

Must never follow the configuration of a repository, or a relative path, which could point into one: git risks an access
token that way, this program a refresh token. A setting that leaves proxy or trust in doubt is an error; without git
nothing is set. Rules: git's Documentation/config/http.adoc and http.c; ``NO_PROXY`` also applies to ``http.proxy``.
"""

from __future__ import annotations

import functools
import os
import urllib.request
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple
from urllib.parse import urlsplit

from git_credential_azdo import hints, programs
from git_credential_azdo.errors import UsageError, say
from git_credential_azdo.git.config import Entry, as_bool, entry_for, read_config, removal, run_git, split_key
from git_credential_azdo.git.edit import expanded
from git_credential_azdo.inherited import are_absolute

_FILES = {
    "http.sslCAInfo": "GIT_SSL_CAINFO",
    "http.sslCAPath": "GIT_SSL_CAPATH",
    "http.sslCert": "GIT_SSL_CERT",
    "http.sslKey": "GIT_SSL_KEY",
    "http.proxySSLCAInfo": "GIT_PROXY_SSL_CAINFO",
    "http.proxySSLCert": "GIT_PROXY_SSL_CERT",
    "http.proxySSLKey": "GIT_PROXY_SSL_KEY",
}
"""git's keys for files and folders, each with the variable that overrides it."""
_OTHERS = (
    "http.proxy",
    "http.proxyAuthMethod",
    "http.sslVerify",
    "http.sslBackend",
    "http.schannelUseSSLCAInfo",
)


class Proxy(NamedTuple):
    """A proxy as git and curl name it: ``scheme`` is http, https, socks5 or socks5h; user and password may be any bytes."""

    scheme: str
    host: str
    port: int
    user: str | None
    password: str | None

    @property
    def host_and_port(self) -> str:
        """Host and port, for messages."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def through(self) -> str:
        """The text after the name of a host that is reached through this proxy, for messages."""
        return f" through the proxy {self.host_and_port}"

    @property
    def with_password(self) -> str:
        """The command that gives git the user and the password of this proxy."""
        return hints.http("proxy", f"{self.scheme}://USER:PASSWORD@{self.host_and_port}")


@dataclass(frozen=True)
class Settings:
    """Proxy and certificates for a request; the defaults leave both to the environment and the system.

    ``proxy``: a URL or ``host:port``; empty for no proxy, whatever the environment has. ``ca_file``, ``ca_path``: a PEM
    file or a folder of them, instead of the system's authorities. ``certificate``, ``key``: PEM files of the client
    certificate. ``verify``: whether certificates are verified; False only by git's own ``http.sslVerify``.
    ``proxy_*``: the same for an https proxy; ``proxy_method``: the only authentication method to use with the proxy.
    """

    proxy: str | None = field(default=None, repr=False)  # it may hold a password
    ca_file: str | None = None
    verify: bool = True
    ca_path: str | None = None
    certificate: str | None = None
    key: str | None = None
    proxy_ca_file: str | None = None
    proxy_certificate: str | None = None
    proxy_key: str | None = None
    proxy_method: str | None = None

    def of_proxy(self) -> Settings:
        """Return the certificates for the TLS connection to the proxy, whose certificate git always verifies."""
        return Settings(ca_file=self.proxy_ca_file, certificate=self.proxy_certificate, key=self.proxy_key)


def settings_for(url: str) -> Settings:
    """Return the settings that git would use for a URL; warn once when certificates are not verified. Raise UsageError."""
    settings = _settings(f"{urlsplit(url).scheme}://{urlsplit(url).netloc.rpartition('@')[2]}")
    if not settings.verify:
        _warn_once()
    return settings


def elsewhere(key: str) -> Entry | None:
    """Return the last entry that sets a key of ``http`` only for certain URLs, or None. Raise UsageError."""
    named = [each for each in _entries() if each.value and split_key(each.key)[::2] == ("http", key.lower())]
    return next((each for each in reversed(named) if split_key(each.key)[1]), None)


def ignored(entries: Iterable[Entry]) -> list[str]:
    """Return descriptions of the entries that git follows in a repository and this program ignores."""
    keys = {key.lower() for key in (*_FILES, *_OTHERS)}
    return [
        entry.description
        for entry in entries
        if not entry.trusted and "{0}.{2}".format(*split_key(entry.key)) in keys
    ]


@functools.cache
def _settings(address: str) -> Settings:
    entries = _entries()

    def text(key: str) -> str | None:
        entry = entry_for(entries, key, address)
        if entry and entry.value is None:
            raise UsageError(f"{entry.description} has no value", hint=removal(entry))  # git rejects it, too
        return entry.value if entry else None

    def is_true(key: str, *, unset: bool) -> bool:
        entry = entry_for(entries, key, address)
        return as_bool(entry) if entry else unset

    def path(key: str) -> str | None:
        variable = _FILES[key]
        entry = None if os.environ.get(variable) else entry_for(entries, key, address)
        value = expanded(os.environ.get(variable) or text(key) or "")
        # Only git knows its installation prefix; on Windows it also adds that to a path without a drive.
        if entry and value.startswith("%(prefix)/" if os.name != "nt" else ("%(prefix)/", "/")):
            # Passed with -c, since a repository's value of the key itself would override the user's.
            asked = ["-c", f"azdo.path={value}", "config", "--type=path", "azdo.path"]
            value = run_git(asked, cwd=programs.ROOT).stdout.decode("utf-8", "surrogateescape").rstrip("\n")
        if not are_absolute(value, several=key == "http.sslCAPath"):
            name, hint = (entry.description, removal(entry)) if entry else (variable, hints.unset(variable))
            raise UsageError(f"{name} is a relative path: a repository could provide the file", hint=hint)
        return value or None

    proxy = text("http.proxy")
    if proxy and urllib.request.proxy_bypass_environment(urlsplit(address).netloc):  # type: ignore[attr-defined] # typeshed lacks it
        proxy = ""
    # schannel's certificates are in Windows' stores: sslCert is a thumbprint there, which OpenSSL cannot use.
    schannel = text("http.sslBackend") == "schannel"
    of_system = schannel and not is_true("http.schannelUseSSLCAInfo", unset=False)
    return Settings(
        proxy=proxy,
        ca_file=None if of_system else path("http.sslCAInfo"),
        ca_path=path("http.sslCAPath"),
        certificate=None if schannel else path("http.sslCert"),
        key=None if schannel else path("http.sslKey"),
        verify=is_true("http.sslVerify", unset=True) and "GIT_SSL_NO_VERIFY" not in os.environ,
        proxy_ca_file=path("http.proxySSLCAInfo"),
        proxy_certificate=path("http.proxySSLCert"),
        proxy_key=path("http.proxySSLKey"),
        proxy_method=os.environ.get("GIT_HTTP_PROXY_AUTHMETHOD") or text("http.proxyAuthMethod"),
    )


@functools.cache
def _entries() -> list[Entry]:
    try:
        return [entry for entry in read_config() if entry.trusted]
    except programs.NotFound:
        return []


@functools.cache
def _warn_once() -> None:
    say("warning", "certificates are not verified: http.sslVerify is false or GIT_SSL_NO_VERIFY is set")
