"""Whether ``credential.<url>.*`` or ``http.<url>.*`` applies to a URL, by git's rules. Pure.

Rules: git's Documentation/config/http.adoc ("http.<url>.*") and gitcredentials(7), compared with real git by
tests/git/test_config.py. Must never decide whether a host gets a token: patterns are settings, not a proof of who a
server is.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import unquote_to_bytes

if TYPE_CHECKING:
    from git_credential_azdo.git.protocol import Message

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")
_HOST = re.compile(r"[A-Za-z0-9.\-_\[:\]]+")
_PATTERN_HOST = re.compile(r"[A-Za-z0-9.\-_\[:\]*]+")
_ESCAPE = re.compile(r"%([0-9A-Fa-f]{2})|([\s\S])")
_RESERVED = frozenset(":/?#[]@!$&'()*+,;=")
_UNSAFE = frozenset(' <>"%{}|\\^`')
_DEFAULT_PORT = {"http": "80", "https": "443"}
_LAST_PORT = 65_535


class Url(NamedTuple):
    """A URL in git's normal form. ``user`` and ``port`` are None where absent; ``path`` starts with a slash."""

    scheme: str
    user: str | None
    host: str
    port: str | None
    path: str


class Rank(NamedTuple):
    """How specific a match is: ranks compare as git's do, the greatest wins, the later of equals."""

    host: int
    path: int
    user: bool


ANY_URL = Rank(0, 0, user=False)
"""The rank of a key without a URL, such as ``http.proxy``."""


def normalize(url: str, *, pattern: bool = False) -> Url | None:
    """Return a full URL (with ``pattern``, one whose host labels may be ``*``) in git's normal form.

    Scheme and host in lower case, no default port, dot segments resolved, percent escapes only where they are needed.
    None if git does not accept it as a URL.
    """
    scheme_match = _SCHEME.match(url)
    if not scheme_match:
        return None
    scheme = scheme_match[1].lower()
    authority, rest = _split(url[scheme_match.end() :], "[/?#]")
    user_text, at, server = authority.partition("@")
    if not at:
        user_text, server = "", authority
    host_text, port = _split_port(server)
    user = _escapes(user_text) if at else None
    path, tail = _path(rest)
    allowed = _PATTERN_HOST if pattern else _HOST
    if path is None or tail is None or (at and user is None) or not allowed.fullmatch(host_text):
        return None
    port = port.lstrip("0") if port.strip("0") else port[-1:]
    if port in ("", _DEFAULT_PORT.get(scheme)):
        port = ""
    elif not (port.isascii() and port.isdigit() and 0 < int(port) <= _LAST_PORT):
        return None
    user = user.partition(":")[0] if user is not None else None
    return Url(scheme, user, host_text.lower(), port or None, path + tail)


def match(url: Url, pattern: Url) -> Rank | None:
    """Return the rank of a pattern that matches a URL, None for one that does not.

    Scheme and port must be equal; so must each label of the host, unless the pattern's is ``*``, and the user, if the
    pattern has one. The pattern's path must be the URL's, or a prefix of it up to a slash.
    """
    if (url.scheme, url.port) != (pattern.scheme, pattern.port):
        return None
    if pattern.user is not None and pattern.user != url.user:
        return None
    labels, wanted = (host.removesuffix(".").split(".") for host in (url.host, pattern.host))
    if len(labels) != len(wanted) or any(
        w not in ("*", have) for have, w in zip(labels, wanted, strict=True)
    ):
        return None
    prefix = pattern.path.removesuffix("/")
    if url.path != prefix and not url.path.startswith(prefix + "/"):
        return None
    return Rank(len(pattern.host), len(prefix) + 1, pattern.user is not None)


def write(url: Url) -> str:
    """Return the URL of a normal form."""
    user = "" if url.user is None else f"{url.user}@"
    port = "" if url.port is None else f":{url.port}"
    return f"{url.scheme}://{user}{url.host}{port}{url.path}"


