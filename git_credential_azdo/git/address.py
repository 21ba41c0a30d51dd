"""Addresses: how git parses a URL, and which ``credential.<url>.*`` and ``http.<url>.*`` patterns match it. Pure.

git has no command that lists the helpers for a URL (``git config --get-urlmatch`` returns one value), so its rules are
implemented here (Documentation/config/http.adoc, gitcredentials(7)); tests/git/test_config.py compares them with real
git. SSH: git-clone(1), https://learn.microsoft.com/azure/devops/repos/git/use-ssh-keys-to-authenticate. Must never
decide whether a host gets a token (patterns are settings), and never return a password that an address contains.
"""

from __future__ import annotations

import re
from typing import NamedTuple
from urllib.parse import quote, unquote, unquote_to_bytes

from git_credential_azdo.errors import holds_token, may_repeat
from git_credential_azdo.git.protocol import Message
from git_credential_azdo.git.target import DEFAULT_PORTS, LEGACY_SUFFIX, SERVICES_HOST, Target, target_of

_URL = re.compile(
    r"""
    (?P<scheme> [A-Za-z][A-Za-z0-9+.-]* ) ://
    (?: (?P<user> [^/?#@]* ) @ )?
    (?P<host> \[ [A-Za-z0-9.:_-]* \] | [A-Za-z0-9._*-]+ )
    (?: : (?P<port> 0*[1-9][0-9]{,4} )? )?
    (?P<path> /[^?#]* )?
    (?P<tail> [?#].* )?
    """,
    re.VERBOSE | re.DOTALL,
)
_ESCAPE = re.compile(r"%([0-9A-Fa-f]{2})|([\s\S])")
_RESERVED = frozenset(":/?#[]@!$&'()*+,;=")
_UNSAFE = frozenset(' <>"%{}|\\^`')
_LAST_PORT = 65_535
_SSH_SCHEMES = frozenset(("ssh", "git+ssh", "ssh+git"))
_SSH_HOSTS = frozenset((f"ssh.{SERVICES_HOST}", f"vs-ssh{LEGACY_SUFFIX}"))
_V3_SEGMENTS = 4  # v3/organization/project/repository
_USER_INFO = re.compile(r"//[^/\s]*@")


class Url(NamedTuple):
    """A URL in git's normal form: lower case, no default port, no dot segments, percent escapes only where needed.

    ``user`` and ``port`` are None where absent; ``path`` starts with a slash.
    """

    scheme: str
    user: str | None
    host: str
    port: str | None
    path: str

    def __str__(self) -> str:
        """Return the normalized URL as text."""
        user = "" if self.user is None else f"{self.user}@"
        port = "" if self.port is None else f":{self.port}"
        return f"{self.scheme}://{user}{self.host}{port}{self.path}"


def normalize(url: str, *, pattern: bool = False) -> Url | None:
    """Return a full URL in git's normal form, None for other text. ``pattern``: labels of its host may be ``*``."""
    found = _URL.fullmatch(url)
    if not found or ("*" in found["host"] and not pattern):
        return None
    scheme, port = found["scheme"].lower(), (found["port"] or "").lstrip("0")
    if int(port or 0) > _LAST_PORT:
        return None
    try:
        user = None if found["user"] is None else _escaped(found["user"]).partition(":")[0]
        path = _path(found["path"] or "") + _escaped(found["tail"] or "")
    except ValueError:
        return None
    return Url(
        scheme,
        user,
        found["host"].lower(),
        port if port not in ("", DEFAULT_PORTS.get(scheme)) else None,
        path,
    )


def match(url: Url, pattern: Url) -> tuple[int, int, bool] | None:
    """Return how specific the match of a pattern with a URL is, None when it does not match.

    A ``*`` label matches any label, a path matches every path below it, and a pattern without a user matches any user.
    Among several patterns the greatest result wins, as in git; among equal ones the last.
    """
    if (url.scheme, url.port) != (pattern.scheme, pattern.port) or pattern.user not in {None, url.user}:
        return None
    labels, wanted = (host.removesuffix(".").split(".") for host in (url.host, pattern.host))
    if len(labels) != len(wanted) or any(
        w not in ("*", have) for have, w in zip(labels, wanted, strict=True)
    ):
        return None
    prefix = pattern.path.removesuffix("/")
    if url.path != prefix and not url.path.startswith(prefix + "/"):
        return None
    return len(pattern.host), len(prefix) + 1, pattern.user is not None


def _escaped(text: str) -> str:
    """Return a text with normalized percent escapes: only what must be escaped is. Raise ValueError."""
    out: list[str] = []
    for found in _ESCAPE.finditer(text.encode("utf-8", "surrogateescape").decode("latin-1")):
        char = chr(int(found[1], 16)) if found[1] else found[2]
        if char == "%" and not found[1]:
            raise ValueError("not a percent escape")
        must = not " " < char < "\x7f" or char in _UNSAFE or (found[1] and char in _RESERVED)
        out.append(f"%{ord(char):02X}" if must else char)
    return "".join(out)


