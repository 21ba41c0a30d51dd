"""Addresses: what git makes of a URL, which patterns of ``credential.<url>.*`` and ``http.<url>.*`` match it. Pure.

git has no command that lists the helpers of a URL (``git config --get-urlmatch`` returns one value), so its rules stand
here (Documentation/config/http.adoc, gitcredentials(7)), compared with real git by tests/git/test_config.py. SSH:
git-clone(1), https://learn.microsoft.com/azure/devops/repos/git/use-ssh-keys-to-authenticate. Must never decide whether
a host gets a token (patterns are settings), and never return a password that an address holds.
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
        """Return the URL of the normal form."""
        user = "" if self.user is None else f"{self.user}@"
        port = "" if self.port is None else f":{self.port}"
        return f"{self.scheme}://{user}{self.host}{port}{self.path}"


def normalize(url: str, *, pattern: bool = False) -> Url | None:
    """Return a full URL (with ``pattern``, one whose host labels may be ``*``) in git's normal form; None for other text."""
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
    """Return how specific a pattern that matches a URL is, None for one that does not match.

    A label ``*`` matches any, a path each path below it, and no user each user. Of several patterns the greatest result
    wins, as in git, and the later of equals.
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
    """Return a text with normal percent escapes: reserved and unsafe characters escaped, others not. Raise ValueError."""
    out: list[str] = []
    for found in _ESCAPE.finditer(text.encode("utf-8", "surrogateescape").decode("latin-1")):
        char = chr(int(found[1], 16)) if found[1] else found[2]
        if char == "%" and not found[1]:
            raise ValueError("not a percent escape")
        must = not " " < char < "\x7f" or char in _UNSAFE or (found[1] and char in _RESERVED)
        out.append(f"%{ord(char):02X}" if must else char)
    return "".join(out)


def _path(text: str) -> str:
    """Return a path with normal escapes and without dot segments. Raise ValueError for one above the root."""
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
    """Return the full URL of some parts, as git composes it to match patterns."""
    user = quote(parts.user, safe="", errors="surrogateescape") + "@" if parts.user else ""
    path = "/" + quote(parts.path, errors="surrogateescape") if parts.path else ""
    return f"{parts.protocol or ''}://{user}{parts.host}{path}"


def covers(wanted: Partial, have: Partial) -> bool:
    """Return whether a partial pattern covers a credential: each of its parts must be equal."""
    return all(w in (None, h) for w, h in zip(wanted, have, strict=True))


def _decoded(text: str) -> str:
    """Return a text percent-decoded; invalid escapes stay, and so does (git's rule) all before a colon."""
    head, colon, tail = text.partition(":")
    if colon and head:
        return head + _decoded(colon + tail)
    return unquote_to_bytes(text.encode("utf-8", "surrogateescape")).decode("utf-8", "surrogateescape")


def message_for(url: str, *, with_path: bool = True, user: str | None = None) -> Message:
    """Return the message that git sends for ``url``.

    ``with_path``: the value of credential.useHttpPath. ``user``: of credential.username, for an address without one.
    """
    parts = partial(url)
    name = parts.user if parts.user is not None else user
    pairs = [("protocol", parts.protocol), ("host", parts.host), ("username", name)]
    if with_path:
        pairs.append(("path", parts.path))
    return Message((key, value) for key, value in pairs if value is not None)


def target_of_url(url: str) -> Target | None:
    """Return the target of an address; None when it is not a web address."""
    return target_of(message_for(url))


def holds_password(url: str) -> bool:
    """Return whether the address holds a password; git then asks no helper."""
    authority = url.partition("://")[2].partition("/")[0]
    return ":" in authority.rpartition("@")[0]


def shown(url: str) -> str:
    """Return the address without user, password and query, and with ``...`` for a part that may be a token."""
    parts = partial(url)
    path = "/".join(
        "..." if holds_token(part) else part for part in (parts.path or "").partition("?")[0].split("/")
    )
    return f"{parts.protocol}://{parts.host}/{path}".rstrip("/")


def quoted(word: str) -> str:
    """Return a word of a command line in quotes, or ``that`` for one that a message must not repeat."""
    return repr(word) if may_repeat(word) else "that"


def ssh_host(url: str) -> str | None:
    """Return the host of an SSH address (``ssh://host/path`` or ``user@host:path``), else None."""
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
    """Return the web address of the repository that an SSH address of Azure DevOps names; None for other addresses."""
    if ssh_host(url) not in _SSH_HOSTS:
        return None
    _, separator, rest = url.partition("://")
    path = rest.partition("/")[2] if separator else url.partition(":")[2]
    words = path.strip("/").split("/")
    if len(words) != _V3_SEGMENTS or words[0] != "v3":
        return None
    _, organization, project, repository = (unquote(word).replace(" ", "%20") for word in words)
    return f"https://{SERVICES_HOST}/{organization}/{project}/_git/{repository}"
