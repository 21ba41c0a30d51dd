"""A remote's address, and the message that git would send a helper for it. Pure; for people's verbs only.

Must never return a password that an address holds. SSH addresses: git-clone(1), "GIT URLS"; Azure DevOps' own:
https://learn.microsoft.com/azure/devops/repos/git/use-ssh-keys-to-authenticate.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import unquote

from git_credential_azdo import hints
from git_credential_azdo.git import config, urlmatch
from git_credential_azdo.git.protocol import Message
from git_credential_azdo.git.target import Target, holds_token, may_repeat, target_of
from git_credential_azdo.hosts import LEGACY_SUFFIX, SERVICES_HOST

if TYPE_CHECKING:
    from collections.abc import Iterable

_SSH_SCHEMES = frozenset(("ssh", "git+ssh", "ssh+git"))
_SSH_HOSTS = frozenset(("ssh.dev.azure.com", f"vs-ssh{LEGACY_SUFFIX}"))
_V3_SEGMENTS = 4  # v3/organization/project/repository


def message_for(url: str, *, with_path: bool = True, user: str | None = None) -> Message:
    """Return the message that git sends for ``url``.

    ``with_path``: the value of credential.useHttpPath. ``user``: of credential.username, for an address without one.
    """
    parts = urlmatch.partial(url)
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


def user_source(entries: Iterable[config.Entry], request: urlmatch.Partial) -> tuple[str, str]:
    """Return what names the user of a request to git, and the command that takes it away.

    It is ``credential.username``, the address of a remote, or the base of an ``insteadOf``; else the address in a
    command line, which has no such command.
    """
    entries = list(entries)
    bare = urlmatch.compose(request._replace(user=None))
    setting = config.entry_for(entries, "credential.username", bare)
    if setting and setting.value == request.user:
        return setting.description, config.removal(setting)
    for entry in entries:
        section, name, key = config.split_key(entry.key)
        text = {("remote", "url"): entry.value, ("url", "insteadof"): name}.get((section, key)) or ""
        parts = urlmatch.partial(text)
        if (parts.protocol, parts.user, parts.host) != (request.protocol, request.user, request.host):
            continue
        if section == "url":
            return entry.description, config.removal(entry)
        address = urlmatch.compose(parts._replace(user=None))
        return entry.description, hints.set_url(shown(address), name or "origin")
    return "the address", f"use {bare}" if not holds_token(bare) else "use it without the user"


def shown(url: str) -> str:
    """Return the address without user, password and query, and with ``...`` for a part that may be a token."""
    message = message_for(url)
    path = (message.get("path") or "").partition("?")[0]
    parts = ("..." if holds_token(part) else part for part in path.split("/"))
    return f"{message.get('protocol')}://{message.get('host')}/{'/'.join(parts)}".rstrip("/")


def rewritten(entries: Iterable[config.Entry], url: str) -> str:
    """Return the address that git takes for this one: the longest ``url.BASE.insteadOf`` that it begins with decides."""
    found = "", ""
    for entry in entries:
        section, base, key = config.split_key(entry.key)
        if (
            (section, key) == ("url", "insteadof")
            and base is not None
            and url.startswith(entry.value or "\0")
        ):
            found = max(found, (entry.value or "", base), key=lambda each: len(each[0]))
    return found[1] + url[len(found[0]) :]


def remotes(entries: Iterable[config.Entry]) -> dict[str, str]:
    """Return the address that git fetches from for each remote of the current repository, ``origin`` first."""
    entries = list(entries)
    found: dict[str, str] = {}
    for entry in entries:
        section, name, key = config.split_key(entry.key)
        if (section, key) == ("remote", "url") and name and entry.value:
            found.setdefault(name, rewritten(entries, entry.value))
    return dict(sorted(found.items(), key=lambda each: each[0] != "origin"))