class Partial(NamedTuple):
    """The parts of a URL as git's credentials know them: percent-decoded, None where absent."""

    protocol: str | None
    user: str | None
    host: str | None
    path: str | None


def partial(url: str) -> Partial:
    """Return the parts of a URL, or of a part of one such as ``example.com`` or ``https://``, by gitcredentials(7)."""
    scheme, separator, rest = url.partition("://")
    if not separator:
        scheme, rest = "", url
    authority, path = _split(rest, "[/?#]")
    user, at, host = authority.partition("@")
    if not at:
        user, host = "", authority
    decoded = _decode(path.lstrip("/"))
    return Partial(
        scheme or None,
        _decode(user.partition(":")[0]) if at else None,
        _decode(host) or None,
        (decoded.rstrip("/") or decoded[:1]) or None,
    )


def parts_of(message: Message) -> Partial:
    """Return the parts that git sent a helper."""
    return Partial(*map(message.get, ("protocol", "username", "host", "path")))


def compose(parts: Partial) -> str:
    """Return the full URL of some parts, as git composes it to match patterns."""
    user = _encode(parts.user, slash=True) + "@" if parts.user else ""
    path = "/" + _encode(parts.path) if parts.path else ""
    return f"{parts.protocol or ''}://{user}{parts.host}{path}"


def covers(wanted: Partial, have: Partial) -> bool:
    """Return whether a partial pattern covers a credential: each of its parts must be equal."""
    return all(w in (None, h) for w, h in zip(wanted, have, strict=True))


def _split(text: str, at: str) -> tuple[str, str]:
    """Split a text before the first character that a class of a regular expression matches."""
    found = re.search(at, text)
    return (text[: found.start()], text[found.start() :]) if found else (text, "")


def _split_port(server: str) -> tuple[str, str]:
    """Split ``host:port``; colons in the brackets of an IPv6 literal belong to the host."""
    host, colon, port = server.rpartition(":")
    if not colon or "]" in port:
        return server, ""
    return host, port


def _escapes(text: str) -> str | None:
    """Return a text with normal percent escapes (reserved and unsafe characters escaped, others not), or None."""
    out: list[str] = []
    for found in _ESCAPE.finditer(text.encode("utf-8", "surrogateescape").decode("latin-1")):
        char = chr(int(found[1], 16)) if found[1] else found[2]
        if char == "%" and not found[1]:
            return None
        must = not " " < char < "\x7f" or char in _UNSAFE or (found[1] and char in _RESERVED)
        out.append(f"%{ord(char):02X}" if must else char)
    return "".join(out)


def _path(rest: str) -> tuple[str | None, str | None]:
    """Return the normal path of what follows the authority, and the query or fragment; None for what is not one."""
    text, tail = _split(rest, "[?#]")
    out: list[str] = []
    for raw in text.removeprefix("/").split("/"):
        segment = _escapes(raw)
        if segment is None:
            return None, None
        if segment == "..":
            if not out:
                return None, None
            out.pop()
        elif segment != ".":
            out.append(segment)
    return "/" + "/".join(out), _escapes(tail)


def _decode(text: str) -> str:
    """Return a text percent-decoded; invalid escapes stay, and so does (git's rule) all before a colon."""
    head, colon, tail = text.partition(":")
    if colon and head:
        return head + _decode(colon + tail)
    return unquote_to_bytes(text.encode("utf-8", "surrogateescape")).decode("utf-8", "surrogateescape")


def _encode(text: str, *, slash: bool = False) -> str:
    """Return a text percent-encoded: characters with a meaning in URLs, and all but printable ASCII."""
    special = _RESERVED | _UNSAFE if slash else (_RESERVED | _UNSAFE) - {"/"}
    raw = text.encode("utf-8", "surrogateescape")
    return "".join(
        chr(byte) if " " < chr(byte) < "\x7f" and chr(byte) not in special else f"%{byte:02X}" for byte in raw
    )
