"""The way out as git has it: proxy, trust and client certificate, from git's configuration and its variables.

One ``git config`` for all of it, and only where a request is due anyway. A git that is missing or refuses its
configuration sets nothing. Rules: git's Documentation/config/http.adoc; ``NO_PROXY`` counts for ``http.proxy`` too,
as in git's http.c.
"""

from __future__ import annotations

import functools
import os
import urllib.request
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from git_credential_azdo.errors import UsageError, say
from git_credential_azdo.git.config import as_bool, read_config, value_for

if TYPE_CHECKING:
    from git_credential_azdo.git.config import Entry


@dataclass(frozen=True)
class Settings:
    """What may be set about the way out; the defaults leave proxy and trust to environment and system.

    ``proxy``: a URL, or ``host:port``; an empty string is "no proxy, whatever the environment says".
    ``ca_file`` and ``ca_path``: a PEM file or a folder of them that replaces the system's trust. ``certificate`` and
    ``key``: PEM files to show to a server that asks. ``verify=False`` switches the check of certificates off; only
    git's own ``http.sslVerify=false`` may lead to it.
    """

    proxy: str | None = None
    ca_file: str | None = None
    verify: bool = True
    ca_path: str | None = None
    certificate: str | None = None
    key: str | None = None

    def __repr__(self) -> str:
        """Without the proxy's URL: it may carry a password."""
        return f"Settings(proxy={'set' if self.proxy else self.proxy!r}, ca_file={self.ca_file!r}, verify={self.verify})"


def settings_for(url: str) -> Settings:
    """Return what git would use on the way to ``url``; warns, each time, of certificates that are not checked."""
    settings = _settings(f"{urlsplit(url).scheme}://{urlsplit(url).netloc.rpartition('@')[2]}")
    if not settings.verify:
        _warn_once()
    return settings


@functools.cache
def _settings(address: str) -> Settings:
    entries = _entries()

    def setting(key: str, variable: str = "") -> str | None:
        return os.environ.get(variable) or value_for(entries, key, address) or None

    def path(key: str, variable: str) -> str | None:
        value = setting(key, variable)
        return os.path.expanduser(value) if value else None

    proxy = value_for(entries, "http.proxy", address)
    host = urlsplit(address).netloc
    if proxy and urllib.request.proxy_bypass_environment(host):  # type: ignore[attr-defined] # typeshed lacks it
        proxy = ""
    verify = value_for(entries, "http.sslVerify", address)
    return Settings(
        proxy=proxy,
        ca_file=path("http.sslCAInfo", "GIT_SSL_CAINFO"),
        ca_path=path("http.sslCAPath", "GIT_SSL_CAPATH"),
        certificate=path("http.sslCert", "GIT_SSL_CERT"),
        key=path("http.sslKey", "GIT_SSL_KEY"),
        verify=(verify is None or as_bool(verify)) and "GIT_SSL_NO_VERIFY" not in os.environ,
    )


@functools.cache
def _entries() -> list[Entry]:
    try:
        return read_config()
    except UsageError:
        return []


@functools.cache
def _warn_once() -> None:
    say("warning", "certificates are not checked: http.sslVerify is false or GIT_SSL_NO_VERIFY is set")
