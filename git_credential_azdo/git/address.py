"""A remote's address as git would put it to a helper. Pure; for people's commands, never on the hot path."""

from __future__ import annotations

from git_credential_azdo.git import urlmatch
from git_credential_azdo.git.remote import Remote, remote_of
from git_credential_azdo.git.wire import Message


def message_for(url: str, *, with_path: bool = True) -> Message:
    """Return the message that git sends for ``url``; ``with_path`` as credential.useHttpPath has it."""
    parts = urlmatch.partial(url)
    pairs = [("protocol", parts.protocol), ("host", parts.host), ("username", parts.user)]
    if with_path:
        pairs.append(("path", parts.path))
    return Message((key, value) for key, value in pairs if value is not None)


def remote_of_url(url: str) -> Remote | None:
    """Say what an address is about; None when it is no web address."""
    return remote_of(message_for(url))
