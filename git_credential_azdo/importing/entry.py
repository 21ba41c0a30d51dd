"""One credential that was found elsewhere, and how the places to look at report. Pure.

A place is read only as far as needed to know what an entry is for: ``Wanted`` decides that from protocol, host, path
and user, before any secret is read. A secret never shows in a repr, nor does a token that stood where a user belongs.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from git_credential_azdo.accounts.naming import looks_like_token
from git_credential_azdo.errors import AzdoError  # noqa: TC001 - a NamedTuple's fields are looked up
from git_credential_azdo.git.wire import Message

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from git_credential_azdo.git.wire import Pair

    Wanted = Callable[[Message], bool]

_OLD_PAT, _NEW_PAT = 52, 84
_JWT_START = "eyJ"


@dataclass(frozen=True)
class Entry:
    """A credential: ``where`` it lies, in words; ``about`` what (protocol, host, path, username); its secret."""

    where: str
    about: Message
    secret: str = field(repr=False)
    expires_utc: str = ""

    @property
    def what(self) -> str:
        """What the secret is, as far as its form tells."""
        if self.secret.startswith(_JWT_START):
            return "access token"
        plain = self.secret.isascii() and self.secret.isalnum()
        is_pat = plain and (
            len(self.secret) == _OLD_PAT or (len(self.secret) == _NEW_PAT and "AZDO" in self.secret)
        )
        return "personal access token" if is_pat else "password"


class Find(NamedTuple):
    """What a place holds, and what of it could not be read (one error each)."""

    entries: list[Entry]
    troubles: list[AzdoError]


def message(pairs: Iterable[tuple[str, str | None]]) -> Message:
    """Make the message about an entry; a token in the user's place is left out, since users are shown."""
    kept: list[Pair] = [(key, value) for key, value in pairs if value]
    return Message((key, value) for key, value in kept if key != "username" or not looks_like_token(value))
