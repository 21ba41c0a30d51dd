"""What can go wrong, by whose fault. The front door turns each into one line on stderr and an exit code.

Never put a secret into a message or a hint: both are printed. Lower case, no full stop; the hint is a
command to run or a page to open.

    AzdoError
      UsageError      the person asked for something that cannot be
      ProtocolError   git (or a file of ours) holds something we refuse to read or write
      VaultError      the place for secrets is absent or refused
        VaultLocked   it is there, but locked
      NetworkError    no answer came, or not from whom we asked
      SignInError     the authority said no; a person must sign in
      ServiceError    Azure DevOps said no
"""

from __future__ import annotations

import sys


class AzdoError(Exception):
    """An expected failure: what happened, and what to run next (``hint``), if anything cures it."""

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(AzdoError):
    """The person asked for something that cannot be."""


class ProtocolError(AzdoError):
    """A message or a file of ours holds something we refuse to read or to write."""


class VaultError(AzdoError):
    """The place for secrets is absent, refused, or failed half way."""


class VaultLocked(VaultError):  # noqa: N818 - a state with one cure, not a kind of accident
    """The place for secrets is there, but locked; only a person can open it."""


class NetworkError(AzdoError):
    """No answer came in time, or it did not come from the host we asked."""


class SignInError(AzdoError):
    """The authority refused; the person has to sign in again or to change something there."""


class ServiceError(AzdoError):
    """Azure DevOps refused the request or gave an answer that is not one."""


def report(error: AzdoError) -> None:
    """Print the error, and its hint, on stderr; what a server or a URL brought in cannot steer the terminal."""
    say("error", error.message)
    if error.hint:
        say("hint", error.hint)


def say(kind: str, text: str) -> None:
    """Print one line of ours on stderr: ``git-credential-azdo: KIND: TEXT``."""
    if sys.stderr is None:  # it was closed before we began
        return
    line = "".join(character if character.isprintable() else "?" for character in text)
    try:
        sys.stderr.write(f"git-credential-azdo: {kind}: {line}\n")
    except OSError:  # nobody reads it any more, and the answer on stdout must not be lost for that
        sys.stderr = None
