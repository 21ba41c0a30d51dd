"""A remote's address, and the message that git would send a helper for it. Pure; for people's verbs only.

Must never return a password that an address holds. SSH addresses: git-clone(1), "GIT URLS"; Azure DevOps' own:
https://learn.microsoft.com/azure/devops/repos/git/use-ssh-keys-to-authenticate.
"""

from __future__ import annotations

from urllib.parse import unquote

from git_credential_azdo.git import urlmatch
from git_credential_azdo.git.protocol import Message
from git_credential_azdo.git.target import Target, may_repeat, target_of
from git_credential_azdo.hosts import LEGACY_SUFFIX, SERVICES_HOST

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
