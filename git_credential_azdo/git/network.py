"""The way out as git has it: proxy, trust and client certificate, from git's configuration and its variables.

Only what a person or an administrator set steers what we send, for every host: entries of the scopes system, global
and command (``GIT_CONFIG_COUNT``, ``GIT_CONFIG_PARAMETERS``: a person's own ``git -c``, and no repository can set a
variable). A repository's own files (scopes local and worktree, and what they include) never do, nor does a relative
path, which would be looked for in the repository: git would risk an hour's token there, we a refresh token.

What would leave proxy or trust in doubt is an error: a boolean or a whole configuration that git itself refuses. Only
a missing git sets nothing. Rules: git's Documentation/config/http.adoc and http.c; ``NO_PROXY`` counts for
``http.proxy`` too. One ``git config`` for all of it, and only where a request is due anyway.
"""

from __future__ import annotations

import functools
import os
import urllib.request
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from git_credential_azdo import hints, programs
from git_credential_azdo.errors import UsageError, say
from git_credential_azdo.git.config import (
    as_bool,
    entry_for,
    read_config,
    removal,
    split_key,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from git_credential_azdo.git.config import Entry

_FILES = {
    "http.sslCAInfo": "GIT_SSL_CAINFO",
    "http.sslCAPath": "GIT_SSL_CAPATH",
    "http.sslCert": "GIT_SSL_CERT",
    "http.sslKey": "GIT_SSL_KEY",
}
"""git's keys that name a file or a folder, each with the variable that overrides it."""
_OTHERS = ("http.proxy", "http.sslVerify", "http.sslBackend", "http.schannelUseSSLCAInfo")


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


def passed_over(entries: Iterable[Entry]) -> list[str]:
    """Name what git itself would go by in a repository, and we do not."""
    keys = {key.lower() for key in (*_FILES, *_OTHERS)}
    return [
        entry.said for entry in entries if not entry.own and "{0}.{2}".format(*split_key(entry.key)) in keys
    ]


@functools.cache
def _settings(address: str) -> Settings:
    entries = _entries()

    def text(key: str) -> str | None:
        entry = entry_for(entries, key, address)
        if entry and entry.value is None:
            raise UsageError(f"{entry.said} has no value", hint=removal(entry))  # git's words for it, too
        return entry.value if entry else None

    def is_true(key: str, *, unset: bool) -> bool:
        entry = entry_for(entries, key, address)
        return as_bool(entry) if entry else unset

    def path(key: str) -> str | None:
        variable = _FILES[key]
        entry = None if os.environ.get(variable) else entry_for(entries, key, address)
        value = os.path.expanduser(os.environ.get(variable) or text(key) or "")
        if value and not os.path.isabs(value):
            said, hint = (entry.said, removal(entry)) if entry else (variable, hints.unset(variable))
            raise UsageError(f"{said} is a relative path: a repository could provide the file", hint=hint)
        return value or None

    proxy = text("http.proxy")
    if proxy and urllib.request.proxy_bypass_environment(urlsplit(address).netloc):  # type: ignore[attr-defined] # typeshed lacks it
        proxy = ""
    schannel = text("http.sslBackend") == "schannel" and not is_true("http.schannelUseSSLCAInfo", unset=False)
    return Settings(
        proxy=proxy,
        ca_file=None if schannel else path("http.sslCAInfo"),
        ca_path=path("http.sslCAPath"),
        certificate=path("http.sslCert"),
        key=path("http.sslKey"),
        verify=is_true("http.sslVerify", unset=True) and "GIT_SSL_NO_VERIFY" not in os.environ,
    )


@functools.cache
def _entries() -> list[Entry]:
    try:
        return [entry for entry in read_config() if entry.own]
    except programs.NotFound:
        return []


@functools.cache
def _warn_once() -> None:
    say("warning", "certificates are not checked: http.sslVerify is false or GIT_SSL_NO_VERIFY is set")
