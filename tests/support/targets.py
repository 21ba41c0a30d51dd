"""Messages as git sends them: what they are about, and characters by which a host disguises itself."""

from __future__ import annotations

from hypothesis import strategies as st

from git_credential_azdo.git.protocol import Message
from git_credential_azdo.git.target import Target, target_of


def about(
    host: str | None, path: str | None = None, user: str | None = None, protocol: str | None = "https"
) -> Target | None:
    """Ask what the message with these values, and no others, is about."""
    given_ones = {"protocol": protocol, "host": host, "path": path, "username": user}
    return target_of(Message((key, value) for key, value in given_ones.items() if value is not None))


DISGUISES = st.characters(exclude_categories=["Cs"]) | st.sampled_from(
    "\u212a\u0130\u017f\u3002\uff0e\u200b.:/@\\#%?-"
)


def ours(host: str, path: str | None = None, user: str | None = None, protocol: str = "https") -> Target:
    """Return what the message is about, which must be Azure DevOps Services."""
    target = about(host, path, user, protocol)
    assert target is not None
    assert target.services
    assert target.host == "dev.azure.com"
    return target