def _path(text: str) -> str:
    """Return a path with normalized escapes and no dot segments. Raise ValueError for one that leaves the root."""
    out: list[str] = []
    for segment in map(_escaped, text.removeprefix("/").split("/")):
        if segment == ".." and not out:
            raise ValueError("above the root")
        if segment == "..":
            out.pop()
        elif segment != ".":
            out.append(segment)
    return "/" + "/".join(out)


class Partial(NamedTuple):
    """The parts of a URL as a git credential has them: percent-decoded, None where absent."""

    protocol: str | None
    user: str | None
    host: str | None
    path: str | None


def partial(url: str) -> Partial:
    """Return the parts of a URL, or of a partial one such as ``example.com`` or ``https://`` (gitcredentials(7))."""
    scheme, separator, rest = url.partition("://")
    if not separator:
        scheme, rest = "", url
    authority = re.split("[/?#]", rest, maxsplit=1)[0]
    user, at, host = authority.partition("@") if "@" in authority else ("", "", authority)
    path = _decoded(rest[len(authority) :].lstrip("/"))
    return Partial(
        scheme or None,
        _decoded(user.partition(":")[0]) if at else None,
        _decoded(host) or None,
        path.rstrip("/") or path[:1] or None,
    )


def parts_of(message: Message) -> Partial:
    """Return the parts that git sent a helper."""
    return Partial(*map(message.get, ("protocol", "username", "host", "path")))


def compose(parts: Partial) -> str:
    """Return the full URL that git composes from the parts to match it against patterns."""
    user = quote(parts.user, safe="", errors="surrogateescape") + "@" if parts.user else ""
    path = "/" + quote(parts.path, errors="surrogateescape") if parts.path else ""
    return f"{parts.protocol or ''}://{user}{parts.host}{path}"


def covers(wanted: Partial, have: Partial) -> bool:
    """Return whether a partial pattern covers a credential: each part that the pattern has must be equal."""
    return all(w in (None, h) for w, h in zip(wanted, have, strict=True))


def _decoded(text: str) -> str:
    """Return a text percent-decoded, except for invalid escapes and, by git's rule, everything before a colon."""
    head, colon, tail = text.partition(":")
    if colon and head:
        return head + _decoded(colon + tail)
    return unquote_to_bytes(text.encode("utf-8", "surrogateescape")).decode("utf-8", "surrogateescape")


def message_for(url: str, *, with_path: bool = True, user: str | None = None) -> Message:
    """Return the message that git sends for ``url``.

    ``with_path``: the value of credential.useHttpPath. ``user``: the value of credential.username, used for a URL
    without a user.
    """
    parts = partial(url)
    name = parts.user if parts.user is not None else user
    pairs = [("protocol", parts.protocol), ("host", parts.host), ("username", name)]
    if with_path:
        pairs.append(("path", parts.path))
    return Message((key, value) for key, value in pairs if value is not None)


def target_of_url(url: str) -> Target | None:
    """Return the target of a URL; None when it is not a web URL."""
    return target_of(message_for(url))


def holds_password(url: str) -> bool:
    """Return whether the URL contains a password; git then calls no helper."""
    authority = url.partition("://")[2].partition("/")[0]
    return ":" in authority.rpartition("@")[0]


def without_users(text: str) -> str:
    """Return a text in which ``***`` stands for the users and passwords of its URLs."""
    return _USER_INFO.sub("//***@", text)


def shown(url: str) -> str:
    """Return the URL without user, password and query, and with ``...`` for a path segment that may be a token."""
    parts = partial(url)
    path = "/".join(
        "..." if holds_token(part) else part for part in (parts.path or "").partition("?")[0].split("/")
    )
    return f"{parts.protocol}://{parts.host}/{path}".rstrip("/")


def quoted(word: str) -> str:
    """Return a command-line argument in quotes, or ``that`` for one that a message must not repeat."""
    return repr(word) if may_repeat(word) else "that"


def ssh_host(url: str) -> str | None:
    """Return the host of an SSH URL (``ssh://host/path`` or ``user@host:path``), else None."""
    scheme, separator, rest = url.partition("://")
    if separator:
        if scheme.lower() not in _SSH_SCHEMES:
            return None
        authority = rest.partition("/")[0].rpartition("@")[2]
        return authority.partition(":")[0].lower() or None
    before, colon, _ = url.partition(":")
    host = before.rpartition("@")[2]
    return host.lower() if colon and host and "/" not in before else None


def https_for_ssh(url: str) -> str | None:
    """Return the HTTPS URL of the repository that an Azure DevOps SSH URL names; None for other URLs."""
    if ssh_host(url) not in _SSH_HOSTS:
        return None
    _, separator, rest = url.partition("://")
    path = rest.partition("/")[2] if separator else url.partition(":")[2]
    words = path.strip("/").split("/")
    if len(words) != _V3_SEGMENTS or words[0] != "v3":
        return None
    _, organization, project, repository = (unquote(word).replace(" ", "%20") for word in words)
    return f"https://{SERVICES_HOST}/{organization}/{project}/_git/{repository}"
